"""The words of the audit log's rows, for readers; ``q`` and the API keep the names."""

from collections.abc import Mapping

from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from apps.portal.navigation import Text

OPERATION_WORDS: Mapping[str, Text] = {
    "create": pgettext_lazy("audit log", "create"),
    "delete": pgettext_lazy("audit log", "delete"),
    "update": pgettext_lazy("audit log", "update"),
    "pull": pgettext_lazy("audit log", "pull"),
    "restore": pgettext_lazy("audit log", "restore"),
    "activate": pgettext_lazy("audit log", "activate"),
    "deactivate": pgettext_lazy("audit log", "deactivate"),
    "login": pgettext_lazy("audit log", "sign in"),
    "logout": pgettext_lazy("audit log", "sign out"),
    "confirm": pgettext_lazy("audit log", "confirm"),
    "lock": pgettext_lazy("audit log", "lock"),
    "unlock": pgettext_lazy("audit log", "unlock"),
    "read": pgettext_lazy("audit log", "read"),
    "run": pgettext_lazy("audit log", "run"),
    "dry-run": pgettext_lazy("audit log", "dry run"),
    "stop": pgettext_lazy("audit log", "stop"),
    "pause": pgettext_lazy("audit log", "pause"),
    "resume": pgettext_lazy("audit log", "resume"),
}

RESOURCE_WORDS: Mapping[str, Text] = {
    "access-token": _("access token"),
    "artifact": _("artifact"),
    "artifact-label": _("label of an artifact"),
    "configuration": _("system settings"),
    "garbage-collection": _("garbage collection"),
    "immutable-rule": _("immutability rule"),
    "jobservice-monitor": _("job dashboard"),
    "label": _("label"),
    "member": _("member"),
    "notification-policy": _("webhook"),
    "project": _("project"),
    "purge_audit": _("log rotation"),
    "push-rules": _("push rules"),
    "quota": _("quota"),
    "repository": _("repository"),
    "robot": _("robot account"),
    "session": _("session"),
    "tag": _("tag"),
    "tag-retention": _("tag retention"),
    "trash": _("trash"),
    "user": _("user"),
    "usergroup": _("group"),
}
