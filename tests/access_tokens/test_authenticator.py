from datetime import timedelta

import pytest
from django.utils import timezone

from apps.access_tokens import authenticator, uses
from apps.access_tokens.models import AccessToken
from apps.access_tokens.services import token_create, token_delete, token_update
from apps.access_tokens.uses import LastUses, use_write
from apps.accounts import passwords
from apps.accounts.authentication import authenticate, current_principal
from apps.accounts.passwords import password_hash
from apps.accounts.security import TOKEN, USER
from apps.accounts.services import user_set_active, user_set_sysadmin
from tests.support.people import person

pytestmark = pytest.mark.django_db

HERE, THERE = "192.0.2.1", "192.0.2.2"


def make(actor, label="ci", **fields):
    return token_create(actor=actor, user_id=actor.principal.id, label=label, **fields)


def test_signs_in_as_its_owner(anna, monkeypatch):
    made = make(anna, sources=["192.0.2.7/24"])
    monkeypatch.setattr(passwords, "verify_password", lambda *_: pytest.fail("a token costs no slow hash"))
    monkeypatch.setattr(passwords, "make_password", lambda *_: pytest.fail("a token costs no slow hash"))
    principal = authenticate("anna", made.secret, address=HERE)
    assert principal is not None
    assert (principal.kind, principal.id, principal.name) == (TOKEN, made.token.pk, "anna")
    assert principal.person == principal.owner_id == anna.principal.id
    assert principal.sources == ("192.0.2.0/24",)
    assert not principal.is_narrowed
    assert authenticate("anna", made.secret, address="198.51.100.1") is None, "from elsewhere"


@pytest.mark.parametrize("name", ["bert", "Anna", "nobody", "robot$anna"])
def test_only_with_its_owners_name(anna, name):
    person("bert")
    assert authenticate(name, make(anna).secret, address=HERE) is None


def test_a_wrong_secret(anna, clock):
    secret = make(anna).secret
    wrong = secret[:-1] + ("a" if secret[-1] != "a" else "b")
    other = make(anna, "other").secret
    head = secret.rpartition("_")[0]
    for attempt in (wrong, f"{head}_{other.rpartition('_')[2]}", secret.replace("hbp_", "hbp_9")):
        assert authenticate("anna", attempt, address=HERE) is None
        clock.now += 60


def test_a_wrong_secret_costs_the_same_whether_there_is_such_a_token(
    anna, monkeypatch, django_assert_num_queries
):
    compared = []
    monkeypatch.setattr(authenticator.hmac, "compare_digest", lambda a, b: compared.append((a, b)) or False)
    known, unknown = f"hbp_{make(anna).token.pk}_{'x' * 40}", f"hbp_999999_{'x' * 40}"
    for secret in (known, unknown):
        with django_assert_num_queries(1):
            assert authenticator.TokenAuthenticator().authenticate("anna", secret) is None
    assert len(compared) == 2


def test_a_password_that_only_looks_like_a_token_is_a_password():
    person("dora", password=password_hash("hbp_Correct-Horse-1"))
    principal = authenticate("dora", "hbp_Correct-Horse-1", address=HERE)
    assert principal is not None
    assert principal.kind == USER


def test_ended(anna):
    made = make(anna, expires_at=timezone.now() + timedelta(hours=1))
    assert authenticate("anna", made.secret, address=HERE) is not None
    AccessToken.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    assert authenticator.TokenAuthenticator().authenticate("anna", made.secret) is None
    assert authenticator.TokenAuthenticator().current(made.token.pk) is None


def test_everything_that_it_opened_is_dead_at_once(anna, boss):
    user_id = anna.principal.id

    def suspend(token_id):
        user_set_active(actor=boss, user_id=user_id, active=False)

    def restrict(token_id):
        token_update(actor=anna, user_id=user_id, token_id=token_id, label="narrow", read_only=True)

    def change_owner(token_id):
        user_set_sysadmin(actor=boss, user_id=user_id, sysadmin=True)

    def revoke(token_id):
        token_delete(actor=anna, user_id=user_id, token_id=token_id)

    for number, end in enumerate((restrict, change_owner, revoke, suspend)):
        made = make(anna, f"t{number}")
        principal = authenticate("anna", made.secret, address=HERE)
        known = {
            "kind": TOKEN,
            "principal_id": principal.id,
            "version": principal.version,
            "owner_id": principal.owner_id,
        }
        assert current_principal(**known) == principal
        end(made.token.pk)
        assert current_principal(**known) is None
    assert authenticate("anna", made.secret, address=HERE) is None, "and the account is suspended"
    user_set_active(actor=boss, user_id=user_id, active=True)
    assert AccessToken.objects.count() == 3, "those that were not revoked are still there"


def test_a_token_passes_for_nobody_elses(anna, boss):
    principal = authenticate("anna", make(anna).secret, address=HERE)
    assert (
        current_principal(
            kind=TOKEN,
            principal_id=principal.id,
            version=principal.version,
            owner_id=boss.principal.id,
        )
        is None
    )


@pytest.mark.django_db(transaction=True)
def test_a_hit_costs_no_sql_and_tells_of_its_use(anna, uses, clock, django_assert_num_queries):
    made = make(anna)
    authenticate("anna", made.secret, address=HERE)
    authenticate("anna", made.secret, address=HERE)
    with django_assert_num_queries(0):
        assert authenticate("anna", made.secret, address=THERE) is not None
    assert [(job[0], *job[1:3]) for job in uses] == [(use_write, made.token.pk, HERE)]


def test_uses_are_written_once_a_minute(anna):
    token = make(anna).token
    start = timezone.now()
    use_write(token.pk, HERE, start)
    use_write(token.pk, THERE, start + timedelta(seconds=59))
    token.refresh_from_db()
    assert (token.last_used_at, token.last_used_address) == (start, HERE)
    use_write(token.pk, THERE, start + timedelta(seconds=60))
    token.refresh_from_db()
    assert (token.last_used_at, token.last_used_address) == (start + timedelta(seconds=60), THERE)


def test_each_token_is_told_of(anna):
    jobs = []
    taker = LastUses(lambda *job: jobs.append(job[1]))
    principals = [authenticate("anna", make(anna, label).secret, address=HERE) for label in "ab"]
    for principal in (*principals, *principals):
        taker.take(principal, HERE)
    assert jobs == [principal.id for principal in principals]
    assert uses.WRITE_SECONDS == 60
