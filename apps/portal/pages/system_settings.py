"""The settings of the installation."""

from collections.abc import Mapping
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.urls import path, reverse
from django.utils.translation import gettext as _

from apps.accounts.configuration import configuration_list, configuration_update
from apps.config.selectors import is_read_only
from apps.config.types import secret_settings
from apps.portal.settings_forms import SETTINGS_FORMS, SettingsForm, locked_fields
from apps.portal.settings_table import SECTIONS, Section
from apps.portal.settings_tests import PINGS, Tested, settings_try
from apps.portal.views import FormMixin, PortalView


class SystemSettingsPage(FormMixin, PortalView):
    """``/harbor/system-settings/SECTION``; the first section without one."""

    template = "portal/system_settings.html"
    resource_type = "configuration"
    dangerous = frozenset({"POST"})
    section: Section
    settings_form: type[SettingsForm]
    tested: Tested | None = None

    def check(self, request: HttpRequest) -> None:
        """Find the section, and what can be changed by whom."""
        super().check(request)
        self.items = configuration_list(actor=self.actor)
        key = self.kwargs.get("section", SECTIONS[0].key)
        found = next((section for section in SECTIONS if section.key == key), None)
        if found is None:
            raise Http404
        self.section = found
        self.form_class = self.settings_form = SETTINGS_FORMS[found.key]
        self.may_change = self.actor.can_system("configuration", "update") and not is_read_only()
        # Told before the form is filled in: what is in it is lost on the way to the page that asks for the password.
        self.must_confirm = self.may_change and not self.is_confirmed

    def check_write(self, _request: HttpRequest) -> None:
        """Settings are for the read-only mode too: without them nobody could end it."""

    def initial(self) -> Mapping[str, Any]:
        """See :class:`FormMixin`."""
        return self.settings_form.starting({name: item.value for name, item in self.items.items()})

    def form_arguments(self) -> Mapping[str, Any]:
        """See :class:`FormMixin`."""
        may_change = self.may_change and not self.must_confirm
        locked = {name for name, item in self.items.items() if not (item.editable and may_change)}
        if not may_change:
            locked |= secret_settings()
        return {"locked": locked_fields(self.settings_form, frozenset(locked))}

    def extra(self) -> Mapping[str, Any]:
        """See :class:`FormMixin`."""
        return {
            "title": _("System settings"),
            "sections": SECTIONS,
            "section": self.section,
            "lead": self.section.lead,
            "may_change": self.may_change,
            "must_confirm": self.must_confirm,
            "is_overridden": is_read_only(),
            "is_auth_mode_fixed": "auth_mode" in self.section.names
            and self.may_change
            and not self.items["auth_mode"].editable,
            "test": _("Test") if self.section.key in PINGS else "",
            "tested": self.tested,
        }

    def cancel_url(self) -> str:
        """See :class:`FormMixin`."""
        return reverse("portal:system-settings-section", args=[self.section.key])

    def save(self, form: Any) -> HttpResponse:
        """Change what is different; or only try it, and show the form again as it is."""
        if "test" in self.request.POST and self.section.key in PINGS:
            changes = form.changes()
            self.tested = settings_try(actor=self.actor, section=self.section.key, changes=changes)
            return self.show(form)
        configuration_update(actor=self.actor, changes=form.changes())
        return self.done(_("The settings are saved."), self.cancel_url())


urlpatterns = [
    path("harbor/system-settings", SystemSettingsPage.as_view(), name="system-settings"),
    path(
        "harbor/system-settings/<slug:section>",
        SystemSettingsPage.as_view(),
        name="system-settings-section",
    ),
]
