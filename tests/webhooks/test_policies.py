"""Policies: their rules, their secrets, who may what."""

import json

import pytest

from apps.audit.models import AuditLog
from apps.common.errors import BadRequestError, ConflictError, ForbiddenError, NotFoundError
from apps.events.catalogue import ArtifactPushed
from apps.jobs.models import Execution
from apps.projects.models import Member, Project
from apps.projects.services import project_create, project_delete
from apps.projects.types import Role
from apps.webhooks.models import WebhookPolicy
from apps.webhooks.selectors import sees_secrets, webhook_policy_get
from apps.webhooks.services import webhook_policy_create, webhook_policy_delete, webhook_policy_update
from apps.webhooks.types import MAX_POLICIES
from tests.distribution.inside import Place
from tests.support.people import acting, person
from tests.webhooks.conftest import target
from tests.webhooks.test_deliveries import pushed, tell

pytestmark = pytest.mark.django_db(transaction=True)

URL = "https://example.com/hook"


@pytest.mark.parametrize(
    "changes",
    [
        {"event_types": []},
        {"event_types": ["PUSH_ARTIFACT", "UPLOAD_CHART"]},
        {"targets": []},
        {"targets": [target(URL)] * 11},
        {"targets": [target(URL, type="teams")]},
        {"targets": [target(URL, type="")]},
        {"targets": [target(URL, type="slack", payload_format="Default")]},
        {"targets": [target(URL, payload_format="XML")]},
        {"targets": [target("")]},
        {"targets": [target("ftp://example.com/")]},
        {"targets": [target("https://name:password@example.com/")]},
        {"targets": [target("https://exa mple.com/")]},
        {"targets": [target("https://example.com/\r\nX: y")]},
        {"targets": [target(f"https://example.com/{'a' * 2048}")]},
        {"targets": [target(URL, auth_header="a\r\nX-Other: b")]},
        {"targets": [target(URL, auth_header="a\0")]},
        {"targets": [target(URL, auth_header="a" * 4097)]},
        {"name": ""},
        {"name": "a" * 256},
        {"name": "a\0"},
        {"description": "a" * 4097},
    ],
)
def test_what_is_against_the_rules(place: Place, policy, changes) -> None:
    with pytest.raises(BadRequestError):
        policy(*changes.pop("event_types", ["PUSH_ARTIFACT"]), **changes)
    assert WebhookPolicy.objects.count() == 0


def test_a_policy_with_all_there_is(place: Place, project: Project, policy) -> None:
    targets = [
        target(URL, payload_format="CloudEvents", auth_header="Bearer \xe9", skip_cert_verify=True),
        target("example.com/hook", type="slack"),
    ]
    made = policy("PUSH_ARTIFACT", "TAG_RETENTION", "PUSH_ARTIFACT", targets=targets, description="d")
    found = webhook_policy_get(actor=place.actor, project=project, policy_id=made.pk)
    assert found.event_types == ["PUSH_ARTIFACT", "TAG_RETENTION"]
    assert (found.creator, found.description, found.enabled) == (place.actor.name, "d", True)
    first, second = found.targets_shown(with_secrets=True)
    assert (first.auth_header, first.payload_format, first.skip_cert_verify) == (
        "Bearer \xe9",
        "CloudEvents",
        True,
    )
    assert (second.address, second.type, second.payload_format) == ("http://example.com/hook", "slack", "")


def test_secrets_are_encrypted_and_shown_to_those_who_may_change_them(
    place: Place, project: Project, policy
) -> None:
    made = policy("PUSH_ARTIFACT", targets=[target(URL, auth_header="Bearer secret")])
    made.refresh_from_db()
    assert "secret" not in json.dumps(made.targets)
    assert made.targets_shown(with_secrets=False)[0].auth_header == ""
    maintainer = person()
    Member.objects.create(project=project, user=maintainer, role=Role.MAINTAINER)
    assert sees_secrets(actor=place.actor, project=project)
    assert not sees_secrets(actor=acting(maintainer), project=project)
    webhook_policy_get(actor=acting(maintainer), project=project, policy_id=made.pk)
    with pytest.raises(ForbiddenError):
        webhook_policy_delete(actor=acting(maintainer), project=project, policy_id=made.pk)


def test_names_are_of_one_project_and_once(place: Place, project: Project, policy) -> None:
    first, second = policy("PUSH_ARTIFACT", name="one"), policy("PUSH_ARTIFACT", name="two")
    with pytest.raises(ConflictError):
        policy("PUSH_ARTIFACT", name="one")
    values = {"targets": [target(URL)], "event_types": ["PULL_ARTIFACT"]}
    with pytest.raises(ConflictError):
        webhook_policy_update(actor=place.actor, project=project, policy_id=second.pk, name="one", **values)
    webhook_policy_update(actor=place.actor, project=project, policy_id=first.pk, name="one", **values)
    other = project_create(actor=place.actor, name="another-project")
    webhook_policy_create(actor=place.actor, project=other, name="one", **values)
    with pytest.raises(NotFoundError):
        webhook_policy_update(actor=place.actor, project=other, policy_id=first.pk, name="x", **values)
    with pytest.raises(NotFoundError):
        webhook_policy_delete(actor=place.actor, project=other, policy_id=first.pk)


def test_there_is_a_limit(place: Place, project: Project, policy) -> None:
    made = policy("PUSH_ARTIFACT")
    WebhookPolicy.objects.bulk_create(
        WebhookPolicy(project=project, name=f"n{number}", targets=made.targets, event_types=["PUSH_ARTIFACT"])
        for number in range(MAX_POLICIES - 1)
    )
    with pytest.raises(BadRequestError):
        policy("PUSH_ARTIFACT", name="one more")


def test_changes_are_written_down(place: Place, project: Project, policy) -> None:
    made = policy("PUSH_ARTIFACT", name="chat", targets=[target(URL, auth_header="Bearer secret")])
    webhook_policy_delete(actor=place.actor, project=project, policy_id=made.pk)
    rows = AuditLog.objects.filter(resource_type="notification-policy").order_by("id")
    assert [row.operation for row in rows] == ["create", "delete"]
    assert rows[0].operation_description == f"create webhook policy chat of project {project.name}"


def test_a_project_goes_with_its_policies_and_their_history(place: Place, project: Project, policy) -> None:
    policy("PUSH_ARTIFACT")
    event: ArtifactPushed = pushed(place)
    tell(event)
    assert Execution.objects.count() == 1
    project_delete(actor=place.actor, project_id=project.pk)
    assert (WebhookPolicy.objects.count(), Execution.objects.count()) == (0, 0)
