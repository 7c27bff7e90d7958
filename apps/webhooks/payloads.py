"""What a receiver is told of an event: ``event_data`` as Harbor writes it."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

import orjson

from apps.common.origin import current_host
from apps.events.catalogue import RetentionFinished
from apps.projects.models import Project

_MOST_RESOURCES = 100
_RULE_KEYS = ("template", "params", "tag_selectors", "scope_selectors")


def repository_data(*, name: str, project: Project, created: datetime | None) -> dict[str, Any]:
    """A repository; ``created`` is None where that is not known any more."""
    found: dict[str, Any] = {} if created is None else {"date_created": int(created.timestamp())}
    return found | {
        "name": name.partition("/")[2] or name,
        "namespace": project.name,
        "repo_full_name": name,
        "repo_type": "public" if project.public else "private",
    }


def artifact_data(
    *, name: str, digest: str, tags: Sequence[str], project: Project, created: datetime | None
) -> dict[str, Any]:
    """An artifact of the repository ``name``: a resource for each tag, or one for its digest."""
    return {
        "resources": [
            {"digest": digest, "tag": reference, "resource_url": resource_url(name, reference)}
            for reference in (tuple(tags)[:_MOST_RESOURCES] or (digest,))
        ],
        "repository": repository_data(name=name, project=project, created=created),
    }


def resource_url(name: str, reference: str) -> str:
    """What ``docker pull`` is given."""
    return f"{current_host()}/{name}{'@' if ':' in reference else ':'}{reference}"


def quota_data(*, repository_name: str, project: Project, details: str) -> dict[str, Any]:
    """A quota; ``repository_name`` "" is the project's, where no repository is known."""
    name = repository_name or project.name
    return {
        "repository": repository_data(name=name, project=project, created=None),
        "custom_attributes": {"Details": details},
    }


def retention_data(event: RetentionFinished) -> dict[str, Any]:
    """The end of a retention of one repository."""
    rules: Iterable[dict[str, Any]] = orjson.loads(event.rules)
    path = event.repository_name.partition("/")[2]
    return {
        "retention": {
            "total": event.total,
            "retained": event.retained,
            "harbor_hostname": urlsplit(f"//{current_host()}").hostname,
            "project_name": event.project_name,
            "retention_policy_id": event.policy_id,
            "retention_rule": [{name: rule[name] for name in _RULE_KEYS if rule.get(name)} for rule in rules],
            "result": event.status.upper(),
            "deleted_artifact": [
                {
                    "type": "image",
                    "status": event.status.upper(),
                    "name_tag": f"{path}:{one.tags[0]}" if one.tags else f"{path}@{one.digest}",
                }
                for one in event.deleted
            ],
        }
    }
