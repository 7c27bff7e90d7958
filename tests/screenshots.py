"""``python -m tests.screenshots``: pictures of the portal's pages in both languages and themes, for the documentation.

A server is started and furnished; what there was in ``docs/screenshots`` is replaced. Main pages are shown in each
language and theme and some of them on a phone, the others once: together they stay small.
"""

import io
import json
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import click
from PIL import Image
from playwright.sync_api import Browser, Page, sync_playwright

from tests.support.accounts import Person, Role, api, make_user
from tests.support.browsing import SIGN_IN
from tests.support.furnished import Furnished, furnish
from tests.support.portal_pages import PAGES, Kind
from tests.support.programs import need
from tests.support.server import HarborServer

FOLDER = Path(__file__).parents[1] / "docs" / "screenshots"
_SIZE = {"width": 1280, "height": 800}
_PHONE = {"width": 390, "height": 844}
_ON_PHONE = ("projects", "project", "artifacts", "artifact", "retention", "logs", "statistics")
_COLOURS = 64
_DAYS = 30
_VARIANTS = (("en", "light"), ("en", "dark"), ("zh-hans", "light"), ("zh-hans", "dark"))
_P = "/harbor/projects/{project_id}"
_MAIN = {
    "projects": "/harbor/projects",
    "project": f"{_P}/summary",
    "first-steps": "/harbor/projects/{empty_project_id}/summary",
    "repositories": f"{_P}/repositories",
    "artifacts": f"{_P}/repositories/{{repository}}",
    "artifact": f"{_P}/repositories/{{repository}}/-/artifacts/{{digest}}",
    "layers": f"{_P}/repositories/{{repository}}/-/artifacts/{{digest}}/layers",
    "members": f"{_P}/members",
    "robots": f"{_P}/robots",
    "retention": f"{_P}/tag-strategy/tag-retention",
    "retention-run": f"{_P}/tag-strategy/tag-retention/executions/{{retention_run}}/tasks/{{retention_task}}",
    "webhook": f"{_P}/webhook/{{policy_id}}",
    "trash": f"{_P}/trash",
    "logs": "/harbor/logs",
    "quotas": "/harbor/quotas",
    "collection": "/harbor/gc/{collection}",
    "jobs": "/harbor/jobs",
    "statistics": "/harbor/statistics",
    "settings": "/harbor/system-settings",
}


@dataclass
class Gallery:
    """Takes pictures, and remembers of what."""

    furnished: Furnished
    pictures: dict[str, list[tuple[str, str]]] = field(default_factory=dict)

    def take(self, page: Page, variant: str, name: str, template: str) -> None:
        """One picture, into the folder of the variant; none of a page that leads on to the projects."""
        asked = template.format_map(self.furnished.places)
        page.goto(asked)
        page.wait_for_load_state("networkidle")
        if urlsplit(page.url).path == _MAIN["projects"] != asked:
            return
        heading = page.locator("h1").first.inner_text().strip()
        path = FOLDER / variant / f"{name}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(_small(page.screenshot()))
        self.pictures.setdefault(variant, []).append((name, f"{heading}: {page.title().partition(' · ')[0]}"))

    def index(self) -> str:
        """The list of all of them."""
        lines = ["# Screenshots of the portal", "", "Made by `make screenshots`; do not edit.", ""]
        for variant, pictures in self.pictures.items():
            lines += [
                f"## {variant}",
                "",
                *(f"- [{title}]({variant}/{name}.png)" for name, title in pictures),
                "",
            ]
        return "\n".join(lines)


def main() -> None:
    """Start, furnish, take the pictures, and say how large they are."""
    if not subprocess.run(["fc-list", ":lang=zh"], capture_output=True, check=True).stdout:
        raise click.ClickException("no font has Chinese characters: install fonts-wqy-microhei")
    with HarborServer() as server:
        furnished = _furnish(server)
        shutil.rmtree(FOLDER, ignore_errors=True)
        gallery = Gallery(furnished)
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=need("chromium"), args=["--no-sandbox"])
            for language, theme in _VARIANTS:
                with _window(browser, server, language, theme) as page:
                    gallery.take(page, f"{language}-{theme}", "sign-in", SIGN_IN)
                    _sign_in(page, server.admin)
                    for name, template in _MAIN.items():
                        gallery.take(page, f"{language}-{theme}", name, template)
                    if (language, theme) == _VARIANTS[0]:
                        for name, template in _others():
                            gallery.take(page, f"{language}-{theme}", name, template)
            with _window(browser, server, "zh-hans", "light", _PHONE) as page:
                _sign_in(page, server.admin)
                for name in _ON_PHONE:
                    gallery.take(page, "phone", name, _MAIN[name])
            browser.close()
    (FOLDER / "README.md").write_text(gallery.index(), "utf-8")
    sizes = [path.stat().st_size for path in FOLDER.rglob("*.png")]
    click.echo(f"{len(sizes)} pictures, {sum(sizes) / 1e6:.1f} MB, in {FOLDER}")


def _others() -> Iterator[tuple[str, str]]:
    """The pages that are shown once, with names out of their addresses."""
    shown = {SIGN_IN, *_MAIN.values()}
    for page in PAGES:
        if page.kind is Kind.PAGE and "sysadmin" in page.reads and page.template not in shown:
            words = (
                page.template.removeprefix("/harbor/")
                .replace("projects/{project_id}/", "project/")
                .partition("?")[0]
            )
            yield (
                "more-" + "-".join(word.strip("{}") for word in words.strip("/").split("/") if word != "-"),
                page.template,
            )


def _furnish(server: HarborServer) -> Furnished:
    """People with names, a message to all of them, and a month in which the registry was used."""
    roles = {
        "chen": Role.PROJECT_ADMIN,
        "ada": Role.MAINTAINER,
        "bela": Role.DEVELOPER,
        "dana": Role.GUEST,
    }
    with api(server.url, server.admin) as client:
        members = {role: make_user(client, name=name) for name, role in roles.items()}
        admin = replace(server.admin, id=client.get("/users/current").json()["user_id"])
        furnished = furnish(server.url, server.admin, members, name="atlas", empty="sandbox", user=admin)
        banner = {"message": "The registry moves on Sunday from 8 to 9.", "type": "info", "closable": True}
        answer = client.put("/configurations", json={"banner_message": json.dumps(banner)})
        answer.raise_for_status()
    _use(server, furnished.places["project_id"])
    return furnished


def _use(server: HarborServer, project_id: int) -> None:
    """Figures of the days until yesterday; a server has none of the time before it was started."""
    today = datetime.now(UTC).date()
    pulls = 0
    for at in range(_DAYS):
        day = today - timedelta(days=_DAYS - at)
        # Fewer on Saturdays and Sundays.
        pulled = (90 + 7 * at) // (1 if day.weekday() < 5 else 6)
        pulls += pulled
        stored, artifacts = (20 + at * 2 + at % 5) * 1024, 3 + at // 5
        server.query(
            "INSERT INTO usage_sample (project_id, day, storage, artifact_count, pull_count)"
            f" VALUES ({project_id}, '{day}', {stored}, {artifacts}, {pulls})"
        )
        server.query(
            "INSERT INTO usage_total (day, storage, artifact_count, pulls)"
            f" VALUES ('{day}', {stored}, {artifacts}, {pulled})"
        )


@contextmanager
def _window(
    browser: Browser, server: HarborServer, language: str, theme: str, size: Mapping[str, int] = _SIZE
) -> Iterator[Page]:
    options: Mapping[str, Any] = {"color_scheme": theme, "locale": language, "viewport": size}
    context = browser.new_context(base_url=server.url, timezone_id="UTC", reduced_motion="reduce", **options)
    yield context.new_page()
    context.close()


def _sign_in(page: Page, person: Person) -> None:
    page.goto(SIGN_IN)
    page.locator("[name=username]").fill(person.name)
    page.locator("[name=password]").fill(person.password)
    page.locator("main button[type=submit]").click()
    page.wait_for_url("**/harbor/projects")
    # The message of the first picture: not above each of the others.
    with page.expect_response("**/account/banner"):
        page.locator(".banner button").click()


def _small(picture: bytes) -> bytes:
    """The same with few colours."""
    buffer = io.BytesIO()
    Image.open(io.BytesIO(picture)).convert("RGB").quantize(_COLOURS).save(buffer, "PNG", optimize=True)
    return buffer.getvalue()


if __name__ == "__main__":
    main()
