"""Scanning, of an installation that has no scanner: as Harbor answers without one."""

from typing import Any, ClassVar

from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from apps.api.parameters import LISTED
from apps.api.repositories import RepositoryScopedView
from apps.api.shapes import Input, Shape, TimeField
from apps.api.views import HarborView
from apps.artifacts.models import Artifact
from apps.artifacts.selectors import artifact_row, repository_get
from apps.common.errors import BadRequestError, NotFoundError, PreconditionError, UnprocessableError
from apps.common.pagination import parse_page
from apps.common.query import parse_query

_TYPES = ("vulnerability", "sbom")


class ScannerShape(Shape):
    """A scanner's registration."""

    keep: ClassVar[frozenset[str]] = frozenset(
        [
            "description",
            "disabled",
            "is_default",
            "auth",
            "access_credential",
            "skip_certVerify",
            "use_internal_addr",
        ]
    )

    uuid = serializers.CharField()
    name = serializers.CharField()
    description = serializers.CharField()
    url = serializers.CharField()
    disabled = serializers.BooleanField()
    is_default = serializers.BooleanField()
    auth = serializers.CharField()
    access_credential = serializers.CharField()
    skip_certVerify = serializers.BooleanField()  # noqa: N815 (Harbor's name)
    use_internal_addr = serializers.BooleanField()
    create_time = TimeField()
    update_time = TimeField()
    adapter = serializers.CharField()
    vendor = serializers.CharField()
    version = serializers.CharField()
    health = serializers.CharField()
    capabilities = serializers.DictField()


class ScanTypeInput(Input):
    scan_type = serializers.ChoiceField(choices=_TYPES, required=False, default=_TYPES[0])


class ProjectScannerInput(Input):
    uuid = serializers.CharField()


class _ScanningView(RepositoryScopedView):
    """Base of the views of one artifact."""

    takes = {"post": ScanTypeInput}
    statuses: ClassVar = {"post": 202}

    def artifact(self, *, action: str, needs_body: bool = False) -> Artifact:
        """The artifact of the path, after a check that the caller may have it scanned as the body says."""
        self.repository_name(resource="scan", action=action)
        name = self.repository_name(resource=self._resource(needs_body=needs_body), action=action)
        return artifact_row(repository_get(name), self.kwargs["reference"])

    def _resource(self, *, needs_body: bool) -> str:
        if not needs_body and self.request.META.get("CONTENT_LENGTH") in (None, "", "0"):
            return "scan"
        try:
            values = self.read(ScanTypeInput, name="scanType")
        except serializers.ValidationError:
            raise UnprocessableError(f"scan_type in body should be one of [{' '.join(_TYPES)}]") from None
        return "sbom" if values["scan_type"] == "sbom" else "scan"


class ScanView(_ScanningView):
    """``…/artifacts/{reference}/scan``."""

    def post(self, _request: Request, **_: Any) -> Response:
        """Refused: nobody is there to scan."""
        artifact = self.artifact(action="create")
        raise PreconditionError(f"no available scanner for project: {artifact.project_id}")


class StopScanView(_ScanningView):
    """``…/artifacts/{reference}/scan/stop``."""

    def post(self, _request: Request, **_: Any) -> Response:
        """Refused: nothing is running."""
        artifact = self.artifact(action="stop", needs_body=True)
        raise BadRequestError(f"no scan job for artifact digest={artifact.digest}")


class ScanLogView(RepositoryScopedView):
    """``…/artifacts/{reference}/scan/{report_id}/log``."""

    def get(self, _request: Request, **_: Any) -> Response:
        """Not found: there are no reports."""
        name = self.repository_name(resource="scan", action="read")
        artifact_row(repository_get(name), self.kwargs["reference"])
        raise NotFoundError(f"report with uuid {self.kwargs['report_id'][:64]} does not exist")


class ProjectScannerView(HarborView):
    """``/projects/{project_name_or_id}/scanner``."""

    takes = {"put": ProjectScannerInput}
    answers = {"get": ScannerShape}

    def get(self, _request: Request, **_: Any) -> Response:
        """The project's scanner: an empty object without one."""
        self.project(resource="scanner", action="read")
        return Response({})

    def put(self, _request: Request, **_: Any) -> Response:
        """Not found: no scanner is registered."""
        self.project(resource="scanner", action="create")
        try:
            values = self.read(ProjectScannerInput, name="payload")
        except serializers.ValidationError:
            raise UnprocessableError("uuid in body is required") from None
        raise NotFoundError(f"scanner registration {values['uuid'][:64]} not found")


class ScannerCandidatesView(HarborView):
    """``/projects/{project_name_or_id}/scanner/candidates``."""

    asks: ClassVar = {"get": LISTED}
    answers = {"get": [ScannerShape]}

    def get(self, request: Request, **_: Any) -> Response:
        """Scanners that the project could have: none."""
        self.project(resource="scanner", action="create")
        parse_query(request.query_params.get("q", ""))
        parse_page(request.query_params)
        return Response([], headers={"X-Total-Count": "0"})
