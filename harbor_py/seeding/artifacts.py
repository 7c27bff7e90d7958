"""Seeded artifacts with tags, labels, blobs and the links between them."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import count
from random import Random

from apps.artifacts.models import (
    Artifact,
    ArtifactBlob,
    ArtifactLabel,
    ArtifactReference,
    Blob,
    ProjectBlob,
    RepositoryBlob,
    Tag,
    TagMove,
)
from harbor_py.seeding.clock import SPAN, at
from harbor_py.seeding.contents import Contents, Document, SeedBlob
from harbor_py.seeding.projects import SeedProject, SeedRepository
from harbor_py.seeding.sizes import Size
from harbor_py.seeding.tables import Sink

_PLATFORMS = ({"architecture": "amd64", "os": "linux"}, {"architecture": "arm64", "os": "linux"})
_PLATFORMS_JSON = tuple(json.dumps(platform, separators=(",", ":")) for platform in _PLATFORMS)
_BASE_LAYERS = 40
_AUTHORS = ("platform team", "release bot", "data team")
_ADDRESSES = ("10.1.4.17", "10.1.9.3", "192.0.2.40", "2001:db8::17")
_POOL = 50_000


@dataclass(frozen=True, slots=True)
class Known:
    """An artifact that the audit log can speak of."""

    project: int
    repository: SeedRepository
    digest: str
    tag: str


class ArtifactSeeder:
    """Fills the tables of one project after another."""

    def __init__(
        self, sink: Sink, random: Random, size: Size, contents: Contents, operators: Sequence[str]
    ) -> None:
        self._sink, self._random, self._size, self._contents = sink, random, size, contents
        self._operators = operators
        self._blobs = sink.table(Blob, "id", "digest", "size", "stored", "touched_at")
        self._artifacts = sink.table(
            Artifact, "id", "repository_id", "project_id", "digest", "media_type", "artifact_type",
            "config_media_type", "type", "manifest", "size", "extra_attrs", "subject_digest", "push_time", "pull_time",
            "accessory_type",
        )  # fmt: skip
        self._references = sink.table(ArtifactReference, "parent_id", "child_id", "child_digest", "platform")
        self._artifact_blobs = sink.table(ArtifactBlob, "artifact_id", "blob_id")
        self._repository_blobs = sink.table(RepositoryBlob, "repository_id", "blob_id")
        self._project_blobs = sink.table(ProjectBlob, "project_id", "blob_id")
        self._tags = sink.table(Tag, "repository_id", "artifact_id", "name", "push_time", "pull_time")
        self._labels = sink.table(ArtifactLabel, "artifact_id", "label_id", "creation_time")
        self._moves = sink.table(
            TagMove, "project_id", "repository_name", "tag", "digest", "operator", "address", "at"
        )
        self._artifact_ids = count(self._artifacts.first_id)
        self._blob_ids = count(self._blobs.first_id)
        self._base = [self._shared_blob(contents.layer(largest=90_000_000)) for _ in range(_BASE_LAYERS)]
        self._empty = self._shared_blob(contents.empty)
        self._made = 0
        self._most_tagged = False
        self.known: list[Known] = []

    def _shared_blob(self, blob: SeedBlob) -> tuple[int, SeedBlob]:
        existing = Blob.objects.filter(digest=blob.digest).values_list("id", flat=True).first()
        if existing is not None:
            return existing, blob
        identifier = next(self._blob_ids)
        self._blobs.add(identifier, blob.digest, blob.size, 1, at(0))
        return identifier, blob

    def project_fill(self, project: SeedProject) -> None:
        """Make the artifacts of every repository of the project, and count what its quota counts."""
        linked: set[int] = set()
        offered = self._random.sample(self._base, 4)
        for repository in project.repositories:
            filler = _Repository(project, repository, offered[: self._random.choice((1, 2, 2, 4))], linked)
            left = repository.artifacts
            while left > 0:
                left -= self._group(filler, left)
                self._sink.flush()

    def _group(self, place: "_Repository", left: int) -> int:
        """One image, chart, signed image or index with its children; returns how many artifacts that is."""
        lot = self._random.random()
        if lot < 0.05 and left >= 3:
            return self._index(place)
        signed = lot < 0.10 and left >= 2
        if lot > 0.92:
            document = self._contents.chart(name=place.repository.name.rpartition("/")[2])
            self._artifact(place, document, (), tagged=True)
            return 1
        base = place.base[: 1 + int(lot * 1000) % len(place.base)]
        document = self._image(place, base)
        self._artifact(place, document, base, tagged=True)
        if not signed:
            return 1
        self._artifact(place, self._contents.signature(document), [self._empty], tagged=False)
        return 2

    def _index(self, place: "_Repository") -> int:
        children = [self._image(place, place.base) for _ in _PLATFORMS]
        rows = [self._artifact(place, child, place.base, tagged=False) for child in children]
        document = self._contents.index(children, _PLATFORMS_JSON)
        below = sum(size for _, size in rows)
        parent, _ = self._artifact(place, document, [], tagged=True, size_below=below)
        for child, (identifier, _), platform in zip(children, rows, _PLATFORMS_JSON, strict=True):
            self._references.add(parent, identifier, child.digest, platform)
        return 1 + len(children)

    def _image(self, place: "_Repository", base: Sequence[tuple[int, SeedBlob]]) -> Document:
        return self._contents.image(
            created=place.now(),
            author=_AUTHORS[self._made % len(_AUTHORS)],
            base=[blob for _, blob in base],
            docker=place.repository.id % 3 == 0,
        )

    def _artifact(
        self,
        place: "_Repository",
        document: Document,
        shared: Sequence[tuple[int, SeedBlob]],
        *,
        tagged: bool,
        size_below: int = 0,
    ) -> tuple[int, int]:
        """Rows of one artifact, its blobs and its tags; returns its id and its size in bytes."""
        project, repository = place.project, place.repository
        identifier, pushed = next(self._artifact_ids), place.tick()
        own_size = len(document.raw) + sum(blob.size for blob in document.own)
        size = own_size + sum(blob.size for _, blob in shared) + size_below
        manifest_id = next(self._blob_ids)
        self._blobs.add(manifest_id, document.digest, len(document.raw), 0, pushed)
        self._project_blobs.add(project.id, manifest_id)
        self._artifact_blobs.add(identifier, manifest_id)
        for blob in document.own:
            blob_id = next(self._blob_ids)
            self._blobs.add(blob_id, blob.digest, blob.size, 1, pushed)
            self._artifact_blobs.add(identifier, blob_id)
            self._repository_blobs.add(repository.id, blob_id)
            self._project_blobs.add(project.id, blob_id)
        project.used += own_size
        for blob_id, blob in shared:
            self._artifact_blobs.add(identifier, blob_id)
            if blob_id not in place.linked:
                place.linked.add(blob_id)
                self._repository_blobs.add(repository.id, blob_id)
            if blob_id not in place.project_linked:
                place.project_linked.add(blob_id)
                self._project_blobs.add(project.id, blob_id)
                project.used += blob.size
        pulled = place.later(self._random.random()) if self._random.random() < 0.7 else None
        self._artifacts.add(
            identifier, repository.id, project.id, document.digest, document.media_type, document.artifact_type,
            document.config_media_type, document.type, document.raw, size, document.extra_attrs,
            document.subject, pushed, pulled, "signature.cosign" if document.subject else "",
        )  # fmt: skip
        self._made += 1
        if tagged:
            self._tag(place, identifier, document, pushed, pulled)
            if self._random.random() < 0.05:
                self._labels.add(identifier, self._random.choice(project.labels), pushed)
        return identifier, size

    def _tag(
        self, place: "_Repository", artifact: int, document: Document, pushed: str, pulled: str | None
    ) -> None:
        """A tenth of all artifacts have ten tags, the others one or none; one has very many."""
        wanted = 1 if self._random.random() < 0.55 else 0
        if self._made % 9 == 0:  # Not of ten: signatures and children of indexes have none at all.
            wanted = 10
        if self._made >= self._size.most_artifacts // 2 and not self._most_tagged:
            self._most_tagged, wanted = True, self._size.most_tags
        operator = self._operators[self._made % len(self._operators)]
        address = _ADDRESSES[self._made % len(_ADDRESSES)]
        tag = ""
        for _ in range(wanted):
            tag = place.next_tag()
            self._tags.add(place.repository.id, artifact, tag, pushed, pulled)
            self._moves.add(
                place.project.id, place.repository.name, tag, document.digest, operator, address, pushed
            )
        # A sample of everything, of an even size whatever there is.
        if len(self.known) < _POOL:
            self.known.append(Known(place.project.id, place.repository, document.digest, tag))
        elif (slot := int(self._random.random() * self._made)) < _POOL:
            self.known[slot] = Known(place.project.id, place.repository, document.digest, tag)


class _Repository:
    """Where artifacts go: what is linked there already, its clock and its tags."""

    def __init__(
        self,
        project: SeedProject,
        repository: SeedRepository,
        base: Sequence[tuple[int, SeedBlob]],
        project_linked: set[int],
    ) -> None:
        self.project, self.repository, self.base = project, repository, base
        self.linked: set[int] = set()
        self.project_linked = project_linked
        self._pace = (SPAN - repository.first_second) / (repository.artifacts + 1)
        self._pushes = 0
        self._tags = 0

    def now(self) -> str:
        """The time of the last push."""
        return at(self.repository.first_second + self._pushes * self._pace)

    def tick(self) -> str:
        """The time of the next push."""
        self._pushes += 1
        return self.now()

    def later(self, share: float) -> str:
        """A time between the last push and the end."""
        seconds = self.repository.first_second + self._pushes * self._pace
        return at(seconds + share * (SPAN - seconds))

    def next_tag(self) -> str:
        """A name that the repository has not had."""
        self._tags += 1
        if self.repository.artifacts == 1 and self._tags == 1:
            return "latest"
        if self._tags % 4 == 0:
            return f"main-{self.repository.id * 7919 % 65536:04x}{self._tags:06x}"
        return f"v{self._tags // 400}.{self._tags // 20 % 20}.{self._tags % 20}"
