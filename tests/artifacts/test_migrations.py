"""Migrations that do not write their table anew, as Django's would on SQLite."""

import pytest
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from apps.artifacts.models import Artifact, TrashedArtifact
from tests.distribution.documents import manifest_of
from tests.distribution.inside import Place

pytestmark = pytest.mark.django_db(transaction=True)

_BEFORE = [("artifacts", "0007_collection_index")]
_AFTER = [("artifacts", "0008_deactivated_reason")]


def _columns(table: str) -> set[str]:
    with connection.cursor() as cursor:
        return {one.name for one in connection.introspection.get_table_description(cursor, table)}


def test_the_reason_comes_and_goes(place: Place) -> None:
    place.push(image := manifest_of(), tag="v1")
    tables = (Artifact._meta.db_table, TrashedArtifact._meta.db_table)
    try:
        MigrationExecutor(connection).migrate(_BEFORE)
        assert not any("deactivated_reason" in _columns(table) for table in tables)
    finally:
        MigrationExecutor(connection).migrate(_AFTER)
    assert all("deactivated_reason" in _columns(table) for table in tables)
    assert Artifact.objects.get().digest == image.digest
    assert Artifact.objects.get().deactivated_reason == ""
    place.push(other := manifest_of(), tag="v2")
    assert Artifact.objects.get(digest=other.digest).deactivated_reason == ""
