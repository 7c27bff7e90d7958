"""What an artifact says about itself: ``…/artifacts/{reference}/additions/{addition}``."""

from typing import Any, ClassVar

from django.http import HttpResponse
from rest_framework.request import Request

from apps.api.parameters import ACCEPT_VULNERABILITIES
from apps.api.repositories import RepositoryScopedView
from apps.artifacts.additions import addition_of
from apps.artifacts.selectors import artifact_manifest, artifact_row, repository_get
from apps.common.errors import UnprocessableError

_NAMES = ("build_history", "values.yaml", "readme.md", "dependencies", "sbom", "license", "files")


class AdditionView(RepositoryScopedView):
    """``…/additions/{addition}``."""

    def get(self, _request: Request, **_: Any) -> HttpResponse:
        """The addition as it is, in its own content type."""
        name = self.repository_name(resource="artifact-addition", action="read")
        wanted = str(self.kwargs["addition"])
        if wanted not in _NAMES:
            raise UnprocessableError(f"addition in path should be one of [{' '.join(_NAMES)}]")
        artifact, manifest = artifact_manifest(repository_get(name), self.kwargs["reference"])
        addition = addition_of(artifact.type, manifest, wanted)
        # What somebody pushed must not run as a page of ours.
        headers = {
            "X-Content-Type-Options": "nosniff",
            "Content-Security-Policy": "sandbox; default-src 'none'",
        }
        return HttpResponse(addition.content, content_type=addition.content_type, headers=headers)


class VulnerabilitiesView(RepositoryScopedView):
    """``…/additions/vulnerabilities``."""

    asks: ClassVar = {"get": (ACCEPT_VULNERABILITIES,)}

    def get(self, _request: Request, **_: Any) -> HttpResponse:
        """Reports by media type: none, as long as no scanner has looked."""
        name = self.repository_name(resource="artifact-addition", action="read")
        artifact_row(repository_get(name), self.kwargs["reference"])
        return HttpResponse(b"{}", content_type="application/json")
