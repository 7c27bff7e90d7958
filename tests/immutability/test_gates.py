"""Immutable tags in the data plane and the services: what moves, what stays, and what it costs."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from apps.artifacts.gates import GateRefusedError
from apps.artifacts.models import Tag
from apps.artifacts.selectors import repository_find
from apps.artifacts.services.artifacts import artifact_delete
from apps.artifacts.services.repositories import repository_delete
from apps.artifacts.services.tags import tag_create, tag_delete
from apps.audit.models import AuditLog
from apps.common.errors import BadRequestError, ConflictError, NotFoundError
from apps.immutability.models import ImmutableRule
from apps.immutability.selectors import immutable_tags
from apps.immutability.services import immutable_rule_create, immutable_rule_delete, immutable_rule_update
from apps.immutability.types import MAX_RULES
from apps.projects.models import Project
from tests.distribution.documents import manifest_of
from tests.distribution.inside import Place, make_place

pytestmark = pytest.mark.django_db(transaction=True)


def tags(pattern: str, decoration: str = "matches") -> list[dict[str, str]]:
    return [{"kind": "doublestar", "decoration": decoration, "pattern": pattern}]


def scope(pattern: str = "**", decoration: str = "repoMatches") -> dict[str, list[dict[str, str]]]:
    return {"repository": [{"kind": "doublestar", "decoration": decoration, "pattern": pattern}]}


@pytest.fixture
def place() -> Place:
    place = make_place()
    place.push(manifest_of(), tag="v1")
    return place


def rule(
    place: Place, tag_selectors: object, scope_selectors: object = None, **fields: object
) -> ImmutableRule:
    return immutable_rule_create(
        actor=place.actor,
        project=Project.objects.get(pk=place.project_id),
        tag_selectors=tag_selectors,
        scope_selectors=scope_selectors or scope(),
        **fields,
    )


def held(place: Place, *names: str, path: str = "image") -> set[str]:
    repository_name = f"{place.repository.partition('/')[0]}/{path}"
    return immutable_tags(project_id=place.project_id, repository_name=repository_name, tags=names)


def put(place: Place, document, tag: str):
    return place.call("PUT", f"manifests/{tag}", data=document.data, CONTENT_TYPE=document.media_type)


def test_a_push_over_an_immutable_tag_is_refused(place: Place) -> None:
    rule(place, tags("v*"))

    answer = put(place, manifest_of(), "v1")

    assert (answer.status, answer.codes) == (412, ["PRECONDITION"])
    assert b"Failed to process request due to 'image:v1' configured as immutable." in answer.body
    assert put(place, manifest_of(), "v2").status == 201, "a new tag may be made once"
    assert put(place, manifest_of(), "v2").status == 412
    assert put(place, manifest_of(), "latest").status == 201
    assert put(place, manifest_of(), "latest").status == 201


def test_the_same_digest_is_refused_too_as_harbor_does(place: Place) -> None:
    document = manifest_of()
    place.push(document, tag="v2")
    assert put(place, document, "v2").status == 201
    rule(place, tags("v2"))

    assert put(place, document, "v2").status == 412
    assert put(place, document, document.digest).status == 201, "by digest, no tag moves"


def test_nothing_of_a_refused_push_stays(place: Place) -> None:
    rule(place, tags("**"))
    before = Tag.objects.get(repository__name=place.repository).artifact_id
    document = manifest_of()

    assert put(place, document, "v1").status == 412

    assert Tag.objects.get(repository__name=place.repository).artifact_id == before
    assert place.call("GET", f"manifests/{document.digest}").status == 404


def test_tag_artifact_and_repository_cannot_be_deleted(place: Place) -> None:
    rule(place, tags("v1"))
    place.push(manifest_of(), tag="free")
    word = "the tag v1 configured as immutable, cannot be deleted"

    with pytest.raises(GateRefusedError, match=word):
        tag_delete(actor=place.actor, repository_name=place.repository, tag="v1")
    with pytest.raises(GateRefusedError, match=word):
        artifact_delete(actor=place.actor, repository_name=place.repository, reference="v1")
    with pytest.raises(GateRefusedError, match=word) as refused:
        repository_delete(actor=place.actor, repository_name=place.repository)

    assert refused.value.code == "PRECONDITION"
    artifact_delete(actor=place.actor, repository_name=place.repository, reference="free")
    names = Tag.objects.filter(repository__name=place.repository).values_list("name", flat=True)
    assert list(names) == ["v1"]


def test_one_more_tag_for_an_immutable_artifact_is_free(place: Place) -> None:
    rule(place, tags("v*"))
    tag_create(actor=place.actor, repository_name=place.repository, reference="v1", tag="v1.0")
    assert held(place, "v1", "v1.0", "w") == {"v1", "v1.0"}


def test_selectors(place: Place) -> None:
    first = rule(place, tags("{release,stable}-*"), scope("app/**"))
    assert held(place, "release-1", "beta", path="app/web") == {"release-1"}
    assert held(place, "release-1", path="image") == set()
    immutable_rule_delete(actor=place.actor, project=first.project, rule_id=first.pk)

    rule(place, tags("*-snapshot", "excludes"), scope("tmp/**", "repoExcludes"))
    assert held(place, "1", "1-snapshot", path="a") == {"1"}
    assert held(place, "1", path="tmp/a") == set()


def test_a_disabled_rule_holds_nothing_and_a_change_holds_at_once(place: Place) -> None:
    made = rule(place, tags("v1"), disabled=True)
    assert held(place, "v1") == set()

    fields = {"actor": place.actor, "project": made.project, "rule_id": made.pk, "scope_selectors": scope()}
    immutable_rule_update(tag_selectors=tags("v1"), **fields)
    assert held(place, "v1") == {"v1"}
    immutable_rule_update(tag_selectors=tags("w1"), **fields)
    assert held(place, "v1", "w1") == {"w1"}
    immutable_rule_delete(actor=place.actor, project=made.project, rule_id=made.pk)
    assert held(place, "v1", "w1") == set()

    rows = AuditLog.objects.filter(resource_type="immutable-rule").order_by("id")
    assert list(rows.values_list("operation", flat=True)) == ["create", "update", "update", "delete"]


def test_what_cannot_be_a_rule(place: Place) -> None:
    kind = {"kind": "doublestar", "decoration": "matches", "pattern": "**"}
    for bad in (
        [],
        "x",
        None,
        [kind] * 9,
        [kind | {"kind": "regex"}],
        [kind | {"decoration": "repoMatches"}],
        [kind | {"pattern": "["}],
        [kind | {"pattern": 7}],
        ["v1"],
    ):
        with pytest.raises(BadRequestError):
            rule(place, bad)
    for bad_scope in (
        {"repository": []},
        {"project": scope()["repository"]},
        {"repository": tags("**")},
        [7],
    ):
        with pytest.raises(BadRequestError):
            rule(place, tags("**"), bad_scope)
    with pytest.raises(BadRequestError):
        rule(place, tags("**"), priority=2**40)
    assert not ImmutableRule.objects.exists()


def test_no_rule_twice_and_not_too_many(place: Place) -> None:
    first = rule(place, tags("v0"))
    with pytest.raises(ConflictError):
        rule(place, [tags("v0")[0] | {"extras": ""}], disabled=True)
    second = rule(place, tags("v1"))
    with pytest.raises(ConflictError):
        immutable_rule_update(
            actor=place.actor,
            project=first.project,
            rule_id=second.pk,
            tag_selectors=tags("v0"),
            scope_selectors=scope(),
        )
    for number in range(2, MAX_RULES):
        rule(place, tags(f"v{number}"))
    with pytest.raises(BadRequestError, match="at most 15"):
        rule(place, tags("more"))


def test_a_rule_of_another_project_is_not_there(place: Place) -> None:
    other = rule(make_place(), tags("v1"))
    project = Project.objects.get(pk=place.project_id)
    with pytest.raises(NotFoundError):
        immutable_rule_delete(actor=place.actor, project=project, rule_id=other.pk)
    assert ImmutableRule.objects.filter(pk=other.pk).exists()


def test_a_warm_push_asks_for_no_rules(place: Place) -> None:
    rule(place, tags("release-*"))
    put(place, manifest_of(), "v1")

    with CaptureQueriesContext(connection) as captured:
        assert put(place, manifest_of(), "v1").status == 201

    asked = [
        query["sql"] for query in captured if "immutable" in query["sql"] or "push_rules" in query["sql"]
    ]
    assert asked == []
    assert repository_find(place.repository) is not None
