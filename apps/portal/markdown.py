"""Markdown that people wrote, as HTML that can do no harm."""

from collections.abc import MutableMapping, Sequence
from typing import Any

import nh3
from django.utils.html import escape, format_html
from django.utils.safestring import SafeString, mark_safe
from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.rules_core import StateCore
from markdown_it.token import Token
from markdown_it.utils import OptionsDict

MOST_CHARACTERS = 200_000
"""A longer text is shown as it was written."""

_TAGS = {
    *(
        "a",
        "blockquote",
        "br",
        "code",
        "del",
        "em",
        "h2",
        "h3",
        "h4",
        "h5",
        "h6",
        "hr",
        "li",
        "ol",
        "p",
        "pre",
    ),
    *("s", "strong", "table", "tbody", "td", "th", "thead", "tr", "ul"),
}
_ATTRIBUTES = {"a": {"href", "title"}, "ol": {"start"}}
_SCHEMES = {"http", "https", "mailto"}


def markdown_html(text: str) -> SafeString:
    """``text`` as HTML of few tags, without styles, scripts or foreign pictures; its headings begin at ``h2``.

    HTML in it is shown, not obeyed. Pictures become links: the browser would tell their hosts who reads the page.
    """
    if len(text) > MOST_CHARACTERS:
        return format_html("<pre>{}</pre>", text)
    html = _PARSER.render(text)
    return mark_safe(nh3.clean(html, tags=_TAGS, attributes=_ATTRIBUTES, url_schemes=_SCHEMES))  # noqa: S308 (cleaned)


def _lower_headings(state: StateCore) -> None:
    """The page itself has the first heading."""
    for token in state.tokens:
        if token.type in {"heading_open", "heading_close"}:
            token.tag = f"h{min(6, int(token.tag[1]) + 1)}"


def _picture(
    _renderer: RendererHTML,
    tokens: Sequence[Token],
    index: int,
    _options: OptionsDict,
    _environment: MutableMapping[str, Any],
) -> str:
    token = tokens[index]
    target = str(token.attrs.get("src", ""))
    words = token.content or target
    # A link in a link is none: a badge that leads somewhere leads there.
    is_linked = sum(one.nesting for one in tokens[:index] if one.type in {"link_open", "link_close"}) > 0
    return escape(words) if is_linked else format_html('<a href="{}">{}</a>', target, words)


def _parser() -> MarkdownIt:
    parser = MarkdownIt("commonmark", {"html": False}).enable(["table", "strikethrough"])
    parser.core.ruler.push("lower_headings", _lower_headings)
    parser.add_render_rule("image", _picture)
    return parser


_PARSER = _parser()
