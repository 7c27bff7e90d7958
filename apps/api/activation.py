"""Artifacts that stay and cannot be pulled: ``…/artifacts/{reference}/deactivate``, and back; beyond Harbor."""

from typing import Any

from rest_framework.request import Request
from rest_framework.response import Response

from apps.api.repositories import RepositoryScopedView
from apps.api.shapes import Input, text
from apps.artifacts.services.activation import artifact_activate, artifact_deactivate


class DeactivationInput(Input):
    reason = text()


class DeactivateView(RepositoryScopedView):
    """``…/artifacts/{reference}/deactivate``."""

    takes = {"post": DeactivationInput}
    statuses = {"post": 200}

    def post(self, _request: Request, **_: Any) -> Response:
        """Refuse its pulls from now on; a body may tell why."""
        name = self.repository_name(resource="artifact", action="delete")
        artifact_deactivate(
            actor=self.actor,
            repository_name=name,
            reference=self.kwargs["reference"],
            reason=self._reason(),
        )
        return Response()

    def _reason(self) -> str:
        has_body = self.request.META.get("CONTENT_LENGTH") not in {None, "", "0"}
        return str(self.read(DeactivationInput, name="reason")["reason"]) if has_body else ""


class ActivateView(RepositoryScopedView):
    """``…/artifacts/{reference}/activate``."""

    statuses = {"post": 200}

    def post(self, _request: Request, **_: Any) -> Response:
        """Let it be pulled again."""
        name = self.repository_name(resource="artifact", action="delete")
        artifact_activate(actor=self.actor, repository_name=name, reference=self.kwargs["reference"])
        return Response()
