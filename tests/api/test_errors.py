"""The error table, and what a caller sees when something broke."""

import logging
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from django.apps import apps
from django.db import OperationalError
from django.test import Client

from apps.api.errors import STATUS, exception_handler
from apps.catalog import health
from apps.common.configuration import Configuration
from apps.common.errors import DomainError
from apps.oci.errors import OciError, RangeInvalidError
from apps.storage.selectors import get_driver

# Of the data plane alone: no operation here raises them.
_ELSEWHERE = {"BLOB_UPLOAD_UNKNOWN", "BLOB_UPLOAD_INVALID"}


def _kinds(base: type[Exception]) -> Iterator[type[Exception]]:
    for kind in base.__subclasses__():
        yield kind
        yield from _kinds(kind)


def test_every_domain_error_has_a_status() -> None:
    for config in apps.get_app_configs():
        if config.name.startswith("apps.") and (Path(config.path) / "errors.py").exists():
            import_module(f"{config.name}.errors")
    kinds = [
        kind
        for base in (DomainError, OciError)
        for kind in _kinds(base)
        if kind.__module__.startswith("apps.")
        and not kind.__module__.startswith("apps.distribution.")
        and not issubclass(kind, RangeInvalidError)
    ]
    codes = {str(getattr(kind, "code")) for kind in kinds} - {"UNKNOWN"} - _ELSEWHERE  # noqa: B009 (two bases)
    assert len(codes) > 10
    assert codes <= set(STATUS)


@pytest.mark.parametrize("error", [RuntimeError("a secret"), DomainError("a secret"), OSError(5, "a secret")])
def test_nothing_of_a_defect_gets_out_and_all_of_it_is_logged(
    error: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.ERROR):
        response = exception_handler(error, {})
    assert response.status_code == 500
    assert response.data == {"errors": [{"code": "UNKNOWN", "message": "internal server error"}]}
    (record,) = caplog.records
    assert record.exc_info
    assert record.exc_info[1] is error


def test_a_database_that_is_away_is_worth_another_try() -> None:
    response = exception_handler(OperationalError("connection to 10.0.0.1 refused"), {})
    assert response.status_code == 503
    assert response.data == {"errors": [{"code": "UNKNOWN", "message": "internal server error"}]}


@pytest.mark.django_db
def test_health_is_503_and_says_what_is_broken_without_details(
    settings: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(health, "_last", [])
    folder = tmp_path / "storage"
    folder.write_text("not a folder")
    settings.HARBOR = Configuration(data_dir=tmp_path, storage_url=f"file://{folder}")
    get_driver.cache_clear()
    try:
        answer = Client().get("/api/v2.0/health")
    finally:
        get_driver.cache_clear()
        health._last.clear()
    assert answer.status_code == 503
    assert answer.json() == {
        "status": "unhealthy",
        "components": [
            {"name": "core", "status": "healthy"},
            {"name": "jobservice", "status": "unhealthy", "error": "no background process is alive"},
            {"name": "database", "status": "healthy"},
            {"name": "registry", "status": "unhealthy", "error": "the blob storage cannot be used"},
        ],
    }


def test_health_without_a_database() -> None:
    health._last.clear()
    # pytest-django blocks the database for a test that does not ask for it: any error will do.
    answer = Client().get("/api/v2.0/health")
    health._last.clear()
    assert answer.status_code == 503
    assert {c["name"]: c["status"] for c in answer.json()["components"]}["database"] == "unhealthy"
