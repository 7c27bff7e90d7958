"""The tags of an artifact: put on, taken off, and made to end by themselves."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django import forms
from django.http import HttpResponse
from django.urls import path
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from apps.artifacts.selectors import tag_list
from apps.artifacts.services.expiry import expiry_read, tag_expiry_set
from apps.artifacts.services.tags import tag_create, tag_delete
from apps.common.errors import NotFoundError
from apps.portal.forms import PortalForm
from apps.portal.repository_views import ArtifactPage
from apps.portal.undo import trash_undo
from apps.portal.views import ConfirmMixin, FormMixin


class ExpiryForm(PortalForm):
    """When a tag ends."""

    expires_after = forms.CharField(
        label=gettext_lazy("Ends after"),
        required=False,
        max_length=64,
        help_text=gettext_lazy(
            "A number and one of w, d, h or m, such as 2w or 12h. The tag goes to the trash then. Empty for never."
        ),
    )

    def moment(self) -> datetime | None:
        """The time that it is, None for never."""
        return expiry_read(expires_at="", expires_after=self.cleaned_data["expires_after"])


class TagForm(ExpiryForm):
    """A new tag."""

    name = forms.CharField(
        label=gettext_lazy("Name"),
        max_length=128,
        help_text=gettext_lazy("Letters, digits, and _ . - but not at the beginning."),
    )
    field_order = ("name", "expires_after")


class _TagFormPage(FormMixin, ArtifactPage):
    """A form about a tag of the artifact."""

    resource = "tag"
    resource_type = "tag"

    def cancel_url(self) -> str:
        """See :class:`FormMixin`."""
        return self.artifact_url()


class TagCreatePage(_TagFormPage):
    """``…/tags/new``."""

    action = "create"
    form_class = TagForm

    def extra(self) -> Mapping[str, Any]:
        """See :class:`FormMixin`."""
        return {"layout": "portal/repository.html", "title": _("New tag"), "submit": _("Create")}

    def save(self, form: Any) -> HttpResponse:
        """Put it on."""
        name = form.cleaned_data["name"]
        tag_create(
            actor=self.actor,
            repository_name=self.repository.name,
            reference=self.artifact.digest,
            tag=name,
            expires_at=form.moment(),
        )
        return self.done(_("The tag %(name)s is there.") % {"name": name}, self.artifact_url())


class TagExpiryPage(_TagFormPage):
    """``…/tags/NAME/expiry``."""

    action = "delete"
    form_class = ExpiryForm

    def extra(self) -> Mapping[str, Any]:
        """See :class:`FormMixin`."""
        name = str(self.kwargs["tag"])
        row = tag_list(self.artifact).filter(name=name).first()
        if row is None:
            raise NotFoundError(_("The artifact has no such tag any more."))
        until = row.expires_at
        lead = _("It ends at %(time)s UTC now.") % {"time": f"{until:%Y-%m-%d %H:%M}"} if until else ""
        return {
            "layout": "portal/repository.html",
            "title": _("When does the tag %(name)s end?") % {"name": name},
            "lead": lead,
        }

    def save(self, form: Any) -> HttpResponse:
        """Set or clear it."""
        name = str(self.kwargs["tag"])
        until = form.moment()
        tag_expiry_set(
            actor=self.actor,
            repository_name=self.repository.name,
            reference=self.artifact.digest,
            tag=name,
            expires_at=until,
        )
        told = _("The tag %(name)s ends by itself.") if until else _("The tag %(name)s stays.")
        return self.done(told % {"name": name}, self.artifact_url())


class TagDeletePage(ConfirmMixin, ArtifactPage):
    """``…/tags/NAME/delete``."""

    resource = "tag"
    action = "delete"
    resource_type = "tag"

    def question(self) -> Mapping[str, Any]:
        """See :class:`ConfirmMixin`."""
        return {
            "layout": "portal/repository.html",
            "title": _("Delete the tag %(name)s?") % {"name": self.kwargs["tag"]},
            "text": _("The artifact stays, and can be pulled by its digest and by other tags."),
            "undo": trash_undo(),
            "submit": _("Delete"),
        }

    def cancel_url(self) -> str:
        """See :class:`ConfirmMixin`."""
        return self.artifact_url()

    def act(self) -> HttpResponse:
        """Move it to the trash."""
        name = str(self.kwargs["tag"])
        tag_delete(
            actor=self.actor,
            repository_name=self.repository.name,
            reference=self.artifact.digest,
            tag=name,
        )
        return self.done(_("The tag %(name)s is in the trash.") % {"name": name}, self.artifact_url())


_HERE = "harbor/projects/<int:project_id>/repositories/<repo:repository>/-/artifacts/<reference:digest>/tags"

urlpatterns = [
    path(f"{_HERE}/new", TagCreatePage.as_view(), name="artifact-tag-new"),
    path(f"{_HERE}/<reference:tag>/expiry", TagExpiryPage.as_view(), name="artifact-tag-expiry"),
    path(f"{_HERE}/<reference:tag>/delete", TagDeletePage.as_view(), name="artifact-tag-delete"),
]
