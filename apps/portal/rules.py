"""Rules that speak of repositories and tags by patterns: the fields that ask for them, and the words that tell them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from apps.common.name_selectors import KIND, REPOSITORY, REPOSITORY_DECORATIONS, TAG_DECORATIONS
from apps.common.patterns import MAX_LENGTH
from apps.portal.forms import PortalForm
from apps.portal.views import ProjectPage

Selectors = Sequence[Mapping[str, str]]

_EVERYTHING = "**"
_ALL = frozenset({"", "*", _EVERYTHING})
_TAKES = {**TAG_DECORATIONS, **REPOSITORY_DECORATIONS}


def selectors_shown(selectors: Selectors, *, is_repository: bool) -> list[str]:
    """Each selector in words; a name has to fit all of them."""
    return [_words(one, is_repository=is_repository) for one in selectors]


def _words(selector: Mapping[str, str], *, is_repository: bool) -> str:
    pattern, is_wanted = selector["pattern"], _TAKES[selector["decoration"]]
    # A single star does not cross the slashes of a repository's name.
    if is_wanted and pattern in (_ALL - {"*"} if is_repository else _ALL):
        return _("all")
    if is_wanted:
        return _("matching %(pattern)s") % {"pattern": pattern}
    return _("all but those matching %(pattern)s") % {"pattern": pattern}


@dataclass(frozen=True, slots=True)
class SelectorValues:
    """The two sides of a rule as the API and the services have them."""

    tags: list[dict[str, str]]
    scope: dict[str, list[dict[str, str]]]


class SelectorsForm(PortalForm):
    """Asks which repositories and tags a rule speaks of: one selector each, as in Harbor's portal."""

    repository_decoration = forms.ChoiceField(
        label=gettext_lazy("Repositories"),
        choices=[
            ("repoMatches", gettext_lazy("matching the pattern")),
            ("repoExcludes", gettext_lazy("all but those matching the pattern")),
        ],
    )
    repository_pattern = forms.CharField(
        label=gettext_lazy("Pattern of repositories"),
        max_length=MAX_LENGTH,
        initial=_EVERYTHING,
        help_text=gettext_lazy(
            "Names without the project. * stands for anything up to the next /, ** for anything at all; "
            "several stand between braces: {web,api/**}."
        ),
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
    )
    tag_decoration = forms.ChoiceField(
        label=gettext_lazy("Tags"),
        choices=[
            ("matches", gettext_lazy("matching the pattern")),
            ("excludes", gettext_lazy("all but those matching the pattern")),
        ],
    )
    tag_pattern = forms.CharField(
        label=gettext_lazy("Pattern of tags"),
        max_length=MAX_LENGTH,
        initial=_EVERYTHING,
        help_text=gettext_lazy("** for every tag; several stand between braces: {v*,release-*}."),
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
    )

    def clean_repository_pattern(self) -> str:
        """See :func:`_pattern_checked`."""
        return _pattern_checked(self.cleaned_data["repository_pattern"])

    def clean_tag_pattern(self) -> str:
        """See :func:`_pattern_checked`."""
        return _pattern_checked(self.cleaned_data["tag_pattern"])

    def selectors(self, before: SelectorValues | None = None, *, extras: str = "") -> SelectorValues:
        """What a valid form asks for. Further selectors of the rule ``before``, which the API can set, stay.

        ``extras`` are those of the tags' selector.
        """
        values = self.cleaned_data
        tag = {"kind": KIND, "decoration": values["tag_decoration"], "pattern": values["tag_pattern"]}
        repository = {
            "kind": KIND,
            "decoration": values["repository_decoration"],
            "pattern": values["repository_pattern"],
        }
        tags, repositories = (before.tags[1:], before.scope[REPOSITORY][1:]) if before else ([], [])
        return SelectorValues(
            [tag | {"extras": extras} if extras else tag, *tags], {REPOSITORY: [repository, *repositories]}
        )


def selectors_initial(values: SelectorValues) -> dict[str, str]:
    """What the fields of :class:`SelectorsForm` show of a rule."""
    tag, repository = values.tags[0], values.scope[REPOSITORY][0]
    return {
        "tag_decoration": tag["decoration"],
        "tag_pattern": tag["pattern"] or _EVERYTHING,
        "repository_decoration": repository["decoration"],
        "repository_pattern": repository["pattern"] or _EVERYTHING,
    }


def further_selectors(values: SelectorValues) -> str:
    """What the form tells about selectors that it does not show; "" if there are none."""
    if len(values.tags) == 1 and len(values.scope[REPOSITORY]) == 1:
        return ""
    return _("This rule has further patterns, set over the API: they stay as they are.")


def _pattern_checked(pattern: str) -> str:
    """The pattern; no name holds a comma, so that one outside of braces can only be a list."""
    if "," in pattern and "{" not in pattern:
        raise ValidationError(
            _("Write several patterns between braces: {%(pattern)s}") % {"pattern": pattern}
        )
    return pattern


class ActionPage(ProjectPage):
    """Something that a button of a page of a project does without a question: it can be done back just so."""

    http_method_names = ["post"]

    def act(self) -> HttpResponse:
        """Do it and go on."""
        raise NotImplementedError

    def post(self, request: HttpRequest, **words: Any) -> HttpResponse:  # noqa: ARG002 (the words are the route's)
        """Do it."""
        return self.act()
