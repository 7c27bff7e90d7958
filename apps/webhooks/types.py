"""What can be told, to whom, and in which format: the words on the wire, and the rules of a policy."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from apps.common.errors import BadRequestError
from apps.common.outgoing import OutgoingError, url_checked

MAX_NAME = 255
MAX_DESCRIPTION = 4096
MAX_TARGETS = 10
MAX_POLICIES = 50
_MAX_ADDRESS = 2048
_MAX_HEADER = 4096
# What a header can hold: no line can be added to it.
_HEADER = re.compile(r"[\t\x20-\x7e\xa0-\xff]*")


class EventType(StrEnum):
    """In Harbor's words and order; of some nothing happens yet."""

    PUSH_ARTIFACT = "PUSH_ARTIFACT"
    PULL_ARTIFACT = "PULL_ARTIFACT"
    DELETE_ARTIFACT = "DELETE_ARTIFACT"
    QUOTA_EXCEED = "QUOTA_EXCEED"
    QUOTA_WARNING = "QUOTA_WARNING"
    SCANNING_FAILED = "SCANNING_FAILED"
    SCANNING_STOPPED = "SCANNING_STOPPED"
    SCANNING_COMPLETED = "SCANNING_COMPLETED"
    REPLICATION = "REPLICATION"
    TAG_RETENTION = "TAG_RETENTION"


class NotifyType(StrEnum):
    """How a target is told."""

    HTTP = "http"
    SLACK = "slack"


class PayloadFormat(StrEnum):
    """What is sent to a target of type http."""

    DEFAULT = "Default"
    CLOUD_EVENTS = "CloudEvents"


@dataclass(frozen=True, slots=True)
class Target:
    """Where deliveries of a policy go. ``auth_header`` goes out as ``Authorization``; "" for none.

    ``payload_format`` is "" for Slack, which has one of its own.
    """

    type: str
    address: str
    auth_header: str = ""
    skip_cert_verify: bool = False
    payload_format: str = ""


def name_checked(name: str) -> str:
    """The name of a policy; raises :class:`BadRequestError`."""
    if not name.strip() or len(name) > MAX_NAME or "\0" in name:
        raise BadRequestError(f"the name of a webhook policy must have 1 to {MAX_NAME} characters")
    return name


def description_checked(description: str) -> str:
    """The description of a policy; raises :class:`BadRequestError`."""
    if len(description) > MAX_DESCRIPTION or "\0" in description:
        raise BadRequestError(
            f"the description of a webhook policy must have at most {MAX_DESCRIPTION} characters"
        )
    return description


def event_types_checked(names: Iterable[str]) -> list[str]:
    """Event types, each once; raises :class:`BadRequestError`."""
    found = list(dict.fromkeys(names))
    if not found:
        raise BadRequestError("empty event type")
    for name in found:
        if name not in set(EventType):
            raise BadRequestError(f"unsupported event type {name[:64]}")
    return found


def targets_checked(targets: Sequence[Mapping[str, Any]]) -> list[Target]:
    """Targets as the API has them; raises :class:`BadRequestError`."""
    if not targets:
        raise BadRequestError("empty notification target")
    if len(targets) > MAX_TARGETS:
        raise BadRequestError(f"a webhook policy has at most {MAX_TARGETS} targets")
    return [_target(target) for target in targets]


def _target(target: Mapping[str, Any]) -> Target:
    kind, payload_format = target["type"], target["payload_format"]
    if kind not in set(NotifyType):
        raise BadRequestError(f"unsupported target type {kind[:64]}")
    if kind == NotifyType.SLACK and payload_format:
        raise BadRequestError("set payload format is not allowed for slack")
    if payload_format and payload_format not in set(PayloadFormat):
        raise BadRequestError(f"unsupported payload format type: {payload_format[:64]}")
    header = target["auth_header"]
    if len(header) > _MAX_HEADER or not _HEADER.fullmatch(header):
        raise BadRequestError(f"auth_header must be one line of at most {_MAX_HEADER} characters")
    return Target(
        type=kind,
        address=_address(target["address"]),
        auth_header=header,
        skip_cert_verify=target["skip_cert_verify"],
        payload_format=payload_format or (PayloadFormat.DEFAULT if kind == NotifyType.HTTP else ""),
    )


def _address(address: str) -> str:
    """As it came; without a scheme it is one of http, as in Harbor."""
    address = address.strip()
    if not address or len(address) > _MAX_ADDRESS or not address.isprintable() or " " in address:
        raise BadRequestError(f"the address of a target must be a URL of at most {_MAX_ADDRESS} characters")
    if "://" not in address:
        address = f"http://{address}"
    try:
        url_checked(address)
    except OutgoingError as error:
        raise BadRequestError(f"the address of a target cannot be used: {error}") from None
    return address
