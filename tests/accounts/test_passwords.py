import threading

import pytest

from apps.accounts import passwords
from apps.accounts.passwords import (
    has_control,
    password_check,
    password_hash,
    password_matches,
    profile_check,
    random_password,
    username_check,
)
from apps.common.configuration import Configuration
from apps.common.errors import BadRequestError


@pytest.fixture
def policy(settings):
    def choose(name: str) -> None:
        settings.HARBOR = Configuration(password_policy=name)

    return choose


@pytest.mark.parametrize(
    ("name", "password", "allowed"),
    [
        ("strong", "Abcdefghij1!", True),
        ("strong", "Abcdefghi1!", False),  # eleven
        ("strong", "abcdefghij1!", False),
        ("strong", "ABCDEFGHIJ1!", False),
        ("strong", "Abcdefghijk!", False),
        ("strong", "Abcdefghij12", False),
        ("strong", "Abcdefghij1 ", False),  # a space is no symbol
        ("strong", "Aa1!" * 32, True),
        ("strong", "Aa1!" * 32 + "x", False),
        ("strong", "Abcdefghij1!\ud800", False),
        ("harbor", "Abcdefg1", True),
        ("harbor", "Abcdef1", False),
        ("harbor", "abcdefg1", False),
        ("harbor", "ABCDEFG1", False),
        ("harbor", "Abcdefgh", False),
        ("harbor", "", False),
    ],
)
def test_policy(policy, name, password, allowed):
    policy(name)
    if allowed:
        password_check(password)
    else:
        with pytest.raises(BadRequestError, match="the password must"):
            password_check(password)


def test_refusal_says_the_rule(policy):
    policy("strong")
    with pytest.raises(BadRequestError, match=r"12 to 128 characters.*upper.*lower.*digit.*symbol"):
        password_check("short")


def test_random_passwords_pass_every_policy(policy):
    passwords = {random_password() for _ in range(200)}
    assert len(passwords) == 200
    for name in ("strong", "harbor"):
        policy(name)
        for password in passwords:
            password_check(password)


@pytest.mark.parametrize(
    "username",
    [
        *("", "x" * 256, *(f"a{c}b" for c in ',"~#%$'), "a\x00b", "a\nb", "a\ud800"),
        # They look like another's name.
        *("admin\u200b", "admin ", "\u00a0admin", "\u202enimda", "ad\u2028min"),
    ],
)
def test_bad_usernames(username):
    with pytest.raises(BadRequestError, match="the username"):
        username_check(username)


@pytest.mark.parametrize("username", ["a", "x" * 255, "anna.b@example.com", "Ärger 1"])
def test_good_usernames(username):
    username_check(username)


@pytest.mark.parametrize(
    ("change", "rule"),
    [
        ({"email": ""}, "email"),
        ({"email": "nobody"}, "email"),
        ({"email": "a" * 250 + "@b.example"}, "email"),
        ({"realname": "x" * 256}, "realname"),
        ({"realname": "a#b"}, "realname"),
        ({"realname": "a\x00"}, "realname"),
        ({"comment": "x" * 31}, "comment"),
        ({"comment": "a\x00"}, "comment"),
    ],
)
def test_bad_profiles(change, rule):
    good = {"email": "a@example.com", "realname": "", "comment": "x" * 30}
    profile_check(**good)
    with pytest.raises(BadRequestError, match=f"the {rule}"):
        profile_check(**(good | change))


def test_hash_and_match():
    encoded = password_hash("Abcdefghij1!")
    assert encoded.startswith("argon2$argon2id$")
    assert password_matches("Abcdefghij1!", encoded)
    assert not password_matches("Abcdefghij1?", encoded)
    assert not password_matches("\ud800", encoded)
    assert not password_matches("x" * 129, encoded)
    assert not password_matches("Abcdefghij1!", None)


def test_control_characters():
    assert has_control("\x7f")
    assert not has_control("plain Ä 漢")


def test_few_hashes_at_the_same_time(monkeypatch):
    """Twelve ask; each that is let in waits for three others, so that four are inside at once and never five."""
    lock, full = threading.Lock(), threading.Barrier(4)
    make_password = passwords.make_password
    inside, most = 0, 0

    def counting(password: str) -> str:
        nonlocal inside, most
        with lock:
            inside += 1
            most = max(most, inside)
        full.wait(timeout=60)
        encoded = make_password(password)
        with lock:
            inside -= 1
        return encoded

    monkeypatch.setattr(passwords, "make_password", counting)
    threads = [threading.Thread(target=password_hash, args=("Abcdefghij1!",)) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (inside, most) == (0, 4)
