"""The house stands as `docs/architecture.md` draws it: floors, file and function lengths."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest
from django.apps import apps as django_apps
from django.db import models

_ROOT = Path(__file__).parent.parent
_LONGEST_FILE = 400
_LONGEST_FUNCTION = 60
_FLOORS = {
    "distribution": 7,
    "api": 7,
    "portal": 7,
    "catalog": 6,
    "usage": 6,
    "quotas": 5,
    "immutability": 5,
    "retention": 5,
    "scanning": 5,
    "signing": 5,
    "proxycache": 5,
    "replication": 5,
    "webhooks": 5,
    "audit": 5,
    "gc": 5,
    "preheat": 5,
    "push_rules": 5,
    "artifacts": 4,
    "access_tokens": 4,
    "robots": 4,
    "registries": 4,
    "projects": 3,
    "ldap": 3,
    "oidc": 3,
    "http_auth": 3,
    "accounts": 2,
    "jobs": 2,
    "events": 1,
    "storage": 1,
    "config": 1,
    "common": 0,
}


def _own_models() -> list[type[models.Model]]:
    own = [model for model in django_apps.get_models() if model.__module__.startswith("apps.")]
    assert own, "Django has not loaded the models"
    return own


def _sources() -> list[Path]:
    paths = [path for folder in ("apps", "harbor_py") for path in sorted((_ROOT / folder).rglob("*.py"))]
    return [path for path in paths if "migrations" not in path.parts]


def test_every_app_has_a_floor() -> None:
    names = {config.label for config in django_apps.get_app_configs() if config.name.startswith("apps.")}

    assert names <= _FLOORS.keys()


def test_no_foreign_key_points_up_or_sideways() -> None:
    wrong = []
    for model in _own_models():
        owner = model._meta.app_label
        for field in model._meta.get_fields():
            if not isinstance(field, (models.ForeignKey, models.ManyToManyField)):
                continue
            target = field.related_model._meta.app_label
            if target in _FLOORS and target != owner and _FLOORS[target] >= _FLOORS[owner]:
                wrong.append(f"{model.__name__}.{field.name} ({owner}) -> {target}")

    assert wrong == []


@pytest.mark.parametrize("path", _sources(), ids=lambda path: str(path.relative_to(_ROOT)))
def test_files_and_functions_are_short(path: Path) -> None:
    text = path.read_text("utf-8")

    assert len(text.splitlines()) <= _LONGEST_FILE
    too_long = [
        f"{node.name}: {node.end_lineno - node.lineno + 1} lines"
        for node in ast.walk(ast.parse(text))
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))
        and node.end_lineno is not None
        and node.end_lineno - node.lineno + 1 > _LONGEST_FUNCTION
    ]
    assert too_long == []


def test_imports_go_down() -> None:
    program = Path(sys.executable).with_name("lint-imports")
    done = subprocess.run([str(program)], cwd=_ROOT, capture_output=True, text=True, timeout=120)

    assert done.returncode == 0, done.stdout + done.stderr


def test_the_import_contracts_have_no_exceptions() -> None:
    assert "ignore_imports" not in (_ROOT / "pyproject.toml").read_text("utf-8")
