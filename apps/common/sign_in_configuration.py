"""The part of the start-up settings that is about signing in.

Not among the settings that administrators change while the system runs: who has got hold of an administrator's session
must not be able to switch these off.
"""

from typing import Annotated

from pydantic import BaseModel, Field


class SignInConfiguration(BaseModel):
    """What wrong passwords lead to, how long sessions last, and when they have to give the password again."""

    login_failures_before_lock: Annotated[
        int,
        Field(
            ge=0,
            le=10_000,
            description="Wrong passwords for a name from an address within an hour after which that address is locked for "
            "that name; the last few before it are slowed down. 0 for never.",
        ),
    ] = 10
    login_failures_per_account: Annotated[
        int,
        Field(
            ge=0,
            le=1_000_000,
            description="Wrong passwords for a name from all addresses within an hour after which it is locked, but where "
            "it has signed in within 30 days. 0 for never; `admin` never is.",
        ),
    ] = 100
    login_failures_per_address: Annotated[
        int,
        Field(
            ge=0,
            le=1_000_000,
            description="Wrong passwords from an address for all names within an hour after which it is locked, but for "
            "those who have signed in from there within 30 days. 0 for never.",
        ),
    ] = 1000
    login_lock_seconds: Annotated[
        int, Field(ge=1, le=86_400, description="Seconds for which wrong passwords lock.")
    ] = 300
    session_max_hours: Annotated[
        int,
        Field(
            ge=0,
            le=8760,
            description="Hours after which a session in the portal ends, however much it is used; 0 for never. How long "
            "one lasts that is not used is the setting `session_timeout`.",
        ),
    ] = 168
    reauthentication_minutes: Annotated[
        int,
        Field(
            ge=0,
            le=10_080,
            description="Minutes after which a session has to give the password again before it makes or unmakes "
            "administrators and auditors, deletes people and projects, changes settings or replaces secrets; 0 for never.",
        ),
    ] = 15
