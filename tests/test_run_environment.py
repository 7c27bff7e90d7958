"""What ``make run`` installs is enough to run: tests have more, and would not miss what is not there."""

import os
import subprocess
import sys
import tomllib
from importlib.metadata import packages_distributions, requires
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

_ROOT = Path(__file__).parents[1]

# Imports every module of ours, and what Celery imports by name where Redis is its broker, as if the packages of the first
# argument were not installed.
_PROGRAM = """
import importlib, pkgutil, sys

class Hidden:
    names = frozenset(sys.argv.pop(1).split(","))

    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in self.names:
            raise ModuleNotFoundError(f"{name} is not installed by make run", name=name)

sys.meta_path.insert(0, Hidden())
import django
django.setup()
import apps, harbor_py
for package in (apps, harbor_py):
    for module in pkgutil.walk_packages(package.__path__, package.__name__ + "."):
        try:
            importlib.import_module(module.name)
        except ModuleNotFoundError as error:
            # What the extra `ldap` is for; it was left alone when the apps were set up above.
            if not module.name.startswith("apps.ldap.") or error.name not in ("ldap", "django_auth_ldap"):
                raise
import kombu.transport.redis
"""


def _installed_to_run() -> set[str]:
    """Names of what the project's own requirements lead to."""
    project = tomllib.loads((_ROOT / "pyproject.toml").read_text())["project"]
    found: set[tuple[str, str]] = set()
    pending = [Requirement(text) for text in project["dependencies"]]
    while pending:
        asked = pending.pop()
        for extra in {"", *asked.extras}:
            if (key := (canonicalize_name(asked.name), extra)) in found:
                continue
            found.add(key)
            needed = (Requirement(text) for text in requires(asked.name) or ())
            pending += [one for one in needed if one.marker is None or one.marker.evaluate({"extra": extra})]
    return {name for name, _ in found}


def test_every_module_is_imported_without_what_only_developers_have(tmp_path: Path) -> None:
    kept = _installed_to_run()
    hidden = {
        module
        for module, names in packages_distributions().items()
        if not {canonicalize_name(name) for name in names} & {*kept, "harbor-py", "setuptools"}
    }
    assert "pytest" in hidden

    # Other tests leave settings of their services behind.
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("HARBOR_")}
    done = subprocess.run(
        [sys.executable, "-c", _PROGRAM, ",".join(sorted(hidden))],
        cwd=_ROOT,
        env=inherited | {"HARBOR_DATA_DIR": str(tmp_path), "DJANGO_SETTINGS_MODULE": "harbor_py.settings"},
        capture_output=True,
        text=True,
        timeout=120,
    )

    assert done.returncode == 0, done.stderr
