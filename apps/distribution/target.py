"""What a repository's route works on."""

from dataclasses import dataclass

from apps.projects.types import ProjectRef


@dataclass(frozen=True, slots=True)
class Target:
    """The repository named in the path (it need not exist yet) and its project, which does."""

    project: ProjectRef
    name: str
