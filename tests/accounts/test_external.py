"""People whom a directory brings: who they become here, their groups, and how they go."""

import json
from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.utils import timezone

from apps.accounts import directories
from apps.accounts.authentication import current_principal
from apps.accounts.directories import (
    Confirmation,
    ExternalGroup,
    ExternalPerson,
    SourceUnreachableError,
    register_directory,
)
from apps.accounts.external_services import ExternalConflictError, cli_secret_set, external_sign_in
from apps.accounts.identities import credentials_of, identity_find
from apps.accounts.local import LocalAuthenticator
from apps.accounts.membership import person_now
from apps.accounts.models import Identity, User, UserGroup, UserGroupMember
from apps.accounts.security import CLI_SECRET, USER, SystemContext
from apps.accounts.services import sequence_advance, user_delete, user_set_active
from apps.accounts.types import Source
from apps.common.errors import PreconditionError
from apps.config.services import settings_lock, settings_store
from apps.events import bus
from tests.support.clock import Clock, fresh_sign_ins
from tests.support.people import person, seen_events

pytestmark = pytest.mark.django_db

SYSTEM = SystemContext("test")
GROUPS = (ExternalGroup("devs", "cn=devs,dc=example"), ExternalGroup("ops", "cn=ops,dc=example"))
ANNA = ExternalPerson(
    source=Source.LDAP,
    subject="cn=anna,dc=example",
    username="anna",
    email="anna@example.com",
    realname="Anna",
    groups=GROUPS,
    is_admin=False,
)


class Answers:
    """A directory that says what it is told to."""

    def __init__(self) -> None:
        self.person: ExternalPerson | None = ANNA
        self.is_away = False
        self.asked = 0

    def unavailable(self) -> str:
        return ""

    def authenticate(self, username: str, password: str) -> ExternalPerson | None:
        if self.is_away:
            raise SourceUnreachableError("away")
        person = self.person
        return person if person is not None and (username, password) == (person.username, "right") else None

    def find(self, username: str) -> ExternalPerson | None:
        return self.person if self.person is not None and self.person.username == username else None

    def confirm(self, _identity: Identity) -> Confirmation:
        self.asked += 1
        if self.is_away:
            raise SourceUnreachableError("away")
        return Confirmation(self.person)


@pytest.fixture
def directory(monkeypatch: pytest.MonkeyPatch) -> Iterator[Answers]:
    """In the place of LDAP and of OpenID Connect, both of which may sign in besides local people."""
    fresh_sign_ins(monkeypatch, Clock())
    monkeypatch.setattr(directories, "_directories", {})
    # The first id of a fresh table is the first administrator's, who may always sign in.
    User.objects.create(id=1, username="admin", sysadmin_flag=True)
    sequence_advance(User)
    answers = Answers()
    register_directory(Source.LDAP, answers)
    register_directory(Source.OIDC, answers)
    before = settings_lock()
    after = before.model_copy(update={"auth_sources": "local,ldap,oidc"})
    settings_store(after, names=["auth_sources"])
    yield answers
    settings_store(before, names=["auth_sources"])


def groups_of(user_id: int) -> set[str]:
    rows = UserGroupMember.objects.filter(user_id=user_id).select_related("group")
    return {row.group.group_name for row in rows}


def make_due(user_id: int) -> None:
    long_ago = timezone.now() - timedelta(minutes=5)
    assert Identity.objects.filter(user_id=user_id).update(confirmed_at=long_ago, asked_at=None) == 1


def test_the_first_sign_in_makes_account_and_groups(
    directory: Answers, monkeypatch: pytest.MonkeyPatch
) -> None:
    events = seen_events(monkeypatch, bus)
    principal = external_sign_in(person=ANNA)
    user = User.objects.get(id=principal.id)
    assert (user.source, user.email, user.realname) == ("ldap", "anna@example.com", "Anna")
    assert not user.has_usable_password()
    assert groups_of(user.id) == {"devs", "ops"}
    assert set(UserGroup.objects.values_list("group_type", flat=True)) == {1}
    assert [type(event).__name__ for event in events] == ["UserChanged", "GroupChanged", "GroupChanged"]
    assert external_sign_in(person=ANNA).id == user.id
    assert User.objects.filter(source="ldap").count() == 1


def test_groups_and_the_administrators_role_follow_the_directory(directory: Answers) -> None:
    principal = external_sign_in(person=ANNA)
    assert not principal.is_system_admin
    changed = ExternalPerson(
        source=Source.LDAP,
        subject=ANNA.subject,
        username="anna",
        groups=GROUPS[:1],
        is_admin=True,
        realname="Anna B",
    )
    assert external_sign_in(person=changed).is_system_admin
    assert groups_of(principal.id) == {"devs"}
    assert User.objects.get(id=principal.id).email == "anna@example.com", "nothing was said of it"
    unsaid = ExternalPerson(source=Source.LDAP, subject=ANNA.subject, username="anna")
    assert external_sign_in(person=unsaid).is_system_admin
    assert groups_of(principal.id) == {"devs"}


def test_a_directory_takes_over_nobodys_account(directory: Answers) -> None:
    person("anna")
    with pytest.raises(ExternalConflictError, match="comes from elsewhere"):
        external_sign_in(person=ANNA)
    assert LocalAuthenticator().authenticate("anna", "right") is None


def test_nobody_has_two_peoples_address(directory: Answers) -> None:
    other = person("berta")
    User.objects.filter(id=other.id).update(email="anna@example.com")
    assert User.objects.get(id=external_sign_in(person=ANNA).id).email is None


@pytest.mark.parametrize("name", ["an,na", "robot$x", " anna", "a" * 256, "an\x00na", ""])
def test_a_name_that_nobody_can_have_here_is_refused(directory: Answers, name: str) -> None:
    with pytest.raises(ExternalConflictError):
        external_sign_in(person=ExternalPerson(source=Source.LDAP, subject="cn=x", username=name))
    assert not User.objects.filter(source="ldap").exists()


def test_a_password_is_asked_of_the_source_that_the_person_is_bound_to(directory: Answers) -> None:
    authenticator = LocalAuthenticator()
    assert authenticator.authenticate("anna", "wrong") is None
    assert not User.objects.filter(username="anna").exists()
    principal = authenticator.authenticate("anna", "right")
    assert principal is not None
    directory.is_away = True
    assert authenticator.authenticate("anna", "right") is None, "and there is no error"


@pytest.mark.parametrize("end", ["suspended", "deleted"])
def test_who_was_ended_here_is_not_brought_back(directory: Answers, end: str) -> None:
    principal = external_sign_in(person=ANNA)
    if end == "suspended":
        user_set_active(actor=SYSTEM, user_id=principal.id, active=False)
        with pytest.raises(ExternalConflictError, match="suspended"):
            external_sign_in(person=ANNA)
        return
    user_delete(actor=SYSTEM, user_id=principal.id)
    assert not Identity.objects.exists()
    assert external_sign_in(person=ANNA).id != principal.id, "somebody new, without the old one's roles"


def test_a_source_that_is_not_enabled_lets_nobody_in(directory: Answers) -> None:
    principal = external_sign_in(person=ANNA)
    settings = settings_lock().model_copy(update={"auth_sources": "local"})
    settings_store(settings, names=["auth_sources"])
    user = User.objects.get(id=principal.id)
    assert person_now(user) is None
    assert LocalAuthenticator().authenticate("anna", "right") is None
    settings_store(settings.model_copy(update={"auth_sources": "ldap"}), names=["auth_sources"])
    assert person_now(user) is not None
    assert person_now(person("local")) is None
    assert person_now(User.objects.get(id=1)) is not None, "the first administrator always"


def test_who_is_gone_from_the_directory_loses_what_they_had(
    directory: Answers, monkeypatch: pytest.MonkeyPatch
) -> None:
    principal = external_sign_in(person=ANNA)
    user = User.objects.get(id=principal.id)
    assert person_now(user) is not None
    assert directory.asked == 0, "it has just said so"
    directory.person = None
    make_due(user.id)
    events = seen_events(monkeypatch, bus)
    assert person_now(user) is None
    assert [event.description for event in events] == ["gone from ldap"]
    assert current_principal(kind=USER, principal_id=user.id, version=principal.version) is None
    assert person_now(User.objects.get(id=user.id)) is None
    assert directory.asked == 1, "it is not asked of those that it has forgotten"
    directory.person = ANNA
    back = external_sign_in(person=ANNA)
    assert back.version > principal.version, "what they were given before stays dead"


def test_groups_are_renewed_without_signing_in(directory: Answers) -> None:
    principal = external_sign_in(person=ANNA)
    directory.person = ExternalPerson(
        source=Source.LDAP, subject=ANNA.subject, username="anna", groups=GROUPS[1:], is_admin=True
    )
    make_due(principal.id)
    now = person_now(User.objects.get(id=principal.id))
    assert now is not None
    assert now.is_system_admin
    assert now.version == principal.version, "tokens live on, with what the person may do now"
    assert groups_of(principal.id) == {"ops"}


def test_a_directory_that_is_away_changes_nothing_for_a_while(directory: Answers) -> None:
    user = User.objects.get(id=external_sign_in(person=ANNA).id)
    directory.is_away = True
    make_due(user.id)
    assert person_now(user) is not None
    assert person_now(user) is not None
    assert directory.asked == 1, "one asks, and the next waits for half a minute"
    Identity.objects.filter(user=user).update(confirmed_at=timezone.now() - timedelta(hours=2), asked_at=None)
    assert person_now(user) is None
    directory.is_away = False
    Identity.objects.filter(user=user).update(asked_at=None)
    assert person_now(user) is not None


def test_what_cannot_be_asked_again_ends(directory: Answers) -> None:
    until = timezone.now() + timedelta(minutes=1)
    user = User.objects.get(id=external_sign_in(person=ANNA, until=until).id)
    make_due(user.id)
    assert person_now(user) is not None
    Identity.objects.filter(user=user).update(confirmed_until=timezone.now())
    assert person_now(user) is None
    assert directory.asked == 0


def test_credentials_are_kept_encrypted(directory: Answers) -> None:
    external_sign_in(person=ANNA, credentials=json.dumps({"refresh_token": "geheim-1"}))
    identity = identity_find(source=Source.LDAP, issuer="", subject=ANNA.subject)
    assert identity is not None
    assert "geheim" not in identity.credentials
    assert credentials_of(identity) == {"refresh_token": "geheim-1"}


def test_the_secret_for_docker(directory: Answers) -> None:
    otto = ExternalPerson(source=Source.OIDC, issuer="https://idp", subject="7", username="otto")
    principal = external_sign_in(person=otto)
    secret = cli_secret_set(actor=SYSTEM, user_id=principal.id)
    signed_in = LocalAuthenticator().authenticate("otto", secret)
    assert signed_in is not None
    assert (signed_in.id, signed_in.via) == (principal.id, CLI_SECRET)
    assert LocalAuthenticator().authenticate("otto", "right") is None, "there is no password there"
    assert secret not in Identity.objects.get(user_id=principal.id).cli_secret
    with pytest.raises(PreconditionError):
        cli_secret_set(actor=SYSTEM, user_id=person("local").id)
