"""The files behind the pages: whole, cached, and light."""

import gzip
from pathlib import Path
from urllib.parse import urljoin

import pytest

from tests.portal.conftest import Browse

_STATIC = Path(__file__).parents[2] / "apps/portal/static"
_VENDOR = _STATIC / "vendor"
_MOST = 300_000
_COMPRESSIBLE = sorted(path for path in _VENDOR.glob("*/*") if path.suffix in {".css", ".js", ".svg"})


@pytest.mark.parametrize("path", _COMPRESSIBLE, ids=lambda path: path.name)
def test_the_compressed_copy_is_that_of_the_file(path: Path) -> None:
    """``make static`` makes it again."""
    assert gzip.decompress(path.with_name(f"{path.name}.gz").read_bytes()) == path.read_bytes()


def test_every_folder_of_others_has_its_licence_and_is_listed() -> None:
    listed = (_VENDOR / "README.md").read_text()
    folders = [path for path in _VENDOR.iterdir() if path.is_dir()]
    assert len(folders) >= 4
    for folder in folders:
        assert (folder / "LICENSE").stat().st_size > 200
        assert f"`{folder.name}`" in listed


@pytest.mark.parametrize("path", ["/account/sign-in", "/harbor/projects", "/harbor/statistics"])
def test_a_first_view_is_light(browse: Browse, path: str) -> None:
    browser = browse("anonymous" if path == "/account/sign-in" else "sysadmin")
    page = browser.open(path)
    assert page.status == 200
    files = {
        urljoin(path, str(tag.get("src") or tag.get("href")))
        for tag in page.document.select("script[src], head link")
    }
    icons = {str(use["href"]).partition("#")[0] for use in page.document.select("use")}
    assert len(files) >= 5
    sent = 0
    for url in [path, *files, *icons]:
        with browser.client.stream("GET", url, headers={"Accept-Encoding": "gzip"}) as answer:
            assert answer.status_code == 200, url
            sent += sum(len(chunk) for chunk in answer.iter_raw())
    assert sent < _MOST


def test_files_of_others_are_kept_by_browsers(browse: Browse) -> None:
    client = browse("anonymous").client
    for path in _COMPRESSIBLE:
        answer = client.get(f"/static/{path.relative_to(_STATIC)}", headers={"Accept-Encoding": "gzip"})
        assert answer.headers["Cache-Control"].endswith("immutable"), path
        assert answer.headers["Content-Encoding"] == "gzip"
    own = client.get("/static/portal/portal.js")
    assert "immutable" not in own.headers["Cache-Control"]


def test_pages_name_only_files_that_are_there(browse: Browse) -> None:
    """A sprite without the icon shows nothing, and nobody notices."""
    sprite = (_VENDOR / "tabler-icons-3.52.0/sprite.svg").read_text()
    templates = list((_STATIC.parent / "templates").rglob("*.html"))
    assert templates
    for template in templates:
        for part in template.read_text().split('{% icon "')[1:]:
            name = part.partition('"')[0]
            assert f'id="{name}"' in sprite, (template.name, name)
    page = browse("sysadmin").open("/harbor/projects")
    for use in page.document.select("use"):
        assert f'id="{str(use["href"]).partition("#")[2]}"' in sprite
