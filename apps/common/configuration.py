"""What is set before the process starts: from the environment (``HARBOR_*``) and one YAML file.

The environment wins over the file. A setting that is not in :class:`Configuration` is refused by name.
What administrators change while the system runs is not here.
"""

import ipaddress
import os
import secrets
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

import yaml
from pydantic import ConfigDict, Field, ValidationError, field_validator

from apps.common.redis_urls import sentinel_address
from apps.common.sign_in_configuration import SignInConfiguration

PREFIX = "HARBOR_"
CONFIG_FILE_VARIABLE = "HARBOR_CONFIG"
OVERWRITE_VARIABLE = "CONFIG_OVERWRITE_JSON"

_Network = ipaddress.IPv4Network | ipaddress.IPv6Network


class ConfigurationError(Exception):
    """A setting is unknown or has a value that cannot be used; the message names it."""


class Configuration(SignInConfiguration):
    """Every start-up setting, its default and its meaning (``docs/configuration.md`` is made from this)."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True, validate_default=True)

    # Django's settings object looks for this on every access: found here it costs nothing, missing it costs
    # pydantic's search for private attributes, 7 µs a time on the pull path.
    _mask_wrapped: ClassVar[bool] = True

    data_dir: Annotated[Path, Field(description="Folder of the database, blobs, secrets and spool.")] = Path(
        "data"
    )
    bind: Annotated[str, Field(description="Address and port to listen on, as HOST:PORT.")] = "127.0.0.1:8080"
    workers: Annotated[
        int, Field(ge=1, le=64, description="Server processes; the default is one a core, at most four.")
    ] = min(4, os.cpu_count() or 1)
    threads: Annotated[
        int, Field(ge=8, le=4096, description="Requests that one server process works on at the same time.")
    ] = 256
    upload_slots: Annotated[
        int,
        Field(ge=1, le=4096, description="Bodies that one process receives at the same time; more get 429."),
    ] = 96
    download_slots: Annotated[
        int,
        Field(ge=1, le=4096, description="Blobs that one process sends at the same time; more get 429."),
    ] = 128
    stall_timeout: Annotated[
        int,
        Field(ge=1, description="Seconds after which a transfer that moves no byte is cut off."),
    ] = 60
    min_transfer_rate: Annotated[
        int,
        Field(
            ge=0, description="Bytes a second, over a minute, under which a transfer is cut off; 0 for none."
        ),
    ] = 1024
    tls_cert: Annotated[
        Path | None, Field(description="PEM file of the certificate chain; TLS is on with it.")
    ] = None
    tls_key: Annotated[Path | None, Field(description="PEM file of the certificate's private key.")] = None
    database_url: Annotated[
        str, Field(description="`sqlite:///PATH` or `postgresql://…`; default: SQLite in the data folder.")
    ] = ""
    database_pool_size: Annotated[int, Field(ge=1, description="PostgreSQL connections of one process.")] = 8
    redis_url: Annotated[
        str,
        Field(
            description=(
                "`redis://…`: broker and stamps for several hosts; without it, files serve one host. With Sentinel"
                " `redis+sentinel://[USER:PASSWORD@]HOST:PORT,HOST:PORT/MASTER/DATABASE[?sentinel_password=…]`."
            )
        ),
    ] = ""
    storage_url: Annotated[
        str,
        Field(
            description="Where blobs are: `file:///…` or `s3://bucket/prefix?endpoint=…`; default: data folder."
        ),
    ] = ""
    spool_dir: Annotated[
        Path | None, Field(description="Folder of the pull spool; default: in the data folder.")
    ] = None
    external_url: Annotated[
        str, Field(description="The URL that clients use, if the request's own Host is not to be trusted.")
    ] = ""
    trusted_proxies: Annotated[
        str, Field(description="Networks, comma separated, whose X-Forwarded-* headers are believed.")
    ] = ""
    secret_key_file: Annotated[
        Path | None, Field(description="File of the key for signing and encryption.")
    ] = None
    token_key_file: Annotated[
        Path | None, Field(description="PEM file of the P-256 key that signs tokens.")
    ] = None
    config_overwrite_json: Annotated[
        str,
        Field(
            description="System settings (docs/settings.md) as a JSON object: they are fixed, and no setting can be "
            "changed by the API. Also `CONFIG_OVERWRITE_JSON`, as in Harbor."
        ),
    ] = ""
    ca_certificate_file: Annotated[
        Path | None,
        Field(
            description="PEM file of the certificate authority that clients get from `/systeminfo/getcert`."
        ),
    ] = None
    admin_password: Annotated[
        str, Field(description="First password of `admin`; default: random, printed once.")
    ] = ""
    password_policy: Annotated[
        Literal["strong", "harbor"],
        Field(
            description="`strong`: 12 characters with upper, lower, digit, symbol; `harbor`: 8 without symbol."
        ),
    ] = "strong"  # noqa: S105 (the name of a policy)
    access_log: Annotated[bool, Field(description="One JSON line a request on standard output.")] = True
    log_level: Annotated[
        Literal["DEBUG", "INFO", "WARNING", "ERROR"],
        Field(description="Least severe log record that is written."),
    ] = "INFO"
    audit_log_file: Annotated[
        Path | None,
        Field(description="File that gets each row of the audit log as a JSON line; default: none."),
    ] = None
    audit_log_file_size: Annotated[
        int, Field(ge=1024, description="Bytes after which the audit log file is rotated.")
    ] = 100 * 1024 * 1024
    audit_log_file_count: Annotated[
        int, Field(ge=0, le=1000, description="Rotated audit log files that are kept, as FILE.1, FILE.2, …")
    ] = 10
    gdpr_delete_user: Annotated[
        bool, Field(description="Replace name and e-mail of a deleted person by hashes.")
    ] = False
    gdpr_audit_logs: Annotated[
        bool, Field(description="Replace the name of a deleted person in the audit log by a hash.")
    ] = False
    metric_enable: Annotated[
        bool, Field(description="Prometheus metrics (docs/metrics.md) on a port of their own.")
    ] = False
    metric_port: Annotated[
        int, Field(ge=1, le=65535, description="Port of the metrics, on the address of `bind`.")
    ] = 9090
    metric_path: Annotated[str, Field(pattern=r"^/[!-~]*$", description="Path of the metrics.")] = "/metrics"
    job_workers: Annotated[
        int, Field(ge=1, le=200, description="Jobs that one background process runs at the same time.")
    ] = 10
    job_lost_seconds: Annotated[
        int,
        Field(
            ge=3,
            le=3600,
            description="Seconds without a heartbeat after which a background process is taken for dead and its jobs "
            "are run again.",
        ),
    ] = 30
    outgoing_allow: Annotated[
        str,
        Field(
            description="Networks, comma separated, that requests of this server (webhooks) may go to although "
            "they are its own, of its link or a cloud's metadata, or in `outgoing_refuse`."
        ),
    ] = ""
    outgoing_refuse: Annotated[
        str,
        Field(
            description="More networks, comma separated, that they may not go to: `10.0.0.0/8,172.16.0.0/12,"
            "192.168.0.0/16,fc00::/7` for none that is private."
        ),
    ] = ""
    outgoing_proxy: Annotated[
        str, Field(description="`http://[NAME:PASSWORD@]HOST:PORT` of a proxy for requests of this server.")
    ] = ""
    outgoing_no_proxy: Annotated[
        str, Field(description="Hosts and domains, comma separated, that are asked without the proxy.")
    ] = ""
    outgoing_ca_file: Annotated[
        Path | None,
        Field(
            description="PEM file of authorities that are trusted besides the system's in requests of this server."
        ),
    ] = None
    webhook_workers: Annotated[
        int,
        Field(
            ge=1,
            le=200,
            description="Webhooks delivered at the same time, at most two of one policy; half as many to Slack.",
        ),
    ] = 6
    webhook_timeout: Annotated[
        int, Field(ge=1, le=300, description="Seconds that a receiver of webhooks has for its answer.")
    ] = 10
    webhook_retries: Annotated[
        int, Field(ge=0, le=20, description="How often a delivery that failed is tried again.")
    ] = 3
    gc_time_window_hours: Annotated[
        int,
        Field(
            ge=0,
            le=8760,
            description="Hours for which garbage collection leaves what was pushed, mounted or asked for; 0 for none.",
        ),
    ] = 2
    trash_days: Annotated[
        int,
        Field(
            ge=0,
            le=36500,
            description="Days that what was deleted stays in the trash, its blobs with it; 0 for ever.",
        ),
    ] = 30
    tag_history_days: Annotated[
        int,
        Field(
            ge=0,
            le=36500,
            description="Days that the history of tags goes back, and restores of a repository; 0 for ever.",
        ),
    ] = 365
    max_blob_size: Annotated[int, Field(ge=0, description="Largest blob in bytes; 0 for no limit.")] = 0
    credential_cache_seconds: Annotated[
        int, Field(ge=0, le=600, description="Seconds that a verified password stays verified; 0 for never.")
    ] = 60

    @field_validator(
        "data_dir",
        "spool_dir",
        "secret_key_file",
        "token_key_file",
        "tls_cert",
        "tls_key",
        "audit_log_file",
        "ca_certificate_file",
        "outgoing_ca_file",
    )
    @classmethod
    def _absolute(cls, value: Path | None) -> Path | None:
        return None if value is None else Path(os.path.abspath(value.expanduser()))

    @field_validator("bind")
    @classmethod
    def _host_and_port(cls, value: str) -> str:
        host, _, port = value.rpartition(":")
        if not host or not port.isdecimal() or int(port) > 65535:
            raise ValueError("must be HOST:PORT, for example 0.0.0.0:8080 or [::]:8080")
        return value

    @field_validator("database_url")
    @classmethod
    def _database(cls, value: str) -> str:
        if value and not value.startswith(("sqlite:///", "postgresql://", "postgres://")):
            raise ValueError("must start with sqlite:/// or postgresql://")
        return value

    @field_validator("redis_url")
    @classmethod
    def _redis(cls, value: str) -> str:
        if value and not value.startswith(("redis://", "rediss://")) and sentinel_address(value) is None:
            raise ValueError("must start with redis://, rediss:// or redis+sentinel://")
        return value

    @field_validator("external_url")
    @classmethod
    def _external(cls, value: str) -> str:
        if value and not value.startswith(("http://", "https://")):
            raise ValueError("must start with http:// or https://")
        return value.rstrip("/")

    @field_validator("outgoing_proxy")
    @classmethod
    def _proxy(cls, value: str) -> str:
        if value and not value.startswith(("http://", "https://")):
            raise ValueError("must start with http:// or https://")
        return value

    @field_validator("trusted_proxies", "outgoing_allow", "outgoing_refuse")
    @classmethod
    def _networks(cls, value: str) -> str:
        _networks_of(value)
        return value

    @cached_property
    def proxy_networks(self) -> tuple[_Network, ...]:
        """``trusted_proxies`` as networks."""
        return _networks_of(self.trusted_proxies)

    @cached_property
    def outgoing_allowed(self) -> tuple[_Network, ...]:
        """``outgoing_allow`` as networks."""
        return _networks_of(self.outgoing_allow)

    @cached_property
    def outgoing_refused(self) -> tuple[_Network, ...]:
        """``outgoing_refuse`` as networks."""
        return _networks_of(self.outgoing_refuse)

    @property
    def host(self) -> str:
        """The address to listen on."""
        return self.bind.rpartition(":")[0].strip("[]")

    @property
    def port(self) -> int:
        """The port to listen on."""
        return int(self.bind.rpartition(":")[2])

    @property
    def blobs_url(self) -> str:
        """``storage_url`` with its default filled in."""
        return self.storage_url or f"file://{self.data_dir / 'storage'}"

    @property
    def spool_folder(self) -> Path:
        """``spool_dir`` with its default filled in."""
        return self.spool_dir or self.data_dir / "spool"

    @property
    def secrets_folder(self) -> Path:
        """Where first start keeps what it makes."""
        return self.data_dir / "secrets"

    @property
    def secret_key_path(self) -> Path:
        """``secret_key_file`` with its default filled in."""
        return self.secret_key_file or self.secrets_folder / "secret-key"

    @property
    def token_key_path(self) -> Path:
        """``token_key_file`` with its default filled in."""
        return self.token_key_file or self.secrets_folder / "token-key.pem"

    def secret_key(self) -> str:
        """The signing key; a random one, good for this process only, before first start has made the file."""
        try:
            return self.secret_key_path.read_text("ascii").strip()
        except FileNotFoundError:
            return secrets.token_urlsafe(48)


def _networks_of(text: str) -> tuple[_Network, ...]:
    """Networks and addresses with commas between; ValueError for what is none."""
    parts = filter(None, map(str.strip, text.split(",")))
    return tuple(ipaddress.ip_network(part, strict=False) for part in parts)


def load_configuration(
    environ: Mapping[str, str], *, overrides: Mapping[str, Any] | None = None
) -> Configuration:
    """Read the file that ``HARBOR_CONFIG`` names, then ``HARBOR_*``, then ``overrides`` (command-line flags).

    Raises :class:`ConfigurationError`, which names the setting and never shows a value.
    """
    values: dict[str, Any] = {}
    if path := environ.get(CONFIG_FILE_VARIABLE):
        values |= _read_file(Path(path))
    for name, value in environ.items():
        if name.startswith(PREFIX) and name != CONFIG_FILE_VARIABLE:
            setting = name.removeprefix(PREFIX).lower()
            if setting not in Configuration.model_fields:
                raise ConfigurationError(f"unknown setting {name} in the environment")
            values[setting] = value
    if overwrite := environ.get(OVERWRITE_VARIABLE):
        values["config_overwrite_json"] = overwrite
    values |= {name: value for name, value in (overrides or {}).items() if value is not None}
    try:
        return Configuration(**values)
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        setting = ".".join(map(str, first["loc"]))
        raise ConfigurationError(f"setting {setting} ({PREFIX}{setting.upper()}): {first['msg']}") from None


def _read_file(path: Path) -> dict[str, Any]:
    try:
        content = yaml.safe_load(path.read_text("utf-8"))
    except OSError as error:
        raise ConfigurationError(f"cannot read the configuration file {path}: {error.strerror}") from error
    except yaml.YAMLError as error:
        raise ConfigurationError(f"the configuration file {path} is not YAML: {error}") from error
    if content is None:
        return {}
    if not isinstance(content, dict):
        raise ConfigurationError(f"the configuration file {path} must hold settings as `name: value`")
    for name in content:
        if name not in Configuration.model_fields:
            raise ConfigurationError(f"unknown setting {name} in {path}")
    return content
