"""Who somebody is here by the claims of a provider."""

import pytest

from apps.oidc.claims import person_from
from tests.support.people import settings_are

pytestmark = pytest.mark.django_db

ISSUER = "https://idp.example"


def groups_of(identity: dict, userinfo: dict | None, *, is_fresh: bool = True) -> set[str] | None:
    person = person_from(ISSUER, {"sub": "1", **identity}, userinfo, is_fresh=is_fresh)
    return None if person.groups is None else {group.name for group in person.groups}


@pytest.mark.parametrize(
    ("claim", "identity", "userinfo", "name"),
    [
        ("", {"name": "Ada L"}, {}, "Ada_L"),
        ("", {"name": "of the token"}, {"name": "of userinfo"}, "of_userinfo"),
        ("", {"preferred_username": "ada"}, {"email": "ada@example.com"}, "ada"),
        ("", {}, {"email": "ada@example.com"}, "ada@example.com"),
        ("", {}, {}, ""),
        ("login", {"login": "ada"}, {"login": "other", "name": "Ada"}, "ada"),
        ("login", {"name": "Ada"}, {"login": "ada"}, "ada"),
        ("login", {"login": ["ada"], "name": "Ada"}, {}, "Ada"),
        ("name", {"name": "of the token"}, {"name": "of userinfo"}, "of_the_token"),
    ],
)
def test_names(claim: str, identity: dict, userinfo: dict, name: str) -> None:
    settings_are(oidc_user_claim=claim)
    assert person_from(ISSUER, {"sub": "1", **identity}, userinfo).username == name


@pytest.mark.parametrize(
    ("identity", "userinfo", "found"),
    [
        ({"groups": ["a", "b", "a"]}, {}, {"a", "b"}),
        ({"groups": "a"}, {}, {"a"}),
        ({"groups": ["a"]}, {"groups": ["b"]}, {"b"}),
        ({"groups": ["a"]}, None, {"a"}),
        ({}, {}, set()),
        ({}, None, None),
        ({"groups": []}, None, set()),
        ({"groups": [1, None, "", "x" * 256, "a"]}, {}, {"a"}),
    ],
)
def test_groups(identity: dict, userinfo: dict | None, found: set[str] | None) -> None:
    settings_are(oidc_groups_claim="groups")
    assert groups_of(identity, userinfo) == found


def test_what_only_the_id_token_has_is_not_known_without_one() -> None:
    settings_are(oidc_groups_claim="groups", oidc_admin_group="bosses")
    assert groups_of({}, {}, is_fresh=False) is None
    assert groups_of({}, {"groups": ["a"]}, is_fresh=False) == {"a"}
    assert person_from(ISSUER, {"sub": "1"}, {}, is_fresh=False).is_admin is None


def test_without_a_claim_there_are_no_groups() -> None:
    settings_are(oidc_groups_claim="", oidc_admin_group="bosses")
    assert groups_of({"groups": ["bosses"]}, {}) == set()
    assert person_from(ISSUER, {"sub": "1", "groups": ["bosses"]}, {}).is_admin is False


def test_the_administrators_group_need_not_pass_the_filter() -> None:
    settings_are(oidc_groups_claim="groups", oidc_admin_group="bosses", oidc_group_filter="^dev")
    person = person_from(ISSUER, {"sub": "1", "groups": ["bosses", "devs", "ops-dev"]}, {})
    assert person.groups is not None
    assert ([group.name for group in person.groups], person.is_admin) == (["devs"], True)


@pytest.mark.parametrize(
    ("verified", "email"), [(True, "a@example.com"), (None, "a@example.com"), (False, "")]
)
def test_addresses(verified: bool | None, email: str) -> None:
    claims = {"sub": "1", "email": "a@example.com"}
    claims |= {} if verified is None else {"email_verified": verified}
    assert person_from(ISSUER, claims, {}).email == email
