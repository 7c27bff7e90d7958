"""What an operation can be asked besides its path and body: described once, read by name, shown in the description."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from drf_spectacular.utils import OpenApiParameter

_TYPES = {"string": str, "integer": int, "boolean": bool}


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameter:
    """A parameter of the query or a header; ``default`` is what holds without it.

    ``many`` is for one that is given several times, or once with commas.
    """

    name: str
    kind: Literal["string", "integer", "boolean"] = "string"
    place: Literal["query", "header"] = "query"
    default: str | int | bool | None = None
    required: bool = False
    many: bool = False
    description: str = ""

    def described(self) -> OpenApiParameter:
        """As the OpenAPI description has it."""
        return OpenApiParameter(
            name=self.name,
            type=_TYPES[self.kind],
            location=self.place,
            required=self.required,
            default=self.default,
            many=self.many,
            description=self.description,
        )


def flag_asked(name: str, *, default: bool = False, description: str = "") -> Parameter:
    """A boolean of the query."""
    return Parameter(name=name, kind="boolean", default=default, description=description)


def text_asked(name: str, *, required: bool = False, description: str = "") -> Parameter:
    """A string of the query."""
    return Parameter(name=name, required=required, description=description)


REQUEST_ID = Parameter(
    name="X-Request-Id", place="header", description="Comes back in the answer and stands in the log."
)
IS_RESOURCE_NAME = Parameter(
    name="X-Is-Resource-Name",
    kind="boolean",
    place="header",
    default=False,
    description="Whether digits in the path are a project's name and not its id.",
)
IN_LOCATION = Parameter(
    name="X-Resource-Name-In-Location",
    kind="boolean",
    place="header",
    default=False,
    description="Whether Location names what was created by name and not by id.",
)
ACCEPT_VULNERABILITIES = Parameter(
    name="X-Accept-Vulnerabilities",
    place="header",
    default=(
        "application/vnd.security.vulnerability.report; version=1.1, "
        "application/vnd.scanner.adapter.vuln.report.harbor+json; version=1.0"
    ),
    description="Formats of vulnerability reports, the best one first.",
)
PAGE = Parameter(name="page", kind="integer", default=1, description="Counts from 1.")
PAGE_SIZE = Parameter(
    name="page_size", kind="integer", default=10, description="At most 100; zero or less for every row."
)
QUERY = Parameter(
    name="q", description="Conditions with commas between: k=v, k=~v, k=[min~max], k={a b}, k=(a b)."
)
SORT = Parameter(name="sort", description="Keys with commas between; `-` before one turns it round.")

PAGED: Sequence[Parameter] = (PAGE, PAGE_SIZE)
LISTED: Sequence[Parameter] = (QUERY, SORT, PAGE, PAGE_SIZE)

PATH_INTEGERS = frozenset(
    {
        "id",
        "mid",
        "user_id",
        "group_id",
        "label_id",
        "robot_id",
        "immutable_rule_id",
        "trash_id",
        "token_id",
        "eid",
        "tid",
        "gc_id",
        "purge_id",
        "webhook_policy_id",
        "execution_id",
        "task_id",
    }
)
"""Parameters of paths that are numbers."""
