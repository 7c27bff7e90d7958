"""Both languages are complete, and what is compiled is what is written."""

import gettext
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

_APPS = Path(__file__).parents[2] / "apps"
_CATALOGUE = Path("portal/locale/zh_Hans/LC_MESSAGES/django.po")


@pytest.fixture(scope="module")
def collected(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The catalogue as `make messages` would write it now, of a copy of the sources."""
    root = tmp_path_factory.mktemp("sources")
    shutil.copytree(_APPS, root / "apps", ignore=shutil.ignore_patterns("__pycache__", "static", "*.mo"))
    shutil.copytree(
        _APPS.parent / "harbor_py", root / "harbor_py", ignore=shutil.ignore_patterns("__pycache__")
    )
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("HARBOR_")},
        "DJANGO_SETTINGS_MODULE": "harbor_py.settings",
        "PYTHONPATH": str(root),
        "HARBOR_DATA_DIR": str(root / "data"),
    }
    options = ("--locale", "zh_Hans", "--no-location", "--no-obsolete", "--no-wrap")
    done = subprocess.run(
        [sys.executable, "-P", "-m", "django", "makemessages", *options],
        cwd=root / "apps",
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return root / "apps" / _CATALOGUE


def _compiled(catalogue: Path, folder: Path) -> dict[object, str]:
    target = folder / "messages.mo"
    subprocess.run(["msgfmt", "--check-format", "-o", str(target), str(catalogue)], check=True)
    return _read(target)


def _read(path: Path) -> dict[object, str]:
    with path.open("rb") as file:
        catalogue: dict[object, str] = gettext.GNUTranslations(file)._catalog
    return {key: text for key, text in catalogue.items() if key != ""}


def test_everything_is_translated(collected: Path) -> None:
    """Collected anew there is nothing that lacks a translation, is a guess, or lost what is filled in."""
    done = subprocess.run(
        ["msgfmt", "--check-format", "--statistics", "-o", os.devnull, str(collected)],
        capture_output=True,
        text=True,
        check=True,
    )
    assert re.fullmatch(r"[1-9]\d* translated messages\.\n", done.stderr), done.stderr


def test_the_compiled_catalogue_is_that_of_the_texts(collected: Path, tmp_path: Path) -> None:
    """``make messages`` compiles it again."""
    written = _APPS / _CATALOGUE
    assert _read(written.with_suffix(".mo")) == _compiled(written, tmp_path)
    assert set(_read(written.with_suffix(".mo"))) == set(_compiled(collected, tmp_path))
