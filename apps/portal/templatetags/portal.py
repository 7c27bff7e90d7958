"""What the templates of the portal need besides Django's own: icons, sizes, times, sorted headers, copied text."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from django import template
from django.templatetags.static import static
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from apps.jobs.types import Status, Trigger, VendorType
from apps.portal.log_words import OPERATION_WORDS, RESOURCE_WORDS
from apps.projects.models import Label
from apps.projects.types import Role

register = template.Library()

_UNITS = ("KiB", "MiB", "GiB", "TiB", "PiB")
_ROLES = {
    Role.PROJECT_ADMIN: gettext_lazy("Project admin"),
    Role.MAINTAINER: gettext_lazy("Maintainer"),
    Role.DEVELOPER: gettext_lazy("Developer"),
    Role.GUEST: gettext_lazy("Guest"),
    Role.LIMITED_GUEST: gettext_lazy("Limited guest"),
}
# How each looks, and what it is called.
_STATUS = {
    Status.SUCCESS: ("green", gettext_lazy("Success")),
    Status.ERROR: ("red", gettext_lazy("Error")),
    Status.STOPPED: ("orange", gettext_lazy("Stopped")),
    Status.RUNNING: ("blue", gettext_lazy("Running")),
    Status.PENDING: ("secondary", gettext_lazy("Pending")),
    Status.SCHEDULED: ("secondary", gettext_lazy("Scheduled")),
}
_VENDORS = {
    VendorType.GARBAGE_COLLECTION: gettext_lazy("Garbage collection"),
    VendorType.PURGE_AUDIT_LOG: gettext_lazy("Log rotation"),
    VendorType.P2P_PREHEAT: gettext_lazy("Preheating"),
    VendorType.IMAGE_SCAN: gettext_lazy("Scan"),
    VendorType.REPLICATION: gettext_lazy("Replication"),
    VendorType.RETENTION: gettext_lazy("Tag retention"),
    VendorType.SCAN_DATA_EXPORT: gettext_lazy("Export of scan results"),
    VendorType.SCHEDULER: gettext_lazy("Schedules"),
    VendorType.SLACK: gettext_lazy("Webhooks to Slack"),
    VendorType.SYSTEM_ARTIFACT_CLEANUP: gettext_lazy("Clean-up of system artifacts"),
    VendorType.WEBHOOK: gettext_lazy("Webhooks"),
    VendorType.EXECUTION_SWEEP: gettext_lazy("Clean-up of old executions"),
    VendorType.AUDIT_LOGS_GDPR_COMPLIANT: gettext_lazy("Names of deleted users in the audit log"),
}
_TRIGGERS = {
    Trigger.MANUAL: gettext_lazy("by hand"),
    Trigger.SCHEDULE: gettext_lazy("by schedule"),
    Trigger.EVENT: gettext_lazy("by an event"),
}


@register.simple_tag
def icon(name: str) -> SafeString:
    """An icon of the sprite, for the eye only: the words beside it say the same."""
    url = static("vendor/tabler-icons-3.52.0/sprite.svg")
    return format_html('<svg class="icon" aria-hidden="true"><use href="{}#{}"/></svg>', url, name)


@register.filter
def size(count: int | None) -> str:
    """A number of bytes for people: ``1.5 GiB``; -1, which stands for no limit, in words."""
    if count is None:
        return ""
    if count < 0:
        return _("unlimited")
    if count < 1024:
        return f"{count} B"
    power = min((count.bit_length() - 1) // 10, len(_UNITS))
    return f"{count / 1024**power:.1f}".removesuffix(".0") + f" {_UNITS[power - 1]}"


@register.filter
def moment(value: datetime | float | None) -> SafeString | str:
    """A time: in UTC as it is sent, in the viewer's own zone once the page's script has seen it."""
    if not value:
        return "-"
    at = value if isinstance(value, datetime) else datetime.fromtimestamp(value, UTC)
    at = at.astimezone(UTC)
    return format_html(
        '<time datetime="{}">{} UTC</time>', at.isoformat(timespec="seconds"), f"{at:%Y-%m-%d %H:%M}"
    )


@register.filter
def role_name(role: Role | int | None) -> str:
    """A role in words; "" for none."""
    return str(_ROLES[Role(role)]) if role else ""


@register.filter
def trigger_name(trigger: str) -> str:
    """What began an execution, in words."""
    return str(_TRIGGERS.get(Trigger(trigger), trigger)) if trigger in set(Trigger) else trigger


@register.filter
def vendor_name(vendor_type: str) -> str:
    """A kind of work in words."""
    return str(_VENDORS[VendorType(vendor_type)]) if vendor_type in set(VendorType) else vendor_type


@register.filter
def operation_word(operation: str) -> str:
    """An operation of the audit log in words."""
    return str(OPERATION_WORDS.get(operation, operation))


@register.filter
def resource_word(resource_type: str) -> str:
    """A kind of resource of the audit log in words."""
    return str(RESOURCE_WORDS.get(resource_type, resource_type))


@register.filter
def span(seconds: int) -> str:
    """A time in words, in its two largest units."""
    hours, minutes = seconds // 3600, seconds // 60 % 60
    if hours:
        return _("%(hours)d h %(minutes)d min") % {"hours": hours, "minutes": minutes}
    if minutes:
        return _("%(minutes)d min %(seconds)d s") % {"minutes": minutes, "seconds": seconds % 60}
    return _("%(seconds)d s") % {"seconds": seconds}


@register.simple_tag
def duration(start: datetime | None, end: datetime | None) -> str:
    """How long something took; "-" until it has ended."""
    if start is None or end is None:
        return "-"
    return span(max(round((end - start).total_seconds()), 0))


@register.filter
def short(digest: str) -> str:
    """A digest that one can tell from its neighbours: ``sha256:0123456789ab``."""
    algorithm, _colon, hexadecimal = digest.partition(":")
    return f"{algorithm}:{hexadecimal[:12]}"


@register.simple_tag
def copy(text: str, label: str = "") -> SafeString:
    """A button that copies ``text``; without JavaScript it does nothing, and the text is there to be marked."""
    return format_html(
        '<button type="button" class="btn btn-icon btn-sm btn-ghost-secondary" data-copy="{}" title="{}" aria-label="{}">{}</button>',
        text,
        label or _("Copy"),
        label or _("Copy"),
        icon("copy"),
    )


@register.simple_tag
def command(text: str) -> SafeString:
    """A line for a shell, with a button that copies it."""
    return format_html(
        '<div class="command"><code>{}</code>{}</div>', text, copy(text, _("Copy the command"))
    )


@register.simple_tag
def status_badge(status: str) -> SafeString:
    """A job's status as a badge."""
    colour, word = _STATUS[Status(status)]
    return format_html('<span class="badge bg-{}-lt">{}</span>', colour, word)


@register.simple_tag
def colour_dot(colour: str) -> SafeString:
    """A spot of any colour that a label may have; an empty ring without one. The words beside it say what it is."""
    return format_html(
        '<svg class="colour-dot" viewBox="0 0 12 12" aria-hidden="true"><circle cx="6" cy="6" r="5" fill="{}"/></svg>',
        colour or "none",
    )


@register.simple_tag
def label_badge(label: Label) -> SafeString:
    """A label as it is shown wherever something bears it."""
    return format_html(
        '<span class="badge badge-outline text-reset label-badge" title="{}">{} {}</span>',
        label.description,
        colour_dot(label.color),
        label.name,
    )


@register.simple_tag(takes_context=True)
def sort_header(context: Mapping[str, Any], name: str, label: str) -> SafeString:
    """The head of a column that one can sort by; the second click turns the order."""
    page, request = context["page"], context["request"]
    query = request.GET.copy()
    for gone in ("page", "cursor"):
        query.pop(gone, None)
    query["sort"] = f"-{name}" if page.sort == name else name
    state = {name: "ascending", f"-{name}": "descending"}.get(page.sort, "none")
    css = {"ascending": "asc", "descending": "desc"}.get(state, "")
    return format_html(
        '<th scope="col" aria-sort="{}"><a class="table-sort {}" href="?{}">{}</a></th>',
        state,
        css,
        query.urlencode(),
        label,
    )


@register.simple_tag(takes_context=True)
def query_with(context: Mapping[str, Any], **changes: Any) -> str:
    """The query of this page's URL with some values changed, from its first page."""
    query = context["request"].GET.copy()
    for gone in ("page", "cursor"):
        query.pop(gone, None)
    for name, value in changes.items():
        if value in ("", None):
            query.pop(name, None)
        else:
            query[name] = str(value)
    return f"?{query.urlencode()}"


@register.inclusion_tag("portal/parts/empty.html")
def empty(title: str, text: str = "", icon_name: str = "box") -> Mapping[str, str]:
    """What stands where a list has no rows."""
    return {"title": title, "text": text, "icon_name": icon_name}


@register.inclusion_tag("portal/parts/progress.html")
def progress(value: int, most: int, label: str) -> Mapping[str, Any]:
    """A bar that is ``value`` of ``most`` long (nothing for no limit); ``label`` names it for who cannot see it."""
    percent = min(100, round(100 * value / most)) if most > 0 else 0
    return {
        "percent": percent,
        "label": label,
        "colour": "red" if percent >= 95 else "orange" if percent >= 85 else "primary",
    }


@register.inclusion_tag("portal/parts/chart.html", takes_context=True)
def chart(
    context: Mapping[str, Any],
    name: str,
    kind: str,
    title: str,
    labels: Sequence[str],
    series: Mapping[str, Sequence[float]],
    unit: str = "",
) -> Mapping[str, Any]:
    """A chart (``line``, ``bar`` or ``doughnut``), and its numbers as a table for who reads without it.

    ``unit`` is "bytes" for sizes; ``name`` is the element's id.
    """
    data = {
        "kind": kind,
        "labels": list(labels),
        "series": {key: list(values) for key, values in series.items()},
        "unit": unit,
    }
    rows = [(label, [values[at] for values in series.values()]) for at, label in enumerate(labels)]
    return {
        "name": name,
        "title": title,
        "data": data,
        "rows": rows,
        "heads": list(series),
        "unit": unit,
        "theme": context.get("theme", ""),
    }
