"""Commands that are ready to be copied."""

from collections.abc import Mapping
from typing import Any

from django import template

from apps.common.forwarding import base_url
from apps.portal import commands

register = template.Library()


@register.simple_tag(takes_context=True)
def registry_url(context: Mapping[str, Any]) -> str:
    """The URL by which the reader of this page reaches the registry."""
    return base_url(context["request"].META)


@register.inclusion_tag("portal/parts/pull_commands.html")
def pull_commands(host: str, repository: str, reference: str, kind: str) -> Mapping[str, Any]:
    """How each client pulls a tag or digest of ``repository`` (its full name); ``kind`` is the artifact's type.

    ``host`` is what :func:`registry_url` gives, or a bare host that speaks https.
    """
    return {"clients": commands.pull_commands(commands.registry_at(host), repository, reference, kind)}


@register.inclusion_tag("portal/parts/push_commands.html")
def push_commands(host: str, project: str) -> Mapping[str, Any]:
    """How each client pushes to a project; ``host`` as for :func:`pull_commands`."""
    registry = commands.registry_at(host)
    return {"clients": commands.push_commands(registry, project), "registry": registry}
