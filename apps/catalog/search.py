"""Search over names: the projects and repositories that a caller may see, bounded."""

from django.db.models import Exists, OuterRef, QuerySet

from apps.accounts.security import SecurityContext
from apps.artifacts.models import Artifact, Repository
from apps.artifacts.visibility import visible_repositories
from apps.oci.digests import parse_digest
from apps.oci.errors import DigestInvalidError
from apps.projects.models import Project
from apps.projects.selectors import projects_visible_to

MOST_ROWS = 100
# No name is longer, so nothing could be found.
_LONGEST_NAME = 255


def projects_search(*, actor: SecurityContext, text: str) -> QuerySet[Project]:
    """At most :data:`MOST_ROWS` projects whose name contains ``text`` in any case, by name."""
    rows = projects_visible_to(actor)
    if len(text) > _LONGEST_NAME:
        return rows.none()
    rows = rows.select_related("cve_allowlist").prefetch_related("metadata")
    return rows.filter(name__icontains=text)[:MOST_ROWS]


def repositories_search(*, actor: SecurityContext, text: str) -> QuerySet[Repository]:
    """At most :data:`MOST_ROWS` repositories, with their projects, by name.

    Those whose name contains ``text`` in any case, or if it is a digest, those that hold this artifact.
    """
    rows = Repository.objects.filter(listed=True)
    if len(text) > _LONGEST_NAME:
        return rows.none()
    if is_digest(text):
        rows = rows.filter(Exists(Artifact.objects.filter(repository_id=OuterRef("pk"), digest=text)))
    else:
        rows = rows.filter(name__icontains=text)
    return visible_repositories(actor, rows).select_related("project").order_by("name")[:MOST_ROWS]


def is_digest(text: str) -> bool:
    """Whether ``text`` is a whole digest, ``sha256:…``."""
    try:
        parse_digest(text)
    except DigestInvalidError:
        return False
    return True
