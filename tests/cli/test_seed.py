"""``harbor-py seed``: rows that hold together, and images that can be pulled."""

import re

import pytest
from django.db.models import Sum

from apps.accounts.security import SystemContext
from apps.artifacts.models import Artifact, ArtifactBlob, Blob, ProjectBlob, Repository, RepositoryBlob, Tag
from apps.artifacts.services.tags import tag_create
from apps.audit.models import AuditLog
from apps.catalog.artifacts import artifact_counts, shown_artifacts
from apps.oci.manifests import parse_manifest
from apps.projects.models import Project
from apps.quotas.models import Quota
from harbor_py.seeding.filling import rows_make
from harbor_py.seeding.sizes import SIZES, Size
from tests.cli.conftest import Run
from tests.support.accounts import Person, api
from tests.support.http import RegistryClient
from tests.support.server import HarborServer

PASSWORD = "Seeded12345!People"
SIZE = Size(
    users=20, groups=4, projects=4, repositories=3, most_repositories=8, artifacts=200, most_artifacts=60,
    most_tags=40, audit_rows=300,
)  # fmt: skip


def make(size: Size = SIZE, seed: int = 5) -> dict[str, int]:
    return rows_make(size, seed=seed, report=lambda _table, _rows: None)


@pytest.mark.django_db
def test_numbers_are_those_of_the_size() -> None:
    counts = make()
    assert counts["project"] == SIZE.projects
    assert counts["repository"] == SIZE.all_repositories == 17
    assert counts["artifact"] == SIZE.artifacts
    assert counts["audit_log_ext"] == SIZE.audit_rows
    first = Repository.objects.order_by("id")[0]
    assert first.artifacts.count() == SIZE.most_artifacts
    most = max(Artifact.objects.all(), key=lambda row: row.tags.count())
    assert (most.tags.count(), most.repository_id) == (SIZE.most_tags, first.pk)
    assert (
        sum(Repository.objects.values_list("pull_count", flat=True))
        == AuditLog.objects.filter(operation="pull").count()
    )


@pytest.mark.django_db
def test_every_manifest_is_what_its_row_and_its_links_say() -> None:
    make()
    children: dict[int, list[int]] = {}
    for row in Artifact.objects.prefetch_related("references__child", "blob_links__blob"):
        manifest = parse_manifest(bytes(row.manifest), content_type=row.media_type)
        assert str(manifest.digest) == row.digest
        assert {link.blob.digest: link.blob.size for link in row.blob_links.all()} == {
            row.digest: len(manifest.raw)
        } | {str(blob.digest): blob.size for blob in manifest.blobs}
        assert [link.child_digest for link in row.references.all()] == [
            str(child.digest) for child in manifest.manifests
        ]
        assert all(link.child.digest == link.child_digest for link in row.references.all())
        below = sum(link.child.size for link in row.references.all())
        assert row.size == manifest.total_size + below
        assert row.subject_digest == (str(manifest.subject.digest) if manifest.subject else "")
        assert row.config_media_type in {manifest.media_type, manifest.config and manifest.config.media_type}
        children[row.pk] = [link.child_id for link in row.references.all()]
    assert any(children.values())
    assert Artifact.objects.exclude(subject_digest="").exists()


@pytest.mark.django_db
def test_links_and_quotas_follow_from_the_artifacts() -> None:
    make()
    links = ArtifactBlob.objects.values_list(
        "artifact__project_id", "artifact__repository_id", "blob_id", "blob__stored"
    )
    assert set(ProjectBlob.objects.values_list("project_id", "blob_id")) == {
        (project, blob) for project, _, blob, _ in links
    }
    assert set(RepositoryBlob.objects.values_list("repository_id", "blob_id")) == {
        (repository, blob) for _, repository, blob, stored in links if stored
    }
    for quota in Quota.objects.all():
        held = Blob.objects.filter(project_links__project_id=quota.project_id).aggregate(sum=Sum("size"))[
            "sum"
        ]
        assert quota.used == (held or 0)
        assert quota.hard == -1 or quota.hard >= quota.used
    assert not Tag.objects.exclude(artifact__repository_id__in=Repository.objects.values("id")).exists()


@pytest.mark.django_db
@pytest.mark.parametrize("large", [10, 10_000])
def test_counts_of_shown_artifacts_are_those_of_the_list(monkeypatch: pytest.MonkeyPatch, large: int) -> None:
    monkeypatch.setattr("apps.catalog.artifacts._LARGE_REPOSITORY", large)
    make()
    for tag in ("first", "second"):
        repositories = list(Repository.objects.all())
        assert artifact_counts(repositories) == {
            one.pk: count
            for one in repositories
            if (count := shown_artifacts(Artifact.objects.filter(repository_id=one.pk)).count())
        }
        # A child of an index that gets a tag is shown from then on.
        child = Artifact.objects.filter(repository=repositories[0], parents__isnull=False, tags=None)[0]
        tag_create(
            actor=SystemContext("tests"),
            repository_name=repositories[0].name,
            reference=child.digest,
            tag=tag,
        )


@pytest.mark.django_db
def test_the_same_seed_makes_the_same_and_another_does_not_collide() -> None:
    make(seed=9)
    first = list(Artifact.objects.order_by("id").values_list("digest", "push_time")[:50])
    make(seed=9)
    assert Project.objects.count() == 2 * SIZE.projects
    assert Artifact.objects.filter(digest__in=[digest for digest, _ in first]).count() == len(first)
    # Ids go on after those of the seed.
    owner = Project.objects.all()[0].owner
    assert Project.objects.create(name="after", owner=owner).pk > 2 * SIZE.projects


def test_sizes_add_up() -> None:
    for size in SIZES.values():
        assert size.artifacts > size.most_artifacts + size.all_repositories
    assert SIZES["large"].artifacts == 1_000_000
    assert SIZES["large"].audit_rows == 10_000_000


def test_seed_ci_can_be_pulled_and_is_refused_a_second_time(run: Run, stopped_server: HarborServer) -> None:
    settings = {
        "HARBOR_DATA_DIR": str(stopped_server.data_dir),
        "HARBOR_ADMIN_PASSWORD": stopped_server.admin_password,
    }
    done = run("seed", "--size", "ci", "--password", text=f"{PASSWORD}\n", **settings)
    assert done.returncode == 0, done.stderr
    assert re.search(r"^artifact +600$", done.stdout, re.MULTILINE)
    again = run("seed", "--size", "ci", **settings)
    assert (again.returncode, "--force" in again.stderr) == (1, True)
    large = run("seed", "--size", "large", **settings)
    assert (large.returncode, "PostgreSQL" in large.stderr) == (1, True)
    stopped_server.start()
    with api(stopped_server.url, stopped_server.admin) as client:
        person = client.get("/users?page_size=1&sort=user_id&q=username=~.").json()[0]["username"]
        names = [row["name"] for row in client.get("/repositories?page_size=100").json()]
    assert len(names) == 100
    with RegistryClient(stopped_server.url, stopped_server.admin) as registry:
        for name in names[::9]:
            for tag in registry.tags(name).json()["tags"] or ():
                registry.pull(name, tag)
    with api(stopped_server.url, Person(person, PASSWORD)) as client:
        assert client.get("/users/current").json()["username"] == person
