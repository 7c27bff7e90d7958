"""Garbage collection: ``/system/gc``."""

from apps.api.executions import Work, WorkListView, WorkLogView, WorkScheduleView, WorkView
from apps.gc.selectors import COLLECTIONS
from apps.gc.services import collection_request, collection_stop

_WORK = Work(reads=COLLECTIONS, request=collection_request, stop=collection_stop, id_name="gc_id")


class CollectionsView(WorkListView):
    """``/system/gc``."""

    work = _WORK


class CollectionView(WorkView):
    """``/system/gc/{gc_id}``."""

    work = _WORK


class CollectionLogView(WorkLogView):
    """``/system/gc/{gc_id}/log``."""

    work = _WORK


class CollectionScheduleView(WorkScheduleView):
    """``/system/gc/schedule``."""

    work = _WORK
