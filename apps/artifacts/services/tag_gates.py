"""The question that each way to move a tag asks first."""

from apps.artifacts.gates import TagChange, gates
from apps.artifacts.services.history import Move


def tag_gates_ask(*, operator: str, project_id: int, repository_name: str, move: Move) -> None:
    """Raise what a gate refuses about a tag that comes, moves or goes; inside the transaction."""
    if not gates.tag:
        return
    change = TagChange(
        operator=operator,
        project_id=project_id,
        repository_name=repository_name,
        tag=move.tag,
        digest=move.digest,
        previous_digest=move.previous,
    )
    for gate in gates.tag:
        gate.check_tag(change)
