"""How the pages name and draw kinds of artifacts and accessories, and labels."""

from collections.abc import Mapping

from django import template
from django.utils.functional import Promise
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from apps.artifacts import accessories, contents
from apps.portal.templatetags.portal import icon

register = template.Library()

KINDS: Mapping[str, tuple[str | Promise, str]] = {
    contents.IMAGE: (_("Image"), "box"),
    contents.CHART: (_("Helm chart"), "steering-wheel"),
    contents.CNAB: (_("CNAB bundle"), "package"),
    contents.WASM: (_("WebAssembly module"), "code"),
    contents.CNAI: (_("Model"), "brain"),
    contents.SBOM: (_("SBOM"), "clipboard"),
    contents.UNKNOWN: (_("Other"), "file"),
}
"""The types of artifacts that the pages know by name, each with its icon."""

_ACCESSORIES: Mapping[str, tuple[str | Promise, str]] = {
    accessories.COSIGN: (_("Cosign signature"), "writing-sign"),
    accessories.NOTATION: (_("Notation signature"), "writing-sign"),
    accessories.NYDUS: (_("Nydus accelerated image"), "rocket"),
    accessories.SBOM: (_("SBOM"), "clipboard"),
    accessories.OTHER: (_("Attached artifact"), "link"),
}


@register.simple_tag
def artifact_kind(kind: str, *, is_index: bool = False) -> SafeString:
    """The type of an artifact: its icon and its name, as it was pushed where it is none of ours."""
    name, drawing = KINDS.get(kind, (kind, "file"))
    return format_html(
        '<span class="text-nowrap">{} {}</span>',
        icon("stack-2" if is_index else drawing),
        _("Index") if is_index and kind == contents.IMAGE else name,
    )


@register.simple_tag
def accessory_kind(kind: str, artifact_type: str = "") -> SafeString:
    """The type of an accessory; of one that nobody has told us about, the media type that it has."""
    name, drawing = _ACCESSORIES.get(kind, (kind, "link"))
    shown = artifact_type if kind == accessories.OTHER and artifact_type else name
    return format_html("<span>{} {}</span>", icon(drawing), shown)
