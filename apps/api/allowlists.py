"""CVE allowlists: the installation's at ``/system/CVEAllowlist``, and their shapes for projects too."""

from typing import Any, ClassVar

from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from apps.api.shapes import Input, Shape, TimeField, integer, text
from apps.api.views import HarborView
from apps.projects.allowlists import Allowlist, system_allowlist_get, system_allowlist_set
from apps.projects.models import CVEAllowlist


class CVEShape(Shape):
    cve_id = serializers.CharField()


class CVEAllowlistShape(Shape):
    keep: ClassVar[frozenset[str]] = frozenset({"items"})
    lists: ClassVar[frozenset[str]] = frozenset({"items"})

    id = serializers.IntegerField(required=False)
    project_id = serializers.IntegerField()
    expires_at = serializers.IntegerField(required=False)
    items = CVEShape(many=True)
    creation_time = TimeField()
    update_time = TimeField()


# Made once: to make a shape costs much more than to use it, and lists of projects use it for each row.
_SHAPE = CVEAllowlistShape()


def allowlist_shown(allowlist: CVEAllowlist | None, *, project_id: int) -> dict[str, Any]:
    """A list as an answer has it, also one that was never set; ``project_id`` is 0 for the installation's."""
    found = {} if allowlist is None else {"id": allowlist.pk, "expires_at": allowlist.expires_at}
    values = found | {
        "project_id": project_id,
        "items": [{"cve_id": item} for item in allowlist.items] if allowlist else [],
        "creation_time": allowlist.creation_time if allowlist else None,
        "update_time": allowlist.update_time if allowlist else None,
    }
    return _SHAPE.to_representation(values)


class CVEInput(Input):
    cve_id = text()


class CVEAllowlistInput(Input):
    """The times and the id are Harbor's and ours to say."""

    id = integer(default=None)
    project_id = integer(default=None)
    expires_at = integer(default=None)
    items = CVEInput(many=True, required=False, default=list)
    creation_time = text(default=None)
    update_time = text(default=None)


def allowlist_given(values: dict[str, Any]) -> Allowlist:
    """What an input says."""
    return Allowlist([item["cve_id"] for item in values["items"]], values["expires_at"])


class SystemCVEAllowlistView(HarborView):
    """``/system/CVEAllowlist``."""

    takes = {"put": CVEAllowlistInput}
    answers = {"get": CVEAllowlistShape}

    def get(self, _request: Request) -> Response:
        """Vulnerabilities that count in no project that has no list of its own."""
        return Response(allowlist_shown(system_allowlist_get(actor=self.actor), project_id=0))

    def put(self, _request: Request) -> Response:
        """Replace them."""
        values = self.read(CVEAllowlistInput, name="allowlist")
        system_allowlist_set(actor=self.actor, allowlist=allowlist_given(values))
        return Response()
