"""Fields that suggest names while one types, where there is JavaScript; without it they are plain fields."""

from collections.abc import Callable, Iterable
from typing import Any, ClassVar

from django import forms
from django.http import HttpRequest, HttpResponse

_MOST = 10
_LIST = "suggested-names"


class SuggestedField(forms.CharField):
    """A name with suggestions from the page that :func:`suggest_from` names; a form has at most one of these."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**{"template_name": "portal/forms/suggested.html", "max_length": 255, **options})
        self.widget.attrs |= {"autocomplete": "off", "autocapitalize": "off", "spellcheck": "false"}


def suggest_from(field: forms.Field, url: str) -> None:
    """Let a :class:`SuggestedField` ask ``url``, a page of :class:`NamesMixin`, with what is typed."""
    field.widget.attrs |= {
        "list": _LIST,
        "hx-get": url,
        "hx-trigger": "input changed delay:250ms",
        "hx-target": f"#{_LIST}",
    }


class NamesMixin:
    """The first names that hold what is typed, as options. Comes before :class:`PortalView` among the bases.

    ``field`` is the name of the field that asks.
    """

    template = "portal/parts/suggested_names.html"
    field: ClassVar[str] = "name"
    render: Callable[..., HttpResponse]

    def names(self, text: str, most: int) -> Iterable[str]:
        """At most so many names that hold ``text``."""
        raise NotImplementedError

    def get(self, request: HttpRequest, **_words: Any) -> HttpResponse:
        """None before anything is typed."""
        text = str(request.GET.get(self.field, "")).replace("\x00", "").strip()[:255]
        return self.render(names=self.names(text, _MOST) if text else ())
