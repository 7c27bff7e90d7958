"""The forms of what a robot account trusts: one for each usual issuer, and one for all others."""

import re
from dataclasses import dataclass
from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from apps.portal.forms import LinesField, PortalForm
from apps.robots.trusts import MAX_AUDIENCE, MAX_PATTERN, Trust

GITHUB_ISSUER = "https://token.actions.githubusercontent.com"
GITLAB_ISSUER = "https://gitlab.com"

_ANY = "any"
# In the subjects of newer repositories of GitHub their ids follow: app@456.
_WORD = re.compile(r"[A-Za-z0-9_.-]+(?:@[0-9]+)?\Z")
_PATH = re.compile(r"[A-Za-z0-9_.-]+(?:/[A-Za-z0-9_.-]+)+\Z")
_MAX_URL = 1024


class TrustForm(PortalForm):
    """What every one has; this is the one for issuers of which nothing is known."""

    issuer = forms.CharField(
        label=gettext_lazy("Issuer"),
        max_length=_MAX_URL,
        help_text=gettext_lazy("The URL in the claim iss. Its keys are fetched from there."),
    )
    subject = forms.CharField(
        label=gettext_lazy("Subject"),
        max_length=MAX_PATTERN,
        help_text=gettext_lazy(
            "What the claim sub has to be. * stands for one part, without : and /, and ** for anything."
        ),
    )
    audience = forms.CharField(
        label=gettext_lazy("Audience"),
        max_length=MAX_AUDIENCE,
        help_text=gettext_lazy("The claim aud: what the job asks for its token with."),
    )
    claims = LinesField(
        label=gettext_lazy("Further claims"),
        help_text=gettext_lazy(
            "All of them have to match: one on each line, such as environment=production. * stands for one part,"
            " without : and /, and ** for anything."
        ),
    )

    def clean_claims(self) -> dict[str, str]:
        """Names and patterns."""
        found: dict[str, str] = {}
        for line in self.cleaned_data["claims"]:
            name, equals, pattern = (part.strip() for part in line.partition("="))
            if not (name and equals and pattern):
                raise forms.ValidationError(_("Write NAME=VALUE, one on each line."))
            found[name] = pattern
        return found

    def subject_of(self, data: dict[str, Any]) -> str:
        """The subject pattern that was meant."""
        return str(data["subject"])

    def trust(self) -> Trust:
        """What was entered."""
        data = self.cleaned_data
        return Trust(data["issuer"].strip(), data["audience"].strip(), self.subject_of(data), data["claims"])


class _ReadyForm(TrustForm):
    """The subject is made of parts that people know."""

    subject = None  # type: ignore[assignment]

    def require_word(self, name: str, *, optional: bool = False) -> None:
        """A field holds a name, without signs that would mean something in the subject."""
        value = self.cleaned_data.get(name, "")
        if not _WORD.match(value) and not (optional and not value):
            self.add_error(name, _("Letters, digits, and . _ - only, and perhaps @ with an id behind it."))


class GitHubForm(_ReadyForm):
    """Jobs of GitHub Actions."""

    owner = forms.CharField(
        label=gettext_lazy("Organization or user"),
        max_length=64,
        help_text=gettext_lazy(
            "As the subject has it: where GitHub puts ids in, such as for repositories made since July 2026,"
            " write them too: octocat@123456 and app@456789."
        ),
    )
    repository = forms.CharField(
        label=gettext_lazy("Repository"),
        max_length=100,
        required=False,
        help_text=gettext_lazy("Its name without the owner. Empty for every repository of the owner."),
    )
    kind = forms.ChoiceField(
        label=gettext_lazy("Which jobs"),
        choices=[
            ("ref:refs/heads/", gettext_lazy("of a branch")),
            ("ref:refs/tags/", gettext_lazy("of a tag")),
            ("environment:", gettext_lazy("of an environment")),
            (_ANY, gettext_lazy("all, those of pull requests too")),
        ],
    )
    name = forms.CharField(
        label=gettext_lazy("Branch, tag or environment"),
        max_length=128,
        required=False,
        help_text=gettext_lazy("Such as main or v*. * stands for anything but : and /."),
    )

    field_order = ("owner", "repository", "kind", "name", "audience", "claims", "issuer")

    def clean(self) -> dict[str, Any]:
        """A name where one is needed."""
        data: dict[str, Any] = super().clean() or self.cleaned_data
        self.require_word("owner")
        self.require_word("repository", optional=True)
        if data.get("kind") != _ANY and not data.get("name"):
            self.add_error("name", _("Say which one."))
        return data

    def subject_of(self, data: dict[str, Any]) -> str:
        """See :class:`TrustForm`."""
        rest = "**" if data["kind"] == _ANY else f"{data['kind']}{data['name']}"
        return f"repo:{data['owner']}/{data['repository'] or '*'}:{rest}"


class GitLabForm(_ReadyForm):
    """Jobs of GitLab CI."""

    project = forms.CharField(
        label=gettext_lazy("Project"),
        max_length=160,
        help_text=gettext_lazy("With its groups, such as group/app."),
    )
    kind = forms.ChoiceField(
        label=gettext_lazy("Which jobs"),
        choices=[
            ("branch", gettext_lazy("of a branch")),
            ("tag", gettext_lazy("of a tag")),
            (_ANY, gettext_lazy("all")),
        ],
    )
    name = forms.CharField(
        label=gettext_lazy("Branch or tag"),
        max_length=64,
        required=False,
        help_text=gettext_lazy("Such as main or v*. * stands for anything but : and /."),
    )
    protected = forms.BooleanField(
        label=gettext_lazy("Only protected branches and tags"), required=False, initial=True
    )

    field_order = ("project", "kind", "name", "protected", "audience", "claims", "issuer")

    def clean(self) -> dict[str, Any]:
        """A name where one is needed."""
        data: dict[str, Any] = super().clean() or self.cleaned_data
        if "project" in data and not _PATH.match(data["project"]):
            self.add_error("project", _("The path of the project, such as group/app."))
        if data.get("kind") != _ANY and not data.get("name"):
            self.add_error("name", _("Say which one."))
        if data.get("protected") and "claims" in data:
            data["claims"].setdefault("ref_protected", "true")
        return data

    def subject_of(self, data: dict[str, Any]) -> str:
        """See :class:`TrustForm`."""
        rest = "**" if data["kind"] == _ANY else f"ref_type:{data['kind']}:ref:{data['name']}"
        return f"project_path:{data['project']}:{rest}"


class KubernetesForm(_ReadyForm):
    """Pods by their service account."""

    namespace = forms.CharField(label=gettext_lazy("Namespace"), max_length=63)
    account = forms.CharField(
        label=gettext_lazy("Service account"),
        max_length=100,
        required=False,
        help_text=gettext_lazy("Empty for every service account of the namespace."),
    )

    field_order = ("issuer", "namespace", "account", "audience", "claims")

    def clean(self) -> dict[str, Any]:
        """Names as Kubernetes has them."""
        data: dict[str, Any] = super().clean() or self.cleaned_data
        self.require_word("namespace")
        self.require_word("account", optional=True)
        return data

    def subject_of(self, data: dict[str, Any]) -> str:
        """See :class:`TrustForm`."""
        return f"system:serviceaccount:{data['namespace']}:{data['account'] or '*'}"


@dataclass(frozen=True, slots=True)
class Choice:
    """A ready-made form; ``name`` is the issuer's, ``word`` what stands in the address."""

    word: str
    name: Any
    form_class: type[TrustForm]
    issuer: str = ""


CHOICES = (
    Choice("github", "GitHub Actions", GitHubForm, GITHUB_ISSUER),
    Choice("gitlab", "GitLab CI", GitLabForm, GITLAB_ISSUER),
    Choice("kubernetes", "Kubernetes", KubernetesForm),
    Choice("other", gettext_lazy("another issuer"), TrustForm),
)
