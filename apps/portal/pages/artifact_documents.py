"""What an artifact is made of and says about itself: layers, readme, values, files, the manifest."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import orjson
from django.http import HttpRequest, HttpResponse
from django.urls import path

from apps.artifacts.additions import addition_of
from apps.artifacts.build_steps import build_steps
from apps.artifacts.errors import ArtifactError
from apps.artifacts.selectors import artifact_manifest
from apps.oci.manifests import Manifest
from apps.portal.documents import json_document, text_document
from apps.portal.errors import problem_text
from apps.portal.markdown import markdown_html
from apps.portal.repository_views import ArtifactPage
from apps.storage.errors import StorageError

_MOST_ROWS = 1000


class _ManifestPage(ArtifactPage):
    """A page that reads the manifest itself."""

    def manifest(self) -> Manifest:
        """The manifest of the artifact."""
        return artifact_manifest(self.repository, self.artifact.digest)[1]


class LayersPage(_ManifestPage):
    """``…/layers``: with the commands that made them, which are in the config."""

    template = "portal/artifact_layers.html"
    resource = "artifact-addition"
    part = "layers"

    def get(self, _request: HttpRequest, **_words: object) -> HttpResponse:
        """The steps in which it was made."""
        steps = build_steps(self.manifest())
        return self.render(steps=steps[:_MOST_ROWS], is_cut=len(steps) > _MOST_ROWS)


class ManifestPage(_ManifestPage):
    """``…/manifest``: the document that the digest is of."""

    template = "portal/artifact_text.html"
    part = "manifest"

    def get(self, _request: HttpRequest, **_words: object) -> HttpResponse:
        """Laid out to be read."""
        return self.render(document=json_document(self.manifest().raw))


class AdditionPage(_ManifestPage):
    """A page of something that the artifact brings along; ``addition`` is its name in the API."""

    template = "portal/artifact_text.html"
    resource = "artifact-addition"
    addition = ""

    def get(self, _request: HttpRequest, **_words: object) -> HttpResponse:
        """What it brings, or why there is nothing."""
        try:
            raw = addition_of(self.artifact.type, self.manifest(), self.addition).content
        except (ArtifactError, StorageError) as error:
            problem = problem_text(error) if isinstance(error, ArtifactError) else ""
            return self.render(problem=problem, is_missing=True)
        return self.render(**self.shown(raw))

    def shown(self, raw: bytes) -> Mapping[str, Any]:
        """The context with it: ``document``, if nothing else is said."""
        return {"document": text_document(raw)}


class ReadmePage(AdditionPage):
    """``…/readme``."""

    template = "portal/artifact_readme.html"
    addition = "readme.md"
    part = "readme"

    def shown(self, raw: bytes) -> Mapping[str, Any]:
        """See :class:`AdditionPage`."""
        document = text_document(raw)
        return {"document": document, "html": markdown_html(document.text)}


class ValuesPage(AdditionPage):
    """``…/values``."""

    addition = "values.yaml"
    part = "values"


class LicensePage(AdditionPage):
    """``…/license``."""

    addition = "license"
    part = "license"


class DocumentPage(AdditionPage):
    """``…/document``: that of an SBOM."""

    addition = "sbom"
    part = "document"

    def shown(self, raw: bytes) -> Mapping[str, Any]:
        """See :class:`AdditionPage`."""
        return {"document": json_document(raw)}


class DependenciesPage(AdditionPage):
    """``…/dependencies``."""

    template = "portal/artifact_dependencies.html"
    addition = "dependencies"
    part = "dependencies"

    def shown(self, raw: bytes) -> Mapping[str, Any]:
        """See :class:`AdditionPage`."""
        rows = orjson.loads(raw)
        return {"rows": rows[:_MOST_ROWS], "is_cut": len(rows) > _MOST_ROWS}


class FilesPage(AdditionPage):
    """``…/files``."""

    template = "portal/artifact_files.html"
    addition = "files"
    part = "files"

    def shown(self, raw: bytes) -> Mapping[str, Any]:
        """See :class:`AdditionPage`."""
        rows = list(_flat(orjson.loads(raw)))
        return {"rows": rows[:_MOST_ROWS], "is_cut": len(rows) > _MOST_ROWS}


def _flat(rows: Sequence[Mapping[str, Any]], folder: str = "") -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Folders and files with their whole paths, each folder before what is in it."""
    for row in rows:
        name = f"{folder}{row['name']}"
        yield name, row
        yield from _flat(row.get("children", ()), f"{name}/")


_HERE = "harbor/projects/<int:project_id>/repositories/<repo:repository>/-/artifacts/<reference:digest>"

urlpatterns = [
    path(f"{_HERE}/layers", LayersPage.as_view(), name="artifact-layers"),
    path(f"{_HERE}/manifest", ManifestPage.as_view(), name="artifact-manifest"),
    path(f"{_HERE}/readme", ReadmePage.as_view(), name="artifact-readme"),
    path(f"{_HERE}/values", ValuesPage.as_view(), name="artifact-values"),
    path(f"{_HERE}/license", LicensePage.as_view(), name="artifact-license"),
    path(f"{_HERE}/document", DocumentPage.as_view(), name="artifact-document"),
    path(f"{_HERE}/dependencies", DependenciesPage.as_view(), name="artifact-dependencies"),
    path(f"{_HERE}/files", FilesPage.as_view(), name="artifact-files"),
]
