"""Every setting that an administrator changes while the system runs: Harbor's keys, types and defaults."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field


class SystemSettings(BaseModel):
    """The settings as they are now, by Harbor's keys. Durations are in the units of Harbor: see each."""

    model_config = ConfigDict(frozen=True)

    auth_mode: Literal["db_auth", "ldap_auth", "oidc_auth", "http_auth", "uaa_auth"] = "db_auth"
    read_only: bool = False
    self_registration: bool = False
    project_creation_restriction: Literal["everyone", "adminonly"] = "everyone"
    token_expiration: Annotated[int, Field(description="Minutes that a registry token lives.")] = 30
    robot_token_duration: Annotated[int, Field(description="Days.")] = 30
    robot_name_prefix: str = "robot$"
    session_timeout: Annotated[int, Field(description="Minutes.")] = 60
    storage_per_project: Annotated[int, Field(description="Bytes, -1 for no limit.")] = -1
    quota_per_project_enable: bool = True
    pull_time_update_disable: bool = False
    pull_count_update_disable: bool = False
    pull_audit_log_disable: bool = False
    audit_log_forward_endpoint: str = ""
    skip_audit_log_database: bool = False
    disabled_audit_log_event_types: str = ""
    notification_enable: bool = True
    banner_message: str = ""
