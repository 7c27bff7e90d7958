"""Events of signing in: part of :mod:`apps.events.catalogue`."""

from dataclasses import dataclass
from datetime import datetime

from apps.events.event import Event

__all__ = [
    "PasswordConfirmed",
    "SessionsEnded",
    "SignInLocked",
    "SignInUnlocked",
    "UserLoggedIn",
    "UserLoggedOut",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class SignInLocked(Event):
    """After too many wrong passwords, until ``until``: of ``username`` ("" for anybody) from ``network`` ("" for anywhere).

    ``username`` is what was given as a name, whether there is such an account or not.
    """

    username: str
    network: str
    failures: int
    until: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class SignInUnlocked(Event):
    """An administrator has ended the locks of a person."""

    user_id: int
    username: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionsEnded(Event):
    """Sessions of a person were ended before their time; ``description`` says which."""

    user_id: int
    username: str
    description: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PasswordConfirmed(Event):
    """A session gave the password again; the wrong one is a login that failed."""

    username: str


@dataclass(frozen=True, slots=True, kw_only=True)
class UserLoggedIn(Event):
    username: str
    succeeded: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class UserLoggedOut(Event):
    """A session was ended by the one whose it was."""

    username: str
