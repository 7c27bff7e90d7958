"""What projects hold, and what they may hold."""

from collections.abc import Mapping
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.urls import path, reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from apps.accounts.configuration import configuration_update
from apps.accounts.security import require_system
from apps.config.selectors import is_read_only, system_settings
from apps.portal.forms import PortalForm
from apps.portal.lists import Table, table_page
from apps.portal.sizes import LimitField
from apps.portal.views import FormMixin, PortalView
from apps.quotas.models import Quota
from apps.quotas.selectors import quota_get, quota_list
from apps.quotas.services import quota_update

_QUOTAS = Table(
    order=("-used", "-id"),
    search=("project__name",),
    sorts={"project": "project__name", "used": "used", "hard": "hard"},
)


class QuotasPage(PortalView):
    """``/harbor/quotas``: those who hold most first."""

    template = "portal/quotas.html"
    resource_type = "quota"

    def get(self, request: HttpRequest) -> HttpResponse:
        """The quotas of all projects."""
        settings = system_settings()
        return self.render(
            title=_("Project quotas"),
            page=table_page(request, quota_list(actor=self.actor), _QUOTAS),
            default=settings.storage_per_project,
            is_enforced=settings.quota_per_project_enable,
            may_change=self.actor.can_system("quota", "update"),
            may_change_default=self.actor.can_system("configuration", "update") and not is_read_only(),
        )


class QuotaForm(PortalForm):
    """A limit."""

    hard = LimitField(label=gettext_lazy("Storage limit"))


class QuotaEditPage(FormMixin, PortalView):
    """``/harbor/quotas/ID/edit``."""

    form_class = QuotaForm
    resource_type = "quota"
    quota: Quota

    def check(self, request: HttpRequest) -> None:
        """See :class:`PortalView`."""
        super().check(request)
        require_system(self.actor, "quota", "update")
        self.quota = quota_get(actor=self.actor, quota_id=self.kwargs["quota_id"])

    def initial(self) -> Mapping[str, Any]:
        """See :class:`FormMixin`."""
        return {"hard": self.quota.hard}

    def extra(self) -> Mapping[str, Any]:
        """See :class:`FormMixin`."""
        return {
            "title": _("Limit of the project %(name)s") % {"name": self.quota.project.name},
            "lead": _("A limit below what the project holds is possible: it can then push nothing more."),
        }

    def cancel_url(self) -> str:
        """See :class:`FormMixin`."""
        return reverse("portal:quotas")

    def save(self, form: Any) -> HttpResponse:
        """Set it."""
        quota_update(actor=self.actor, quota_id=self.quota.pk, hard=form.cleaned_data["hard"])
        return self.done(
            _("The limit of %(name)s is changed.") % {"name": self.quota.project.name}, self.cancel_url()
        )


class QuotaDefaultPage(FormMixin, PortalView):
    """``/harbor/quotas/default``: what new projects begin with."""

    form_class = QuotaForm
    resource_type = "configuration"

    def check(self, request: HttpRequest) -> None:
        """See :class:`PortalView`."""
        super().check(request)
        require_system(self.actor, "configuration", "update")

    def initial(self) -> Mapping[str, Any]:
        """See :class:`FormMixin`."""
        return {"hard": system_settings().storage_per_project}

    def extra(self) -> Mapping[str, Any]:
        """See :class:`FormMixin`."""
        return {
            "title": _("Limit of new projects"),
            "lead": _("Projects that are there already keep the limit that they have."),
        }

    def cancel_url(self) -> str:
        """See :class:`FormMixin`."""
        return reverse("portal:quotas")

    def save(self, form: Any) -> HttpResponse:
        """Set it."""
        configuration_update(actor=self.actor, changes={"storage_per_project": form.cleaned_data["hard"]})
        return self.done(_("The limit of new projects is changed."), self.cancel_url())


urlpatterns = [
    path("harbor/quotas", QuotasPage.as_view(), name="quotas"),
    path("harbor/quotas/default", QuotaDefaultPage.as_view(), name="quota-default"),
    path("harbor/quotas/<int:quota_id>/edit", QuotaEditPage.as_view(), name="quota-edit"),
]
