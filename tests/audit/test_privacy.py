"""Deleted people: their names stay in the log, or go where that is asked for."""

import re
from datetime import timedelta

import pytest
from django.contrib.sessions.models import Session

from apps.access_tokens.models import AccessToken
from apps.access_tokens.services import token_create
from apps.accounts.models import (
    Identity,
    SignInRecord,
    User,
    UserGroup,
    UserGroupMember,
    UserSession,
)
from apps.accounts.services import user_delete
from apps.accounts.sessions import session_principal, session_start
from apps.accounts.throttle import Place, sign_in_succeeded, standing_of
from apps.artifacts.models import TagMove, TrashEntry
from apps.audit import privacy
from apps.audit.models import AuditForget, AuditLog
from apps.audit.privacy import names_forget
from apps.jobs.models import Execution, Schedule
from apps.projects.models import Project
from apps.webhooks.models import WebhookPolicy
from tests.audit.conftest import AT
from tests.support.people import acting

pytestmark = pytest.mark.django_db


@pytest.fixture
def rows(alice):
    """Five rows of things that alice did, one about her, and one of somebody with another name."""
    for number, (username, kind, resource) in enumerate(
        [("alice", "artifact", "p/app:v1")] * 5 + [("admin", "member", "alice"), ("alice2", "user", "alice2")]
    ):
        AuditLog.objects.create(
            op_time=AT + timedelta(seconds=number),
            operation="update",
            operation_description=f"update {kind}: {resource}",
            resource=resource,
            resource_type=kind,
            username=username,
        )


def set_flags(settings, **flags):
    settings.HARBOR = settings.HARBOR.model_copy(update=flags)


def test_by_itself_the_log_keeps_names(admin, alice, rows):
    user_delete(actor=admin, user_id=alice.pk)

    assert names_forget() == 0
    assert AuditLog.objects.filter(username="alice").count() == 5
    assert User.objects.get(pk=alice.pk).username == f"alice#{alice.pk}"


def test_the_name_goes_from_the_log(admin, alice, rows, settings, monkeypatch):
    monkeypatch.setattr(privacy, "_BATCH", 2)
    set_flags(settings, gdpr_audit_logs=True)
    user_delete(actor=admin, user_id=alice.pk)

    assert names_forget() == 0, "not while a spool may hold more"
    AuditForget.objects.update(due_time=AT)
    assert names_forget() == 7, "five by her, one about her, and the row of the deletion"

    everything = AuditLog.objects.values_list("username", "resource", "operation_description")
    assert not [row for row in everything if "alice" in " ".join(row).replace("alice2", "")]
    (name,) = {row.username for row in AuditLog.objects.filter(resource="p/app:v1")}
    assert name.endswith(f"#{alice.pk}")
    assert AuditLog.objects.filter(resource=name).count() == 2
    assert AuditLog.objects.filter(username="alice2", resource="alice2").count() == 1
    assert not AuditForget.objects.exists()
    assert names_forget() == 0


def test_other_changes_of_people_forget_nothing(admin, alice, settings):
    set_flags(settings, gdpr_audit_logs=True)
    privacy.on_user_deleted(
        privacy.UserChanged(
            operator="admin", operation="update", user_id=alice.pk, username="alice", description="x"
        )
    )

    assert not AuditForget.objects.exists()


def test_the_name_goes_from_the_row_of_the_person(admin, alice, settings):
    User.objects.filter(pk=alice.pk).update(email="a@example.com", realname="Alice", comment="of sales")
    set_flags(settings, gdpr_delete_user=True)
    user_delete(actor=admin, user_id=alice.pk)

    user = User.objects.get(pk=alice.pk)
    assert user.deleted
    assert user.username.endswith(f"#{alice.pk}")
    assert "alice" not in user.username
    assert (user.email, user.realname, user.comment) == (None, "", "")


def test_nothing_that_lets_in_is_left_of_a_person(admin, alice):
    """Whatever the settings say."""
    principal = acting(alice).principal
    key = session_start(principal=principal, address="192.0.2.1", agent="Firefox")
    place = Place("alice", "192.0.2.1")
    sign_in_succeeded(place, standing_of(place))
    Identity.objects.create(user=alice, source="ldap", subject="uid=alice", cli_secret="x")
    group = UserGroup.objects.create(group_name="team", group_type=4)
    UserGroupMember.objects.create(group=group, user=alice)
    token_create(actor=acting(alice), user_id=alice.pk, label="laptop")
    user_delete(actor=admin, user_id=alice.pk)

    assert session_principal(key, renew=False) is None
    for model in (Session, UserSession, SignInRecord, Identity, UserGroupMember, AccessToken):
        assert not model.objects.exists(), model
    user = User.objects.get(pk=alice.pk)
    assert (user.password, user.is_active, user.email) == ("!", False, None)


@pytest.fixture
def history(alice, boss_project):
    """What alice and somebody with a longer name did elsewhere than in the audit log."""
    for name in ("alice", "alice2"):
        TagMove.objects.create(project=boss_project, repository_name="p/app", tag="v1", operator=name)
        TrashEntry.objects.create(project=boss_project, kind="tag", repository_name="p/app", operator=name)
        Execution.objects.create(vendor_type="GARBAGE_COLLECTION", trigger="MANUAL", operator=name)
        WebhookPolicy.objects.create(project=boss_project, name=f"of {name}", creator=name)
        Schedule.objects.create(
            vendor_type="GARBAGE_COLLECTION", vendor_id=len(name), cron_type="Daily", cron="0 0 0 * * *",
            operator=name, next_time=AT,
        )  # fmt: skip
        for kind, words in (
            ("usergroup", f"add {name} to user group: team"),
            ("access-token", f"create access token 3 of {name}: {name}'s laptop"),
        ):
            AuditLog.objects.create(
                op_time=AT, operation="update", operation_description=words, resource="x", resource_type=kind,
                username="admin",
            )  # fmt: skip


@pytest.fixture
def boss_project(admin):
    return Project.objects.create(name="p", owner_id=admin.principal.id)


def _named(name: str) -> int:
    return (
        sum(
            model.objects.filter(operator=name).count()
            for model in (TagMove, TrashEntry, Execution, Schedule)
        )
        + WebhookPolicy.objects.filter(creator=name).count()
        + sum(
            bool(re.search(rf"\b{name}\b", text))
            for text in AuditLog.objects.values_list("operation_description", flat=True)
        )
    )


def test_by_itself_the_history_keeps_names(admin, alice, history):
    user_delete(actor=admin, user_id=alice.pk)
    names_forget()

    assert _named("alice") == 7


def test_the_name_goes_from_the_rest_of_the_history(admin, alice, history, settings, monkeypatch):
    monkeypatch.setattr(privacy, "_BATCH", 1)
    monkeypatch.setattr(privacy, "_WINDOW", 1)
    set_flags(settings, gdpr_audit_logs=True)
    user_delete(actor=admin, user_id=alice.pk)
    AuditForget.objects.update(due_time=AT)
    names_forget()

    assert _named("alice") == 0
    assert _named("alice2") == 7
    replacement = privacy.name_replacement("alice", alice.pk)
    assert TagMove.objects.filter(operator=replacement).count() == 1
    assert AuditLog.objects.filter(
        operation_description=f"create access token 3 of {replacement}: {replacement}'s laptop"
    ).exists()
