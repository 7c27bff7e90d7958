"""Push rules: each one, in the data plane and on the way of a copy."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from apps.artifacts.gates import GateRefusedError
from apps.artifacts.services.copies import artifact_copy
from apps.audit.models import AuditLog
from apps.common.errors import BadRequestError
from apps.projects.models import Project
from apps.projects.types import ProjectRef
from apps.push_rules.models import PushRules
from apps.push_rules.services import push_rules_delete, push_rules_set
from apps.push_rules.types import PushRulesValues
from tests.distribution.documents import config, index_of, layer, manifest_of
from tests.distribution.inside import Answer, Place, make_place
from tests.support.images import OCI_CONFIG, Content

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def place() -> Place:
    return make_place()


def rules(place: Place, **values: object) -> None:
    project = Project.objects.get(pk=place.project_id)
    push_rules_set(actor=place.actor, project=project, values=PushRulesValues(**values))


def push(place: Place, document: Content, *blobs: Content) -> Answer:
    for blob in blobs:
        assert place.call("POST", f"blobs/uploads/?digest={blob.digest}", data=blob.data).status == 201
    return place.call("PUT", "manifests/v1", data=document.data, CONTENT_TYPE=document.media_type)


def image(**fields: object) -> tuple[Content, Content, Content]:
    parts = config(), layer()
    return (manifest_of(parts[0], [parts[1]], **fields), *parts)


def refused(answer: Answer, rule: str) -> None:
    assert (answer.status, answer.codes) == (403, ["DENIED"])
    assert rule.encode() in answer.body


def test_without_rules_everything_may_be_pushed(place: Place) -> None:
    assert push(place, *image()).status == 201


def test_media_types(place: Place) -> None:
    rules(place, media_types=("application/vnd.oci.image.**",))
    assert push(place, *image()).status == 201

    answer = push(place, *image(artifactType="application/vnd.example.thing"))
    refused(answer, "the artifact type application/vnd.example.thing is not allowed (media_types)")
    odd = layer(media_type="application/x-odd")
    settings = config()
    refused(push(place, manifest_of(settings, [odd]), settings, odd), "the layer type application/x-odd")

    rules(place, media_types=(f"{OCI_CONFIG}", "application/vnd.oci.image.manifest.v1+json"))
    refused(push(place, *image()), "the layer type application/vnd.oci.image.layer.v1.tar+gzip")
    rules(place, media_types=("*",))
    refused(push(place, *image()), "the manifest type")


def test_required_annotations(place: Place) -> None:
    rules(place, required_annotations=("org.example.owner", "org.example.ticket"))
    refused(
        push(place, *image(annotations={"org.example.owner": "me", "org.example.ticket": ""})),
        "it lacks the annotations org.example.ticket",
    )
    whole = {"org.example.owner": "me", "org.example.ticket": "7"}
    assert push(place, *image(annotations=whole)).status == 201


def test_foreign_urls(place: Place) -> None:
    settings, part = config(), layer()
    document = manifest_of(settings, [part.descriptor | {"urls": ["https://example.com/layer"]}])
    assert push(place, document, settings, part).status == 201
    rules(place, allow_foreign_urls=False)
    refused(push(place, document), "allow_foreign_urls")
    assert push(place, *image()).status == 201


def test_sparse_indexes(place: Place) -> None:
    child, *blobs = image()
    absent = manifest_of()
    push(place, child, *blobs)
    assert push(place, index_of([child, absent])).status == 201
    rules(place, allow_sparse_indexes=False)

    refused(push(place, index_of([child, absent])), absent.digest)
    assert push(place, index_of([child])).status == 201


def test_a_copy_is_held_to_the_rules_of_its_target(place: Place) -> None:
    target = make_place()
    assert push(place, *image()).status == 201
    rules(target, required_annotations=("org.example.owner",))
    project = Project.objects.get(pk=target.project_id)

    with pytest.raises(GateRefusedError, match=r"org\.example\.owner"):
        artifact_copy(
            actor=target.actor,
            source_repository=place.repository,
            source_reference="v1",
            project=ProjectRef(project.pk, project.name, project.public),
            target_repository=target.repository,
        )


def test_rules_change_at_once_and_leave_a_trace(place: Place) -> None:
    rules(place, media_types=("text/*",))
    assert push(place, *image()).status == 403
    project = Project.objects.get(pk=place.project_id)
    push_rules_delete(actor=place.actor, project=project)
    push_rules_delete(actor=place.actor, project=project)
    assert push(place, *image()).status == 201
    rows = AuditLog.objects.filter(resource_type="push-rules").order_by("id")
    assert list(rows.values_list("operation", flat=True)) == ["update", "delete"]


@pytest.mark.parametrize(
    "values",
    [
        {"media_types": ("[",)},
        {"media_types": ("",)},
        {"media_types": ("a",) * 65},
        {"required_annotations": ("",)},
        {"required_annotations": ("x" * 256,)},
    ],
)
def test_what_cannot_be_rules(place: Place, values: dict[str, object]) -> None:
    with pytest.raises(BadRequestError):
        rules(place, **values)
    assert not PushRules.objects.exists()


def test_a_warm_push_asks_for_no_rules(place: Place) -> None:
    rules(place, media_types=("application/**",), allow_foreign_urls=False, allow_sparse_indexes=False)
    push(place, *image())

    with CaptureQueriesContext(connection) as captured:
        assert push(place, *image()).status == 201

    assert [query["sql"] for query in captured if "push_rules" in query["sql"]] == []
