"""Purges of the audit log: ``/system/purgeaudit``."""

from apps.api.executions import Work, WorkListView, WorkLogView, WorkScheduleView, WorkView
from apps.audit.purge import PURGES, purge_request, purge_stop

_WORK = Work(reads=PURGES, request=purge_request, stop=purge_stop, id_name="purge_id")


class PurgesView(WorkListView):
    """``/system/purgeaudit``."""

    work = _WORK


class PurgeView(WorkView):
    """``/system/purgeaudit/{purge_id}``."""

    work = _WORK


class PurgeLogView(WorkLogView):
    """``/system/purgeaudit/{purge_id}/log``."""

    work = _WORK


class PurgeScheduleView(WorkScheduleView):
    """``/system/purgeaudit/schedule``."""

    work = _WORK
