"""Immutable tags stay where they are: not pushed over, not moved, not deleted, by whomever."""

from apps.artifacts.gates import Deletion, GateRefusedError, TagChange
from apps.immutability.selectors import immutable_tags


class ImmutabilityGate:
    """Implements :class:`apps.artifacts.gates.TagGate` and :class:`apps.artifacts.gates.DeleteGate`."""

    def check_tag(self, change: TagChange) -> None:
        """A new tag is free. One that is there is refused even the digest that it has, as in Harbor."""
        if not change.previous_digest or not immutable_tags(
            project_id=change.project_id, repository_name=change.repository_name, tags=(change.tag,)
        ):
            return
        if not change.digest:
            raise _cannot_be_deleted(change.tag)
        path = change.repository_name.partition("/")[2]
        raise GateRefusedError(
            f"Failed to process request due to '{path}:{change.tag}' configured as immutable.",
            code="PRECONDITION",
        )

    def check_delete(self, deletion: Deletion) -> None:
        """An artifact stays as long as one of its tags has to."""
        kept = deletion.tags and immutable_tags(
            project_id=deletion.project_id, repository_name=deletion.repository_name, tags=deletion.tags
        )
        if kept:
            raise _cannot_be_deleted(min(kept))


def _cannot_be_deleted(tag: str) -> GateRefusedError:
    return GateRefusedError(f"the tag {tag} configured as immutable, cannot be deleted", code="PRECONDITION")


IMMUTABILITY = ImmutabilityGate()
