"""How much `harbor-py seed` makes."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """Numbers of rows.

    ``repositories`` are of each project but the largest, which has ``most_repositories``. Of ``artifacts`` (of the
    whole installation) ``most_artifacts`` are in one repository, and one of those has ``most_tags``; each tenth
    artifact has ten tags. ``real_blobs`` puts the bytes of configs and layers into storage.
    """

    users: int
    groups: int
    projects: int
    repositories: int
    most_repositories: int
    artifacts: int
    most_artifacts: int
    most_tags: int
    audit_rows: int
    real_blobs: bool = False
    needs_postgresql: bool = False

    @property
    def all_repositories(self) -> int:
        """Repositories of all projects together."""
        return (self.projects - 1) * self.repositories + self.most_repositories


SIZES = {
    "ci": Size(
        users=20,
        groups=4,
        projects=10,
        repositories=10,
        most_repositories=20,
        artifacts=600,
        most_artifacts=120,
        most_tags=120,
        audit_rows=2_000,
        real_blobs=True,
    ),
    "small": Size(
        users=500,
        groups=20,
        projects=100,
        repositories=100,
        most_repositories=1_000,
        artifacts=50_000,
        most_artifacts=5_000,
        most_tags=500,
        audit_rows=250_000,
    ),
    "medium": Size(
        users=2_000,
        groups=100,
        projects=200,
        repositories=200,
        most_repositories=4_000,
        artifacts=250_000,
        most_artifacts=25_000,
        most_tags=1_000,
        audit_rows=2_000_000,
    ),
    "large": Size(
        users=10_000,
        groups=500,
        projects=300,
        repositories=300,
        most_repositories=10_000,
        artifacts=1_000_000,
        most_artifacts=100_000,
        most_tags=1_000,
        audit_rows=10_000_000,
        needs_postgresql=True,
    ),
}
