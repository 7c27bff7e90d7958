"""Configuration of a project: who may see it, what is checked before somebody pulls, vulnerabilities that do not count."""

from collections.abc import Mapping
from datetime import UTC, date, datetime, time
from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse
from django.urls import path, reverse
from django.utils import timezone
from django.utils.functional import cached_property
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from apps.catalog.projects import project_summary
from apps.portal.forms import LinesField, PortalForm
from apps.portal.views import FormMixin, ProjectPage
from apps.projects.allowlists import Allowlist, allowlist_of, system_allowlist_get
from apps.projects.models import CVEAllowlist
from apps.projects.selectors import metadata_of
from apps.projects.services import project_update

_OWN_LIST = "reuse_sys_cve_allowlist"
_SEVERITIES = {
    "none": gettext_lazy("None: every vulnerability"),
    "low": gettext_lazy("Low"),
    "medium": gettext_lazy("Medium"),
    "high": gettext_lazy("High"),
    "critical": gettext_lazy("Critical"),
}
_DAY = 24 * 3600
# No calendar goes on after this; the API takes later ends.
_LATEST = int(datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC).timestamp())


class AccessForm(PortalForm):
    """Who may see the project."""

    public = forms.BooleanField(
        label=gettext_lazy("Public"),
        required=False,
        help_text=gettext_lazy("Anybody may look at a public project and pull from it, without signing in."),
    )


class SecurityForm(PortalForm):
    """What is checked before somebody pulls, and done after somebody pushed."""

    enable_content_trust_cosign = forms.BooleanField(
        label=gettext_lazy("Let only artifacts be pulled that are signed with Cosign"), required=False
    )
    enable_content_trust = forms.BooleanField(
        label=gettext_lazy("Let only artifacts be pulled that are signed with Notation"), required=False
    )
    prevent_vul = forms.BooleanField(
        label=gettext_lazy("Let no vulnerable artifacts be pulled"), required=False
    )
    severity = forms.ChoiceField(
        label=gettext_lazy("Vulnerable from this severity on"), choices=list(_SEVERITIES.items())
    )
    auto_scan = forms.BooleanField(label=gettext_lazy("Scan what is pushed"), required=False)
    auto_sbom_generation = forms.BooleanField(
        label=gettext_lazy("Generate a bill of materials (SBOM) of what is pushed"), required=False
    )


_SWITCHES = tuple(name for name in SecurityForm.base_fields if name != "severity")


class AllowlistForm(PortalForm):
    """Vulnerabilities that do not count in this project."""

    source = forms.ChoiceField(
        label=gettext_lazy("Vulnerabilities that do not count"),
        choices=[
            ("system", gettext_lazy("those of the installation's list")),
            ("own", gettext_lazy("those of the project's own list")),
        ],
        widget=forms.RadioSelect,
    )
    items = LinesField(
        label=gettext_lazy("The project's own list"),
        rows=6,
        help_text=gettext_lazy("CVE ids, one a line. They are kept while the installation's list is used."),
    )
    expires = forms.DateField(
        label=gettext_lazy("The own list counts until"),
        required=False,
        input_formats=["%Y-%m-%d"],
        help_text=gettext_lazy("The last day, in UTC. Empty for no end."),
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
    )


class _ConfigurationBase(ProjectPage):
    resource_type = "project"
    tab = "configuration"

    def home_url(self) -> str:
        """The configuration."""
        return reverse("portal:project-configuration", args=[self.project.pk])

    @cached_property
    def switches(self) -> dict[str, str]:
        """The project's switches that are set."""
        return metadata_of(self.project)

    @cached_property
    def allowlist(self) -> CVEAllowlist | None:
        """The project's own list."""
        return allowlist_of(self.project)

    @property
    def is_own_list(self) -> bool:
        """Whether that is the one that counts."""
        return self.switches.get(_OWN_LIST) == "false"

    def is_on(self, name: str) -> bool:
        """Whether a switch is set."""
        return self.switches.get(name) == "true"

    @property
    def severity(self) -> str:
        """From which on an artifact is vulnerable."""
        return self.switches.get("severity", "low")


class ConfigurationPage(_ConfigurationBase):
    """``…/configs``."""

    # Guests and developers may read ``configuration``, and Harbor shows them no such page all the same.
    resource = "metadata"
    template = "portal/configuration.html"

    def get(self, _request: HttpRequest, **_words: Any) -> HttpResponse:
        """How the project is set up."""
        summary = project_summary(actor=self.actor, project=self.project)
        counts = self.allowlist if self.is_own_list else system_allowlist_get(actor=self.actor)
        expires = None if counts is None else counts.expires_at
        return self.render(
            title=_("Configuration"),
            switches=[(SecurityForm.base_fields[name].label, self.is_on(name)) for name in _SWITCHES],
            severity=_SEVERITIES[self.severity],
            is_own_list=self.is_own_list,
            ids=[] if counts is None else counts.items,
            expires=None if expires is None else _moment(expires),
            is_expired=expires is not None and expires <= timezone.now().timestamp(),
            quota=summary.quota,
            may_update=self.may("", "update"),
            may_delete=self.may("", "delete"),
            may_quota=self.actor.can_system("quota", "list"),
        )


class _EditBase(FormMixin, _ConfigurationBase):
    action = "update"

    def done_here(self) -> HttpResponse:
        """After the change."""
        return self.done(_("The configuration is changed."), self.home_url())


class AccessPage(_EditBase):
    """``…/configs/access``."""

    form_class = AccessForm

    def initial(self) -> Mapping[str, Any]:
        """See :class:`FormMixin`."""
        return {"public": self.project.public}

    def extra(self) -> Mapping[str, Any]:
        """See :class:`FormMixin`."""
        return {"title": _("Who may see the project")}

    def save(self, form: Any) -> HttpResponse:
        """Change it."""
        project_update(actor=self.actor, project_id=self.project.pk, public=form.cleaned_data["public"])
        return self.done_here()


class SecurityPage(_EditBase):
    """``…/configs/security``."""

    form_class = SecurityForm

    def initial(self) -> Mapping[str, Any]:
        """See :class:`FormMixin`."""
        return {name: self.is_on(name) for name in _SWITCHES} | {"severity": self.severity}

    def extra(self) -> Mapping[str, Any]:
        """See :class:`FormMixin`."""
        return {
            "title": _("Signatures and vulnerabilities"),
            "lead": _("This takes effect when this server can scan and check signatures."),
        }

    def save(self, form: Any) -> HttpResponse:
        """Change it."""
        metadata = {name: str(form.cleaned_data[name]).lower() for name in _SWITCHES}
        metadata["severity"] = form.cleaned_data["severity"]
        project_update(actor=self.actor, project_id=self.project.pk, metadata=metadata)
        return self.done_here()


class AllowlistPage(_EditBase):
    """``…/configs/allowlist``."""

    form_class = AllowlistForm

    def initial(self) -> Mapping[str, Any]:
        """See :class:`FormMixin`."""
        expires = None if self.allowlist is None else self.allowlist.expires_at
        return {
            "source": "own" if self.is_own_list else "system",
            "items": [] if self.allowlist is None else list(self.allowlist.items),
            "expires": None if expires is None else _last_day(expires),
        }

    def extra(self) -> Mapping[str, Any]:
        """See :class:`FormMixin`."""
        return {"title": _("Vulnerabilities that do not count")}

    def save(self, form: Any) -> HttpResponse:
        """Change it."""
        values = form.cleaned_data
        expires = None if values["expires"] is None else _end_of(values["expires"])
        if "expires" not in form.changed_data and self.allowlist is not None:
            # The API can set any second of the day.
            expires = self.allowlist.expires_at
        project_update(
            actor=self.actor,
            project_id=self.project.pk,
            metadata={_OWN_LIST: "false" if values["source"] == "own" else "true"},
            allowlist=Allowlist(values["items"], expires),
        )
        return self.done_here()


def _end_of(day: date) -> int:
    """The end of a day in UTC, in seconds since 1970."""
    return int(datetime.combine(day, time(), UTC).timestamp()) + _DAY


def _last_day(seconds: int) -> date:
    """The last day in UTC that begins before this moment."""
    return _moment(max(0, seconds - 1)).date()


def _moment(seconds: int) -> datetime:
    return datetime.fromtimestamp(min(seconds, _LATEST), UTC)


_ROOT = "harbor/projects/<int:project_id>/configs"

urlpatterns = [
    path(_ROOT, ConfigurationPage.as_view(), name="project-configuration"),
    path(f"{_ROOT}/access", AccessPage.as_view(), name="project-configuration-access"),
    path(f"{_ROOT}/security", SecurityPage.as_view(), name="project-configuration-security"),
    path(f"{_ROOT}/allowlist", AllowlistPage.as_view(), name="project-configuration-allowlist"),
]
