from datetime import timedelta

import pytest
from django.utils import timezone

from apps.access_tokens import services
from apps.access_tokens.models import AccessToken
from apps.access_tokens.selectors import token_get, token_list
from apps.access_tokens.services import token_create, token_delete, token_update
from apps.accounts.authentication import authenticate
from apps.accounts.security import context_of, token_of_secret
from apps.accounts.services import (
    user_change_password,
    user_create,
    user_delete,
    user_set_active,
    user_set_sysadmin,
    user_update_profile,
)
from apps.common.errors import (
    BadRequestError,
    ConflictError,
    ForbiddenError,
    NotFoundError,
    PreconditionError,
    UnauthorizedError,
)
from apps.projects.contexts import AnonymousContext
from apps.projects.services import project_create
from tests.support.people import acting, person

pytestmark = pytest.mark.django_db

HERE = "192.0.2.1"


def make(actor, label="ci", **fields):
    return token_create(actor=actor, user_id=actor.principal.id, label=label, **fields)


def test_a_token_keeps_no_secret(anna):
    made = make(anna)
    made.token.refresh_from_db()
    assert token_of_secret(made.secret) == made.token.pk
    assert made.secret not in repr(made)
    assert made.secret.rpartition("_")[2] not in str(vars(made.token))
    assert len(made.token.secret_hash) == 64


def test_changes_are_told(anna, monkeypatch):
    events = []
    monkeypatch.setattr(services, "publish", events.append)
    user_id = anna.principal.id
    token_id = make(anna).token.pk
    token_update(actor=anna, user_id=user_id, token_id=token_id, label="new")
    token_delete(actor=anna, user_id=user_id, token_id=token_id)
    told = [(event.operation, event.label, event.operator, event.username) for event in events]
    assert told == [
        (do, label, "anna", "anna") for do, label in (("create", "ci"), ("update", "new"), ("delete", "new"))
    ]
    assert not AccessToken.objects.exists()


@pytest.mark.parametrize(
    "fields",
    [
        {"label": ""},
        {"label": "l" * 256},
        {"label": "a\x00"},
        {"sources": ["everywhere"]},
        {"sources": [7]},
        {"projects": ["no-such-project"]},
        {"projects": [7]},
        {"projects": [f"p{number}" for number in range(101)]},
        {"expires_at": timezone.now() - timedelta(seconds=1)},
    ],
)
def test_rules(anna, fields):
    with pytest.raises(BadRequestError):
        make(anna, **fields)
    assert not AccessToken.objects.exists()


def test_a_project_that_the_owner_cannot_see_is_not_there(anna, boss):
    project_create(actor=boss, name="secret-plans")
    with pytest.raises(BadRequestError, match="project secret-plans not found"):
        make(anna, projects=["secret-plans"])


def test_labels_are_a_persons_own(anna, boss):
    make(anna)
    make(boss)
    with pytest.raises(ConflictError):
        make(anna)
    token_id = make(anna, "other").token.pk
    with pytest.raises(ConflictError):
        token_update(actor=anna, user_id=anna.principal.id, token_id=token_id, label="ci")


def test_there_is_an_end(anna, monkeypatch):
    monkeypatch.setattr(services, "MAX_TOKENS", 2)
    make(anna, "a")
    make(anna, "b")
    with pytest.raises(PreconditionError):
        make(anna, "c")


def test_an_administrator_sees_and_revokes_only(anna, boss):
    user_id, token_id = anna.principal.id, make(anna).token.pk
    assert [token.pk for token in token_list(actor=boss, user_id=user_id)] == [token_id]
    with pytest.raises(ForbiddenError):
        token_create(actor=boss, user_id=user_id, label="x")
    with pytest.raises(ForbiddenError):
        token_update(actor=boss, user_id=user_id, token_id=token_id, label="x")
    token_delete(actor=boss, user_id=user_id, token_id=token_id)
    with pytest.raises(NotFoundError):
        token_get(actor=boss, user_id=user_id, token_id=token_id)
    with pytest.raises(NotFoundError):
        token_list(actor=boss, user_id=999)


def test_others_see_nothing(anna):
    bert = acting(person("bert"))
    token_id = make(anna).token.pk
    with pytest.raises(ForbiddenError):
        token_list(actor=bert, user_id=anna.principal.id)
    with pytest.raises(ForbiddenError):
        token_delete(actor=bert, user_id=anna.principal.id, token_id=token_id)
    with pytest.raises(UnauthorizedError):
        token_list(actor=AnonymousContext(), user_id=anna.principal.id)
    with pytest.raises(NotFoundError):
        token_delete(actor=bert, user_id=bert.principal.id, token_id=token_id)


def test_a_token_manages_no_tokens_and_no_accounts(boss):
    token = context_of(authenticate("boss", make(boss).secret, address=HERE))
    me, other = boss.principal.id, person("carl").pk
    assert token.is_system_admin
    for act in (
        lambda: token_list(actor=token, user_id=me),
        lambda: token_create(actor=token, user_id=me, label="x"),
        lambda: user_update_profile(actor=token, user_id=me, comment="x"),
        lambda: user_change_password(actor=token, user_id=other, new="Correct-Horse-9"),
        lambda: user_set_sysadmin(actor=token, user_id=other, sysadmin=True),
        lambda: user_set_active(actor=token, user_id=other, active=False),
        lambda: user_delete(actor=token, user_id=other),
        lambda: user_create(
            actor=token, username="x", email="x@example.com", realname="", password="Correct-Horse-9"
        ),
    ):
        with pytest.raises(ForbiddenError):
            act()


def test_a_deleted_person_has_no_tokens(anna, boss):
    secret = make(anna).secret
    assert authenticate("anna", secret, address=HERE) is not None
    user_delete(actor=boss, user_id=anna.principal.id)
    assert not AccessToken.objects.exists()
    assert authenticate("anna", secret, address=HERE) is None
