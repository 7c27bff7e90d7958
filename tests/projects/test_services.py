import pytest

from apps.accounts.models import User
from apps.accounts.security import Principal
from apps.accounts.services import user_delete
from apps.artifacts.models import Repository
from apps.common.errors import (
    BadRequestError,
    ConflictError,
    ForbiddenError,
    NotFoundError,
    PreconditionError,
    UnauthorizedError,
)
from apps.events import bus
from apps.projects.contexts import AnonymousContext
from apps.projects.member_services import member_add, member_delete, member_update
from apps.projects.models import Member, Project
from apps.projects.selectors import (
    actions_on_repository,
    member_get,
    member_list,
    metadata_get,
    metadata_list,
    metadata_of,
    permissions_in,
    project_find,
    project_get,
    project_require,
    projects_visible_to,
)
from apps.projects.services import (
    library_create,
    metadata_add,
    metadata_delete,
    metadata_update,
    project_create,
    project_delete,
    project_update,
)
from apps.projects.types import ProjectRef, Role
from tests.support.people import acting, person, roles_in, seen_events
from tests.support.threads import at_once

pytestmark = pytest.mark.django_db


class Robot(AnonymousContext):
    """A robot account that may do what it is given."""

    principal = Principal(kind="robot", id=1, name="robot$ci", version=1, is_system_admin=False)
    name = "robot$ci"

    def __init__(self, *, system=(), projects=()):
        self._system, self._projects = system, projects

    def can_system(self, resource, action):
        return (resource, action) in self._system

    def can_project(self, project_id, *, public, resource, action):
        return project_id in self._projects and (resource, action) == ("repository", "pull")


@pytest.fixture
def boss():
    return acting(person("boss", sysadmin=True))


@pytest.fixture
def anna():
    return person("anna")


@pytest.fixture
def project(anna):
    return project_create(actor=acting(anna), name="tools")


def test_create(anna, monkeypatch):
    events = seen_events(monkeypatch, bus)
    project = project_create(
        actor=acting(anna), name="tools", storage_limit=5, metadata={"public": "true", "auto_scan": "TRUE"}
    )
    assert (project.name, project.owner, project.public) == ("tools", anna, True)
    assert metadata_of(project) == {"public": "true", "auto_scan": "true"}
    assert roles_in(anna, project) == (Role.PROJECT_ADMIN,)
    created = [event for event in events if type(event).__name__ == "ProjectCreated"]
    # Only those who administer the installation choose a limit.
    assert [(event.project_id, event.operator, event.storage_limit) for event in created] == [
        (project.id, "anna", 0)
    ]


@pytest.mark.parametrize(("limit", "told"), [(None, 0), (0, 0), (-1, -1), (1, 1), (1 << 50, 1 << 50)])
def test_storage_limit(boss, monkeypatch, limit, told):
    events = seen_events(monkeypatch, bus)
    project_create(actor=boss, name="limited", storage_limit=limit)
    assert [event.storage_limit for event in events if type(event).__name__ == "ProjectCreated"] == [told]


@pytest.mark.parametrize("limit", [-2, (1 << 50) + 1])
def test_bad_storage_limit(boss, limit):
    with pytest.raises(BadRequestError):
        project_create(actor=boss, name="limited", storage_limit=limit)


@pytest.mark.parametrize(
    "name", ["", "A", "a b", "-a", "a-", "a..b", "a__b", "a/b", "a\n", "ä", "a\x00", "x" * 256, "sys_harb0r"]
)
def test_bad_names(boss, name):
    with pytest.raises(BadRequestError, match="name"):
        project_create(actor=boss, name=name)
    assert not Project.objects.exists()


@pytest.mark.parametrize("name", ["a", "0", "a.b_c-d", "x" * 255])
def test_good_names(boss, name):
    assert project_create(actor=boss, name=name).name == name


def test_create_twice(boss, project):
    with pytest.raises(ConflictError):
        project_create(actor=boss, name="tools")


def test_who_may_create(boss):
    with pytest.raises(UnauthorizedError):
        project_create(actor=AnonymousContext(), name="tools")
    with pytest.raises(ForbiddenError):
        project_create(actor=Robot(), name="tools")
    project = project_create(actor=Robot(system={("project", "create")}), name="tools")
    assert project.owner.username == "boss"


def test_update(boss, project, anna):
    project_update(actor=acting(anna), project_id=project.id, metadata={"severity": "High"})
    project_update(actor=boss, project_id=project.id, public=True)
    assert metadata_of(project_get(name_or_id="tools")) == {"public": "true", "severity": "high"}
    project_update(actor=boss, project_id=project.id, metadata={"severity": "low", "public": "false"})
    assert metadata_of(project_get(name_or_id="tools")) == {"public": "false", "severity": "low"}


@pytest.mark.parametrize(
    "metadata", [{"nonsense": "1"}, {"public": "yes"}, {"severity": "bad"}, {"retention_id": "x"},
                 {"proxy_cache_filter_pattern": "a\x00"}, {"proxy_cache_filter_kind": "x" * 256}]
)  # fmt: skip
def test_bad_metadata(boss, project, metadata):
    with pytest.raises(BadRequestError):
        project_update(actor=boss, project_id=project.id, metadata=metadata)


def test_metadata_one_by_one(project, anna):
    actor = acting(anna)
    one = {"actor": actor, "project_id": project.id}
    with pytest.raises(NotFoundError):
        metadata_update(**one, name="auto_scan", value="true")
    metadata_add(**one, name="auto_scan", value="true")
    with pytest.raises(ConflictError):
        metadata_add(**one, name="auto_scan", value="true")
    with pytest.raises(ConflictError):
        metadata_add(**one, name="public", value="true")
    metadata_update(**one, name="auto_scan", value="false")
    metadata_update(**one, name="public", value="true")
    project = project_get(name_or_id=project.id)
    assert metadata_list(actor=actor, project=project) == {"public": "true", "auto_scan": "false"}
    assert metadata_get(actor=actor, project=project, name="auto_scan") == "false"
    metadata_delete(**one, name="auto_scan")
    for name in ("auto_scan", "no\x00such"):
        with pytest.raises(NotFoundError):
            metadata_delete(**one, name=name)
    with pytest.raises(BadRequestError):
        metadata_delete(**one, name="public")
    with pytest.raises(NotFoundError):
        metadata_get(actor=actor, project=project, name="auto_scan")


def test_delete(project, anna, monkeypatch):
    seen = []
    monkeypatch.setitem(
        bus._in_transaction, bus.catalogue.ProjectDeleted,
        [lambda event: seen.append((event.project_name, Member.objects.filter(project_id=event.project_id).count()))],
    )  # fmt: skip
    project_delete(actor=acting(anna), project_id=project.id)
    assert seen == [("tools", 1)]
    assert not Project.objects.exists()
    assert roles_in(anna, project) == ()


def test_a_project_with_repositories_stays(project, anna):
    Repository.objects.create(listed=True, project=project, name="tools/app")
    with pytest.raises(PreconditionError, match="contains repositories"):
        project_delete(actor=acting(anna), project_id=project.id)
    assert Member.objects.filter(project=project).count() == 1


def test_library(boss):
    owner = User.objects.get(username="boss")
    library = library_create(owner=owner)
    assert (library.id, library.name, library.public) == (1, "library", True)
    assert roles_in(owner, library) == (Role.PROJECT_ADMIN,)
    assert project_create(actor=boss, name="next").id > 1
    with pytest.raises(ConflictError):
        library_create(owner=owner)


def test_changes_need_rights(project, anna, boss):
    outsider = acting(person())
    mate = person()
    member = member_add(actor=acting(anna), project_id=project.id, role=2, user_id=mate.id)
    changes = [
        lambda actor, id_: project_update(actor=actor, project_id=id_, public=True),
        lambda actor, id_: project_delete(actor=actor, project_id=id_),
        lambda actor, id_: metadata_add(actor=actor, project_id=id_, name="auto_scan", value="true"),
        lambda actor, id_: metadata_update(actor=actor, project_id=id_, name="public", value="true"),
        lambda actor, id_: metadata_delete(actor=actor, project_id=id_, name="auto_scan"),
        lambda actor, id_: member_add(actor=actor, project_id=id_, role=1, username="boss"),
        lambda actor, id_: member_update(actor=actor, project_id=id_, member_id=member.id, role=1),
        lambda actor, id_: member_delete(actor=actor, project_id=id_, member_id=member.id),
    ]
    for change in changes:
        for id_ in (project.id, project.id + 1000):
            for actor in (outsider, acting(mate)):
                with pytest.raises(ForbiddenError):
                    change(actor, id_)
            with pytest.raises(UnauthorizedError):
                change(AnonymousContext(), id_)
        with pytest.raises(NotFoundError):
            change(boss, project.id + 1000)


def test_members(project, anna, monkeypatch):
    actor, bert, carl = acting(anna), person("bert"), person("carl")
    one = {"actor": actor, "project_id": project.id}
    events = seen_events(monkeypatch, bus)
    by_id = member_add(**one, role=Role.GUEST, user_id=bert.id)
    member_add(**one, role=4, username="carl")
    assert [(row.user.username, row.role) for row in member_list(actor=actor, project=project)] == [
        ("anna", 1), ("bert", 3), ("carl", 4),
    ]  # fmt: skip
    assert [row.user for row in member_list(actor=actor, project=project, name="AR")] == [carl]
    assert member_get(actor=actor, project=project, member_id=by_id.id).user == bert
    member_update(**one, member_id=by_id.id, role=2)
    assert roles_in(bert, project) == (Role.DEVELOPER,)
    member_delete(**one, member_id=by_id.id)
    assert roles_in(bert, project) == ()
    assert [(event.operation, event.member_name, event.role) for event in events] == [
        ("create", "bert", 3), ("create", "carl", 4), ("update", "bert", 2), ("delete", "bert", 2),
    ]  # fmt: skip
    for missing in (lambda: member_update(**one, member_id=by_id.id, role=2),
                    lambda: member_delete(**one, member_id=by_id.id),
                    lambda: member_get(actor=actor, project=project, member_id=by_id.id)):  # fmt: skip
        with pytest.raises(NotFoundError):
            missing()


def test_bad_members(project, anna, boss):
    one = {"actor": acting(anna), "project_id": project.id}
    gone = person("gone")
    user_delete(actor=boss, user_id=gone.id)
    with pytest.raises(ConflictError):
        member_add(**one, role=2, user_id=anna.id)
    for whom in ({"username": "nobody"}, {"user_id": 10**20}, {"user_id": gone.id}):
        with pytest.raises(NotFoundError):
            member_add(**one, role=2, **whom)
    for wrong in (
        {"role": 2},
        {"role": 2, "username": "a\x00"},
        {"role": 0, "username": "boss"},
        {"role": 6, "username": "boss"},
    ):
        with pytest.raises(BadRequestError):
            member_add(**one, **wrong)
    own = Member.objects.get(user=anna)
    with pytest.raises(BadRequestError):
        member_update(**one, member_id=own.id, role=9)
    member_delete(**one, member_id=own.id)
    with pytest.raises(ForbiddenError):
        member_add(actor=acting(anna), project_id=project.id, role=1, user_id=anna.id)


def test_members_of_another_project_are_out_of_reach(project, anna):
    other = project_create(actor=acting(person()), name="other")
    member = Member.objects.get(project=other)
    with pytest.raises(NotFoundError):
        member_delete(actor=acting(anna), project_id=project.id, member_id=member.id)


def test_a_deleted_person_is_nobodys_member(project, boss, anna):
    bert = person()
    member_add(actor=boss, project_id=project.id, role=2, user_id=bert.id)
    user_delete(actor=boss, user_id=bert.id)
    assert [row.user for row in member_list(actor=boss, project=project)] == [anna]


@pytest.mark.django_db(transaction=True)
def test_find_is_warm_and_never_stale(boss, django_assert_num_queries):
    assert project_find("tools") is None
    with django_assert_num_queries(0):
        assert project_find("tools") is None
        assert project_find("No/Name") is None
    project = project_create(actor=boss, name="tools")
    with django_assert_num_queries(1):
        assert project_find("tools") == ProjectRef(project.id, "tools", public=False)
    with django_assert_num_queries(0):
        project_find("tools")
    project_update(actor=boss, project_id=project.id, public=True)
    assert project_find("tools").public
    project_delete(actor=boss, project_id=project.id)
    assert project_find("tools") is None


def test_get(project):
    assert project_get(name_or_id=project.id) == project
    assert project_get(name_or_id=str(project.id)) == project
    assert project_get(name_or_id="tools") == project
    for missing in ("no", "a\x00", "9" * 30, "²"):
        with pytest.raises(NotFoundError):
            project_get(name_or_id=missing)
    with pytest.raises(NotFoundError):
        project_get(name_or_id=str(project.id), is_name=True)


def test_require_tells_strangers_nothing(project, boss, anna):
    assert project_require(actor=acting(anna), name_or_id="tools", action="delete") == project
    for name in ("tools", "missing"):
        with pytest.raises(ForbiddenError):
            project_require(actor=acting(person()), name_or_id=name)
        with pytest.raises(UnauthorizedError):
            project_require(actor=AnonymousContext(), name_or_id=name)
    with pytest.raises(NotFoundError):
        project_require(actor=boss, name_or_id="missing")


def test_visible(boss, anna, project):
    hidden = project_create(actor=boss, name="hidden")
    project_create(actor=boss, name="shown", public=True)

    def names(actor):
        return [row.name for row in projects_visible_to(actor)]

    assert names(boss) == ["hidden", "shown", "tools"]
    assert names(acting(anna)) == ["shown", "tools"]
    assert names(AnonymousContext()) == ["shown"]
    assert names(Robot()) == ["shown"]
    assert names(Robot(projects={hidden.id})) == ["hidden", "shown"]
    assert names(Robot(projects={hidden.id, project.id})) == ["hidden", "shown", "tools"]


@pytest.mark.django_db(transaction=True)
def test_actions_and_permissions(project, anna, boss, django_assert_num_queries):
    ref, bert = project_find("tools"), person()
    assert actions_on_repository(acting(bert), ref) == frozenset()
    assert actions_on_repository(acting(bert), ProjectRef(ref.id, "tools", public=True)) == {"pull"}
    member_add(actor=boss, project_id=project.id, role=Role.DEVELOPER, user_id=bert.id)
    developer = acting(bert)
    assert actions_on_repository(developer, project_find("tools")) == {"pull", "push"}
    warm = acting(bert)
    with django_assert_num_queries(0):
        assert actions_on_repository(warm, project_find("tools")) == {"pull", "push"}
        assert actions_on_repository(boss, ref) == {"pull", "push", "delete"}
    assert len(permissions_in(actor=acting(anna), project=project)) == 76
    assert ("", "read") in permissions_in(actor=developer, project=ref)


@pytest.mark.django_db(transaction=True)
def test_two_at_once_add_a_member_once():
    owner, bert = person(), person()
    project = project_create(actor=acting(owner), name="tools")
    actor = acting(owner)

    def add(_: int) -> str:
        try:
            member_add(actor=actor, project_id=project.id, role=2, user_id=bert.id)
        except ConflictError:
            return "conflict"
        return "added"

    assert sorted(at_once(4, add)) == ["added", "conflict", "conflict", "conflict"]
    assert Member.objects.filter(project=project, user=bert).count() == 1
