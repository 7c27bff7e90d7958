"""Strangers who register themselves, as often as they can."""

import pytest

from apps.accounts.authentication import Deadlines
from apps.accounts.models import User
from apps.accounts.registration import REGISTRATIONS, WITHIN_SECONDS, registration_take
from apps.accounts.services import user_create
from apps.common.errors import BadRequestError, TooManyRequestsError
from apps.common.origin import take_request
from apps.projects.contexts import AnonymousContext
from tests.support.people import acting, person, settings_are

PASSWORD = "Correct-Horse-9-Battery"


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def _from_elsewhere():
    take_request({"REMOTE_ADDR": "203.0.113.99", "REQUEST_METHOD": "POST"})
    yield
    take_request(None)


def register(number: int, actor=None, password: str = PASSWORD) -> User:
    return user_create(
        actor=actor or AnonymousContext(),
        username=f"stranger-{number}",
        email=f"stranger-{number}@example.com",
        realname="",
        password=password,
    )


def test_so_many_a_minute_from_an_address():
    clock = Clock()
    recent = Deadlines(size=100, clock=clock)
    for _ in range(REGISTRATIONS):
        registration_take("192.0.2.1", recent=recent)
    with pytest.raises(TooManyRequestsError):
        registration_take("192.0.2.1", recent=recent)
    registration_take("192.0.2.2", recent=recent)
    clock.now = WITHIN_SECONDS
    registration_take("192.0.2.1", recent=recent)


@pytest.mark.django_db
@pytest.mark.usefixtures("_from_elsewhere")
def test_strangers_are_counted_and_administrators_not():
    settings_are(self_registration=True)
    for number in range(REGISTRATIONS * 2):
        with pytest.raises(BadRequestError):
            register(number, password="weak")
    for number in range(REGISTRATIONS):
        register(number)
    with pytest.raises(TooManyRequestsError):
        register(100)
    assert not User.objects.filter(username="stranger-100").exists()
    assert register(101, acting(person("boss", sysadmin=True))).pk
