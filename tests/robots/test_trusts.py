"""What a robot account trusts: patterns, rules, who may say so, and what it ends."""

import time
from collections.abc import Iterator

import pytest

from apps.accounts.authentication import authenticate, current_principal
from apps.accounts.security import FEDERATED, ROBOT
from apps.audit.models import AuditLog
from apps.common.configuration import Configuration
from apps.common.errors import BadRequestError, ConflictError, ForbiddenError, NotFoundError
from apps.projects.types import Role
from apps.robots.constants import PROJECT
from apps.robots.models import Robot, RobotTrust
from apps.robots.services import robot_delete
from apps.robots.trust_services import (
    robot_trust_add,
    robot_trust_get,
    robot_trust_list,
    robot_trust_remove,
    robot_trusts_replace,
)
from apps.robots.trusts import MAX_TRUSTS, Trust, claim_of, pattern_matches, trust_check, trust_of
from tests.robots.conftest import change, grant
from tests.support.issuer import Issuer

GITHUB = "https://token.actions.githubusercontent.com"
GITLAB = "https://gitlab.com"
AUDIENCE = "https://hub.example.com"
MAIN = Trust(GITHUB, AUDIENCE, "repo:org/app:ref:refs/heads/main")


@pytest.mark.parametrize(
    ("pattern", "text", "matches"),
    [
        ("repo:org/app:ref:refs/heads/main", "repo:org/app:ref:refs/heads/main", True),
        ("repo:org/app:ref:refs/heads/main", "repo:org/app:ref:refs/heads/main2", False),
        ("repo:org/app:ref:refs/heads/main", "Repo:org/app:ref:refs/heads/main", False),
        ("repo:org/*:ref:refs/heads/main", "repo:org/app:ref:refs/heads/main", True),
        ("repo:org/*:ref:refs/heads/main", "repo:org/app:environment:x:ref:refs/heads/main", False),
        ("repo:org/*:ref:refs/heads/main", "repo:org/a/b:ref:refs/heads/main", False),
        ("repo:org*", "repo:org-of-mallory/app", False),
        ("repo:org/app:*", "repo:org/app:pull_request", True),
        ("repo:org/app:*", "repo:org/app:ref:refs/heads/main", False),
        ("repo:org/app:**", "repo:org/app:ref:refs/heads/main", True),
        ("repo:org/app:**", "repo:org/app2:ref:refs/heads/main", False),
        ("repo:org/app:ref:refs/tags/v*", "repo:org/app:ref:refs/tags/v1.2", True),
        ("repo:org/app:ref:refs/tags/v*", "repo:org/app:ref:refs/tags/v", True),
        ("repo:org/app:ref:refs/tags/v*", "repo:org/app:ref:refs/tags/v/1", False),
        ("system:serviceaccount:team:*", "system:serviceaccount:team:builder", True),
        ("system:serviceaccount:team:*", "system:serviceaccount:team2:builder", False),
        ("system:serviceaccount:*:builder", "system:serviceaccount:a:builder", True),
        ("**:main", "a:b/c:main", True),
        ("**a**b", "xxaxxaxxb", True),
        ("**a**b", "xxaxxaxxbx", False),
        ("a*b*c", "aXbYbZc", True),
        ("***", "a:b", True),
        ("*", "", True),
        ("a", "*", False),
        ("a.c", "abc", False),
        ("[ab]", "a", False),
        ("a?", "ab", False),
        ("\\*", "\\x", True),
        ("**", "x" * 2049, False),
    ],
)
def test_patterns(pattern: str, text: str, *, matches: bool) -> None:
    assert pattern_matches(pattern, text) is matches


def test_a_costly_pattern_costs_little() -> None:
    start = time.process_time()
    assert not pattern_matches("**a" * 80, "a" * 79 + "b" * 1900)
    assert not pattern_matches("*a*" * 80 + "b", "a" * 2048)
    assert time.process_time() - start < 10


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("plain", "x"),
        ("https://example.com/claim", "y"),
        ("kubernetes.io/namespace", "team"),
        ("kubernetes.io/serviceaccount/name", "builder"),
        ("kubernetes.io/serviceaccount/missing", None),
        ("kubernetes.io/namespace/name", None),
        ("missing", None),
        ("", None),
    ],
)
def test_claims_by_name(name: str, value: object) -> None:
    claims = {
        "plain": "x",
        "https://example.com/claim": "y",
        "kubernetes.io": {"namespace": "team", "serviceaccount": {"name": "builder"}},
    }
    assert claim_of(claims, name) == value


@pytest.mark.parametrize(
    ("claims", "is_let_in"),
    [
        ({}, True),
        ({"iss": "https://other.example.com"}, False),
        ({"aud": [AUDIENCE, "other"]}, True),
        ({"aud": ["other"]}, False),
        ({"aud": AUDIENCE + "/"}, False),
        ({"sub": "repo:org/app:ref:refs/heads/other"}, False),
        ({"sub": None}, False),
        ({"sub": ["repo:org/app:ref:refs/heads/main"]}, False),
        ({"environment": "test"}, False),
        ({"environment": None}, False),
        ({"environment": ["test", "production"]}, True),
        ({"environment": {"production": True}}, False),
        ({"protected": "true"}, True),
        ({"protected": False}, False),
        ({"number": 43}, False),
        ({"number": "42"}, True),
        ({"number": 42.0}, False),
    ],
)
def test_which_tokens_a_trust_lets_in(claims: dict[str, object], *, is_let_in: bool) -> None:
    wanted = {"environment": "prod*", "protected": "true", "number": "42"}
    trust = Trust(MAIN.issuer, MAIN.audience, MAIN.subject, wanted)
    good = {
        "iss": GITHUB, "aud": AUDIENCE, "sub": MAIN.subject, "environment": "production", "protected": True,
        "number": 42,
    }  # fmt: skip
    assert trust_of([trust], good | claims) == (trust if is_let_in else None)


def test_audience_and_subject_are_of_one_trust() -> None:
    trusts = [Trust(GITHUB, "a", "repo:org/one:**"), Trust(GITHUB, "b", "repo:org/two:**")]
    token = {"iss": GITHUB, "aud": "a", "sub": "repo:org/two:pull_request"}
    assert trust_of(trusts, token) is None
    assert trust_of(trusts, token | {"aud": "b"}) == trusts[1]


@pytest.mark.parametrize(
    ("trust", "rule"),
    [
        (Trust("", AUDIENCE, "x"), "issuer must be a text"),
        (Trust("issuer.example.com", AUDIENCE, "x"), "issuer cannot be used: the URL must begin"),
        (Trust("http://issuer.example.com", AUDIENCE, "x"), "must be asked by https"),
        (Trust("https://a:b@issuer.example.com", AUDIENCE, "x"), "name or a password"),
        (Trust("https://issuer.example.com/?a=b", AUDIENCE, "x"), r"without \? and #"),
        (Trust("https://issuer.example.com/" + "a" * 1024, AUDIENCE, "x"), "1 to 1024"),
        (Trust("https://issuer.example.com", "", "x"), "audience must be"),
        (Trust("https://issuer.example.com", AUDIENCE, ""), "subject must be"),
        (Trust("https://issuer.example.com", AUDIENCE, " x"), "no blanks around"),
        (Trust("https://issuer.example.com", AUDIENCE, "x\x00"), "no control characters"),
        (Trust("https://issuer.example.com", AUDIENCE, "x" * 256), "1 to 255"),
        (Trust("https://issuer.example.com", AUDIENCE, "x", {"sub": "y"}), "checked by itself"),
        (Trust("https://issuer.example.com", AUDIENCE, "x", {"a": ""}), "claim a must be"),
        (Trust("https://issuer.example.com", AUDIENCE, "x", {"": "a"}), "name of a claim"),
        (Trust("https://issuer.example.com", AUDIENCE, "x", {str(n): "a" for n in range(17)}), "at most 16"),
        (Trust("https://issuer.example.com", AUDIENCE, "**"), "stars alone"),
        (Trust("https://issuer.example.com", AUDIENCE, "*:*/*", {"a": "**"}), "stars alone"),
        *((Trust(GITHUB, AUDIENCE, subject), "serves everybody") for subject in ("repo:**", "repo:*/app:**", "r**", "repo:org**", "repo:*@1/app:x")),
        (Trust(f"{GITHUB}/", AUDIENCE, "repo:**"), "serves everybody"),
        (Trust(GITLAB, AUDIENCE, "project_path:*/app:**"), "serves everybody"),
        (Trust(GITLAB, AUDIENCE, "**", {"ref": "main"}), "serves everybody"),
        (Trust(GITHUB, AUDIENCE, "repo:**", {"repository": "**"}), "serves everybody"),
    ],
)  # fmt: skip
def test_rules(trust: Trust, rule: str) -> None:
    with pytest.raises(BadRequestError, match=rule):
        trust_check(trust)


@pytest.mark.parametrize(
    "trust",
    [
        MAIN,
        Trust(GITHUB, AUDIENCE, "repo:org/*:**"),
        Trust(GITHUB, AUDIENCE, "repo:org@12/app@34:ref:refs/heads/main"),
        Trust(GITHUB, AUDIENCE, "repo:org@*/*:environment:production"),
        Trust(GITHUB, AUDIENCE, "**", {"repository_owner_id": "123"}),
        Trust(GITLAB, AUDIENCE, "project_path:group/app:ref_type:branch:ref:main"),
        Trust("https://gitlab.example.com", AUDIENCE, "project_path:*/app:**"),
        Trust("https://kubernetes.default.svc.cluster.local", AUDIENCE, "system:serviceaccount:team:*"),
        Trust("https://issuer.example.com/realms/a", AUDIENCE, "**", {"azp": "ci"}),
    ],
)
def test_what_keeps_the_rules(trust: Trust) -> None:
    assert trust_check(trust) == trust


# --- changes ----------------------------------------------------------------------------------------------------


@pytest.fixture
def robot(make_project, make_robot) -> Robot:
    make_project()
    return make_robot(grant("team", "repository:pull"), level=PROJECT)


@pytest.mark.django_db
def test_a_trust_comes_and_goes(admin, robot: Robot) -> None:
    row = robot_trust_add(actor=admin, robot_id=robot.pk, trust=MAIN)
    assert list(robot_trust_list(actor=admin, robot_id=robot.pk)) == [row]
    assert robot_trust_get(actor=admin, robot_id=robot.pk, trust_id=row.pk).subject == MAIN.subject
    with pytest.raises(ConflictError):
        robot_trust_add(actor=admin, robot_id=robot.pk, trust=MAIN)
    version = Robot.objects.get(pk=robot.pk).version
    robot_trust_remove(actor=admin, robot_id=robot.pk, trust_id=row.pk)
    assert Robot.objects.get(pk=robot.pk).version == version + 1
    for call in (robot_trust_remove, robot_trust_get):
        with pytest.raises(NotFoundError):
            call(actor=admin, robot_id=robot.pk, trust_id=row.pk)
    words = list(
        AuditLog.objects.filter(resource_type="robot", operation="update")
        .order_by("id")
        .values_list("operation_description", flat=True)
    )
    assert words == [
        f"update robot: robot$team+ci: {verb} repo:org/app:ref:refs/heads/main of {GITHUB} for {AUDIENCE}"
        for verb in ("trust", "trust no more")
    ]


@pytest.mark.django_db
def test_a_trust_of_another_robot_account_is_not_there(admin, robot: Robot, make_robot) -> None:
    other = make_robot(grant("team", "repository:pull"), level=PROJECT, name="other")
    row = robot_trust_add(actor=admin, robot_id=robot.pk, trust=MAIN)
    with pytest.raises(NotFoundError):
        robot_trust_remove(actor=admin, robot_id=other.pk, trust_id=row.pk)
    assert RobotTrust.objects.filter(pk=row.pk).exists()


@pytest.mark.django_db
def test_at_most_sixteen(admin, robot: Robot) -> None:
    trusts = [Trust(GITHUB, AUDIENCE, f"repo:org/app{number}:**") for number in range(MAX_TRUSTS + 1)]
    with pytest.raises(BadRequestError, match="at most 16"):
        robot_trusts_replace(actor=admin, robot_id=robot.pk, trusts=trusts)
    robot_trusts_replace(actor=admin, robot_id=robot.pk, trusts=trusts[:-1])
    with pytest.raises(BadRequestError, match="at most 16"):
        robot_trust_add(actor=admin, robot_id=robot.pk, trust=trusts[-1])
    assert robot.trusts.count() == MAX_TRUSTS


@pytest.mark.django_db
def test_replacing_keeps_what_stays(admin, robot: Robot) -> None:
    other = Trust(GITLAB, AUDIENCE, "project_path:group/app:**", {"ref_protected": "true"})
    first = robot_trust_add(actor=admin, robot_id=robot.pk, trust=MAIN)
    gone = robot_trust_add(actor=admin, robot_id=robot.pk, trust=Trust(GITHUB, AUDIENCE, "repo:org/b:**"))
    version = Robot.objects.get(pk=robot.pk).version
    rows = robot_trusts_replace(actor=admin, robot_id=robot.pk, trusts=[other, MAIN, other])
    assert [row.subject for row in rows] == [MAIN.subject, other.subject]
    assert rows[0].pk == first.pk
    assert not RobotTrust.objects.filter(pk=gone.pk).exists()
    assert Robot.objects.get(pk=robot.pk).version == version + 1
    robot_trusts_replace(actor=admin, robot_id=robot.pk, trusts=[MAIN, other])
    assert Robot.objects.get(pk=robot.pk).version == version + 1, "nothing has changed"
    assert robot_trusts_replace(actor=admin, robot_id=robot.pk, trusts=[]) == []


@pytest.mark.django_db
def test_only_who_may_change_the_robot_account(admin, robot: Robot, join) -> None:
    row = robot_trust_add(actor=admin, robot_id=robot.pk, trust=MAIN)
    guest = join(robot.project, Role.GUEST)
    assert list(robot_trust_list(actor=guest, robot_id=robot.pk)) == [row]
    for write in (
        lambda: robot_trust_add(actor=guest, robot_id=robot.pk, trust=MAIN),
        lambda: robot_trust_remove(actor=guest, robot_id=robot.pk, trust_id=row.pk),
        lambda: robot_trusts_replace(actor=guest, robot_id=robot.pk, trusts=[]),
    ):
        with pytest.raises(ForbiddenError):
            write()
    assert robot.trusts.count() == 1


@pytest.mark.django_db
def test_trusts_go_with_the_robot_account(admin, robot: Robot) -> None:
    robot_trust_add(actor=admin, robot_id=robot.pk, trust=MAIN)
    robot_delete(actor=admin, robot_id=robot.pk)
    assert not RobotTrust.objects.exists()


# --- signing in -------------------------------------------------------------------------------------------------

NAME = "robot$team+ci"


@pytest.fixture
def issuer(settings) -> Iterator[Issuer]:
    settings.HARBOR = Configuration(data_dir=settings.HARBOR.data_dir, outgoing_allow="127.0.0.0/8")
    with Issuer() as running:
        yield running


@pytest.fixture
def trusted(admin, robot: Robot, issuer: Issuer) -> RobotTrust:
    return robot_trust_add(actor=admin, robot_id=robot.pk, trust=Trust(issuer.url, AUDIENCE, "job:main"))


def sign_in(token: str, name: str = NAME):
    return authenticate(name, token, address="192.0.2.1")


@pytest.mark.django_db
def test_a_token_signs_in_until_it_ends(issuer: Issuer, robot: Robot, trusted: RobotTrust) -> None:
    end = int(time.time()) + 200
    principal = sign_in(issuer.token(aud=AUDIENCE, sub="job:main", exp=end))
    assert principal is not None
    assert (principal.kind, principal.id, principal.name) == (ROBOT, robot.pk, NAME)
    assert (principal.via, principal.until, principal.credential) == (FEDERATED, end, FEDERATED)


@pytest.mark.django_db
def test_no_password_is_hashed_for_a_token(issuer: Issuer, trusted: RobotTrust, monkeypatch) -> None:
    def fail(*_: object) -> bool:
        raise AssertionError("a password was checked")

    for place in ("apps.accounts.authentication", "apps.robots.authenticator"):
        monkeypatch.setattr(f"{place}.password_matches", fail)
    assert sign_in(issuer.token(aud=AUDIENCE, sub="job:main")) is not None
    token = issuer.token(aud=AUDIENCE, sub="job:other")
    for name in (NAME, "robot$team+other", "robot$nobody", "admin", "somebody", "robot$team+ci\x00"):
        assert sign_in(token, name) is None
    assert sign_in("eyJ" + "a" * 20_000 + ".a.a") is None
    assert sign_in("x" * 129) is None


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("claims", "reason"),
    [
        ({"aud": "other"}, "the token is meant for another audience"),
        ({"sub": "job:other"}, "not the subject 'job:other'"),
        ({"sub": None}, "not the subject 'None'"),
        ({"exp": int(time.time()) - 5}, "the token has expired"),
        ({"exp": None}, "the token has no exp"),
        ({"nbf": 4_000_000_000}, "the token is not valid yet"),
        ({"iss": "https://issuer.example.com"}, "it trusts no issuer 'https://issuer.example.com'"),
        ({"iss": "\ud800\x00\n"}, r"it trusts no issuer '\ud800\x00\n'"),
        ({"iss": 7}, "it trusts no issuer '7'"),
    ],
)
def test_why_a_token_is_refused_is_in_the_log_and_the_token_is_not(
    issuer: Issuer, trusted: RobotTrust, caplog, claims: dict[str, object], reason: str
) -> None:
    good = {"aud": AUDIENCE, "sub": "job:main"}
    key = issuer.keys[0]
    token = issuer.token(key=key, **(good | claims))
    assert sign_in(token) is None
    [record] = [record for record in caplog.records if record.name == "apps.robots.federation"]
    assert reason in record.getMessage()
    assert f"a token for {NAME} is refused: " in record.getMessage()
    assert token not in caplog.text
    assert token.split(".")[2] not in caplog.text


@pytest.mark.django_db
def test_who_is_not_trusted_is_not_asked(issuer: Issuer, trusted: RobotTrust) -> None:
    with Issuer() as stranger:
        assert sign_in(stranger.token(aud=AUDIENCE, sub="job:main")) is None
        assert sign_in(stranger.token(iss=issuer.url, aud=AUDIENCE, sub="job:main")) is None
        assert stranger.asked == []


@pytest.mark.django_db
def test_what_ends_a_sign_in_at_once(admin, issuer: Issuer, robot: Robot, trusted: RobotTrust) -> None:
    token = issuer.token(aud=AUDIENCE, sub="job:main")

    def is_ended(principal) -> bool:
        now = current_principal(kind=ROBOT, principal_id=robot.pk, version=principal.version)
        return now is None

    principal = sign_in(token)
    assert not is_ended(principal)
    change(admin, robot, disable=True)
    assert is_ended(principal)
    assert sign_in(token) is None
    change(admin, robot, disable=False)
    principal = sign_in(token)
    assert principal is not None
    robot_trust_remove(actor=admin, robot_id=robot.pk, trust_id=trusted.pk)
    assert is_ended(principal)
    assert sign_in(token) is None


@pytest.mark.django_db
def test_wrong_tokens_are_checked_sixty_times_a_minute_for_an_address(
    issuer: Issuer, trusted: RobotTrust, caplog
) -> None:
    address = "198.51.100.7"
    for number in range(70):
        token = issuer.token(aud=AUDIENCE, sub=f"job:{number}")
        assert authenticate(NAME, token, address=address) is None
    assert len([record for record in caplog.records if record.name == "apps.robots.federation"]) == 60
    good = issuer.token(aud=AUDIENCE, sub="job:main")
    assert authenticate(NAME, good, address=address) is None
    assert sign_in(good) is not None
    assert authenticate(NAME, good, address=address) is not None, "it is remembered"


@pytest.mark.django_db
def test_from_its_networks_only(admin, issuer: Issuer, robot: Robot, trusted: RobotTrust) -> None:
    change(admin, robot, sources=["203.0.113.0/24"])
    token = issuer.token(aud=AUDIENCE, sub="job:main")
    assert sign_in(token) is None
    assert authenticate(NAME, token, address="203.0.113.9") is not None
