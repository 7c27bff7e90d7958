"""What the lists of the API are asked in a measurement: every list, each sort and each form of ``q``."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from urllib.parse import quote


@dataclass(frozen=True, slots=True)
class Place:
    """Names of a seeded installation: the largest of each kind."""

    project_id: int
    project: str
    large_project: str
    large_project_id: int
    repository: str
    many_tags: str
    label_id: int
    robot_project_id: int


@dataclass(frozen=True, slots=True)
class Case:
    """``path`` below ``/api/v2.0``, or from the root if it begins with ``/v2`` or is a page of the portal (``/harbor``).

    ``query`` is as it goes on the wire.
    """

    path: str
    query: str = ""

    @property
    def name(self) -> str:
        """Path and query as the table shows them."""
        return f"{self.path}?{self.query}" if self.query else self.path


@dataclass(frozen=True, slots=True)
class _List:
    path: str
    sorts: Sequence[str] = ()
    conditions: Sequence[str] = ()
    others: Sequence[str] = ()


def _lists(place: Place) -> list[_List]:
    name = quote(quote(place.repository.partition("/")[2], safe=""), safe="")
    repository = f"/projects/{place.project}/repositories/{name}"
    artifact_q = (
        "type=IMAGE", "type=CHART", "tags=*", "tags=nil", "tags=v0.1.1", "tags=~v1.", "tags={v0.1.1 v0.1.2}",
        "base=*", "size=[1000000~]", "push_time=[2025-06-01T00:00:00~]", "pull_time=[2025-06-01T00:00:00~2025-07-01T00:00:00]",
        "digest=~abcde", f"labels=({place.label_id})", "id=[5000~]",
    )  # fmt: skip
    log_q = (
        "operation=pull", "operation=delete", "operation=create,resource_type=tag", "resource_type=artifact",
        "resource_type=robot", "operation_result=false", "username=anonymous", "username=~ada", "username=nobody",
        f"resource=~{place.project}", f"resource=~{place.repository}", "resource=nothing", "resource=~nothing",
        "op_time=[2025-06-01T00:00:00~2025-06-02T00:00:00]", "op_time=[~2024-03-01T00:00:00]",
        "username=anonymous,operation=delete", "operation={create delete}",
    )  # fmt: skip
    log_sorts = ("op_time", "-op_time", "id", "-id", "username", "-username")
    return [
        _List(
            "/projects",
            ("name", "-name", "project_id", "creation_time", "-update_time", "owner_id", "public"),
            ("name=~atlas", "public=true", f"name={place.project}", "owner_id=[1~100]", "name={library x}"),
        ),
        _List(f"/projects/{place.project}/members", (), (), ("entityname=ada",)),
        _List(
            "/repositories",
            ("name", "-name", "repository_id", "-pull_count", "creation_time", "-update_time"),
            (
                "name=~api",
                "name=~nothing",
                "pull_count=[10~]",
                f"name={place.repository}",
                "description=~the",
                "name=~a",
            ),
        ),
        _List(
            f"/projects/{place.large_project}/repositories",
            ("name", "-name", "-pull_count", "creation_time", "-update_time"),
            ("name=~api", "name=~nothing", "pull_count=[10~]"),
        ),
        _List(
            f"{repository}/artifacts",
            (
                "id",
                "-id",
                "type",
                "-type",
                "size",
                "-size",
                "push_time",
                "-push_time",
                "pull_time",
                "-pull_time",
                "digest",
                "type,-push_time",
            ),
            artifact_q,
            ("with_accessory=true&with_label=true&with_immutable_status=true",),
        ),
        _List(
            f"/projects/{place.project}/artifacts",
            ("push_time", "-push_time", "size", "-pull_time", "type"),
            (
                "type=CHART",
                "tags=v0.1.1",
                "tags=nil",
                "media_type=application/vnd.cncf.helm.config.v1%2Bjson",
            ),
        ),
        _List(
            f"{repository}/artifacts/{place.many_tags}/tags",
            ("name", "-name", "push_time", "-pull_time", "id"),
            ("name=~v1", "name=v0.1.1"),
        ),
        _List(f"{repository}/artifacts/{place.many_tags}/accessories"),
        _List(f"{repository}/tag-history"),
        _List("/auditlog-exts", log_sorts, log_q),
        _List("/audit-logs", ("op_time", "-op_time"), log_q[:4]),
        _List(f"/projects/{place.project}/auditlog-exts", ("op_time", "-op_time"), log_q),
        _List(f"/projects/{place.project}/logs", ("op_time",), log_q[:2]),
        _List(f"/projects/{place.project}/trash"),
        _List(f"/projects/{place.project}/immutabletagrules"),
        _List(
            "/users",
            ("username", "-username", "user_id", "email", "-creation_time"),
            ("username=~ada", "username=~nothing", "email=~chen", "sysadmin_flag=true"),
        ),
        _List("/users/search", (), (), ("username=ada", "username=nothing")),
        _List("/usergroups"),
        _List("/usergroups/search", (), (), ("groupname=team-1",)),
        _List(
            "/robots",
            ("name", "-creation_time"),
            (f"Level=project,ProjectID={place.robot_project_id}", "name=~seed"),
        ),
        _List("/quotas", ("hard.storage", "-hard.storage", "used.storage", "-used.storage")),
        _List(
            "/labels", ("name", "-creation_time"), (), ("scope=g", f"scope=p&project_id={place.project_id}")
        ),
    ]


def list_cases(place: Place) -> Iterator[Case]:
    """Each list as it is, then by each sort, each condition, a condition with a sort, and each other parameter."""
    for one in _lists(place):
        common = "page_size=100"
        # Lists that need a parameter have no plain form.
        if not one.path.endswith("/search") and one.path != "/labels":
            yield Case(one.path, common)
        yield from (Case(one.path, f"{common}&sort={sort}") for sort in one.sorts)
        yield from (Case(one.path, f"{common}&q={_escaped(condition)}") for condition in one.conditions)
        yield from (
            Case(one.path, f"{common}&q={_escaped(condition)}&sort={sort}")
            for condition, sort in zip(one.conditions[:2], one.sorts[:2], strict=False)
        )
        yield from (Case(one.path, f"{common}&{other}") for other in one.others)
    yield Case("/v2/_catalog", "n=100")
    yield Case(f"/v2/{place.repository}/tags/list", "n=100")


def _escaped(condition: str) -> str:
    return quote(condition, safe="=~,[]{}():*%")


def get_cases(place: Place) -> Iterator[Case]:
    """Single things, and those that add up."""
    name = quote(quote(place.repository.partition("/")[2], safe=""), safe="")
    repository = f"/projects/{place.project}/repositories/{name}"
    yield Case("/statistics")
    yield Case("/search", "q=api")
    yield Case("/search", "q=nothing")
    yield Case(f"/projects/{place.project}")
    yield Case(f"/projects/{place.large_project}")
    yield Case(f"/projects/{place.project}/summary")
    yield Case(f"/projects/{place.large_project}/summary")
    yield Case(f"/projects/{place.project}/_deletable")
    yield Case(f"/projects/{place.project}/metadatas/")
    yield Case(repository)
    yield Case(f"{repository}/artifacts/{place.many_tags}", "with_accessory=true&with_label=true")
    yield Case("/users/current")
    yield Case("/users/current/permissions")
    yield Case("/projects", "page_size=10")
    yield Case("/quotas/1")
    yield Case("/systeminfo")
    yield Case("/permissions")
    yield Case("/auditlog-exts/events")
    yield Case("/configurations")


def page_cases(place: Place) -> Iterator[Case]:
    """The lists of the portal: as they open, with as many rows as they give, and searched."""
    project = f"/harbor/projects/{place.project_id}"
    large = f"/harbor/projects/{place.large_project_id}"
    repository = f"{project}/repositories/{place.repository.partition('/')[2]}"
    paths = (
        "/harbor/projects", f"{project}/summary", f"{project}/repositories", f"{large}/repositories",
        f"{project}/members", f"{project}/labels", f"{project}/robots", f"{project}/logs", f"{project}/trash",
        repository, f"{repository}/-/artifacts/{place.many_tags}", f"{repository}/-/history",
        "/harbor/logs", "/harbor/users", "/harbor/groups", "/harbor/robots", "/harbor/labels", "/harbor/quotas",
        "/harbor/gc", "/harbor/purge", "/harbor/jobs", "/harbor/jobs/schedules", "/harbor/statistics",
    )  # fmt: skip
    for path in paths:
        yield Case(path)
        yield Case(path, "page_size=100")
    for path in ("/harbor/projects", "/harbor/logs", "/harbor/users", f"{large}/repositories", repository):
        yield Case(path, "search=a")
        yield Case(path, "page=20")
    yield Case("/harbor/search", "text=api")
