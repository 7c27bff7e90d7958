"""Deleted people: their names stay in the log, or go where that is asked for."""

from datetime import timedelta

import pytest

from apps.accounts.models import User
from apps.accounts.services import user_delete
from apps.audit import privacy
from apps.audit.models import AuditForget, AuditLog
from apps.audit.privacy import names_forget
from tests.audit.conftest import AT

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
