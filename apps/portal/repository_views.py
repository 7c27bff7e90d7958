"""The base of the pages of one repository, and of one artifact in it."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from apps.artifacts import contents
from apps.artifacts.errors import RepositoryUnknownError
from apps.artifacts.models import Artifact, Repository
from apps.artifacts.selectors import artifact_row, repository_get, require_repository
from apps.common.errors import DomainError
from apps.oci.errors import OciError
from apps.oci.media_types import INDEX_TYPES
from apps.portal.navigation import NavigationItem, Text
from apps.portal.views import ProjectPage
from apps.projects.selectors import projects_open_to

# key, the URL's name, label, icon, resource and action in the repository
_SECTIONS: tuple[tuple[str, str, Text, str, str], ...] = (
    ("artifacts", "repository", gettext_lazy("Artifacts"), "packages", "artifact:list"),
    ("info", "repository-info", gettext_lazy("Info"), "info-circle", "repository:list"),
    ("history", "repository-history", gettext_lazy("History"), "history", "tag:create"),
)
# The names of our pages by the last part of the address in Harbor's portal.
_HARBOR_TABS = {"artifacts-tab": "repository", "info-tab": "repository-info"}

_PARTS: tuple[tuple[str, str, Text, str], ...] = (
    ("overview", "artifact", gettext_lazy("Overview"), "info-circle"),
    ("children", "artifact-children", gettext_lazy("Artifacts in the index"), "stack-2"),
    ("readme", "artifact-readme", gettext_lazy("Readme"), "book"),
    ("values", "artifact-values", gettext_lazy("Values"), "settings"),
    ("dependencies", "artifact-dependencies", gettext_lazy("Dependencies"), "link"),
    ("files", "artifact-files", gettext_lazy("Files"), "folder"),
    ("license", "artifact-license", gettext_lazy("Licence"), "license"),
    ("document", "artifact-document", gettext_lazy("Document"), "file-text"),
    ("layers", "artifact-layers", gettext_lazy("Layers"), "stack-2"),
    ("manifest", "artifact-manifest", gettext_lazy("Manifest"), "code"),
)
_PARTS_OF: Mapping[str, tuple[str, ...]] = {
    contents.CHART: ("readme", "values", "dependencies", "layers"),
    contents.CNAI: ("readme", "files", "license", "layers"),
    contents.SBOM: ("document",),
}


class RepositoryPage(ProjectPage):
    """A page of a repository, whose name without the project is ``repository`` in the path.

    ``resource`` and ``action`` are what one must be allowed to do in this repository to see the page.
    """

    tab = "repositories"
    resource_type = "repository"
    section = ""
    """The key of the repository's own tab that is marked: ``artifacts``, ``info`` or ``history``."""

    repository: Repository

    def check(self, request: HttpRequest) -> None:
        """After the project: roles may be narrowed to some repositories of it."""
        super().check(request)
        name = f"{self.project.name}/{self.path}"
        require_repository(self.actor, self.project.ref, name, resource=self.resource, action=self.action)
        self.repository = repository_get(name)

    def refused(self, request: HttpRequest, error: DomainError | OciError) -> HttpResponse:
        """A repository that is not there may be the address of a page in Harbor's portal."""
        name, _slash, tab = self.path.rpartition("/")
        if isinstance(error, RepositoryUnknownError) and name and tab in _HARBOR_TABS:
            return redirect(f"portal:{_HARBOR_TABS[tab]}", self.project.pk, name)
        return super().refused(request, error)

    @property
    def path(self) -> str:
        """The repository's name without the project."""
        return str(self.kwargs["repository"])

    def may_here(self, resource: str, action: str) -> bool:
        """Whether the caller may do this in the repository."""
        return self.may(resource, action, repository=self.path)

    def may_copy(self) -> bool:
        """Whether the caller may pull here and push to some project, this one or another."""
        if self.principal is None or not self.may_here("repository", "pull"):
            return False
        return self.may("artifact", "create") or bool(
            projects_open_to(self.actor, resource="artifact", action="create", most=1)
        )

    def url(self, name: str, *arguments: object) -> str:
        """The address of a page of this repository."""
        return reverse(f"portal:{name}", args=[self.project.pk, self.path, *arguments])

    def sections(self) -> list[NavigationItem]:
        """The tabs of the repository."""
        return [
            NavigationItem(key, label, self.url(name), icon, key == self.section)
            for key, name, label, icon, permission in _SECTIONS
            if self.actor.sees_everything or self.may_here(*permission.split(":"))
        ]

    def render(self, template: str = "", *, status: int = HTTPStatus.OK, **context: Any) -> HttpResponse:
        """As every page of the project, with the repository and its tabs."""
        mine = {"repository": self.repository, "repository_path": self.path, "sections": self.sections()}
        context = {**mine, **context}
        return super().render(template, status=status, **context)


class ArtifactPage(RepositoryPage):
    """A page of an artifact, whose digest (or a tag) is ``digest`` in the path."""

    resource = "artifact"
    resource_type = "artifact"
    section = "artifacts"
    part = ""
    """The key of the artifact's own tab that is marked; see :meth:`parts`."""

    artifact: Artifact

    def check(self, request: HttpRequest) -> None:
        """After the repository."""
        super().check(request)
        self.artifact = artifact_row(self.repository, str(self.kwargs["digest"]))

    def artifact_url(self, name: str = "artifact", *arguments: object) -> str:
        """The address of a page of this artifact."""
        return self.url(name, self.artifact.digest, *arguments)

    @property
    def is_index(self) -> bool:
        """Whether it lists other artifacts."""
        return self.artifact.media_type in INDEX_TYPES

    def parts(self) -> list[NavigationItem]:
        """The pages of this artifact, by what it is."""
        keys = ("children",) if self.is_index else _PARTS_OF.get(self.artifact.type, ("layers",))
        return [
            NavigationItem(key, label, self.artifact_url(name), icon, key == self.part)
            for key, name, label, icon in _PARTS
            if key in {"overview", "manifest", *keys}
        ]

    def render(self, template: str = "", *, status: int = HTTPStatus.OK, **context: Any) -> HttpResponse:
        """As every page of the repository, with the artifact and its own tabs."""
        mine = {"artifact": self.artifact, "is_index": self.is_index, "parts": self.parts()}
        context = {"title": _("Artifact"), **mine, **context}
        return super().render(template, status=status, **context)
