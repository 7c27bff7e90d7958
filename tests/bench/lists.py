"""``python -m tests.bench.lists``: how long lists take on a database that `harbor-py seed` has filled.

For each case: the first page, the pages after it, and pages far away, the latter two as a client reaches them by
``Link``. The worst come first; exits with 1 if a 95th percentile is over the goal.
"""

import argparse
import base64
import json
import re
import statistics
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import click

from tests.bench.client import Answer, Connection, HttpError
from tests.bench.list_cases import Case, Place, get_cases, list_cases, page_cases
from tests.support.accounts import Person
from tests.support.browsing import Browser
from tests.support.server import ADMIN_PASSWORD, HarborServer

_BASE = "/api/v2.0"
_PORTAL = "/harbor/"
_SESSION_COOKIE = "sid"
_FAR = 5_000
_NEXT = re.compile(r'<([^>]+)>; rel="next"')


@dataclass(slots=True)
class Figures:
    """Milliseconds of one case by kind of page; ``error`` says why there are none."""

    case: str
    rows: str = ""
    first: list[float] = field(default_factory=list)
    following: list[float] = field(default_factory=list)
    last: list[float] = field(default_factory=list)
    error: str = ""

    @property
    def worst(self) -> float:
        """The largest 95th percentile."""
        return max(
            (percentile(part, 95) for part in (self.first, self.following, self.last) if part), default=0.0
        )


def percentile(samples: list[float], share: int) -> float:
    """``share`` of 100 of the samples are not above it."""
    if len(samples) < 2:
        return samples[0] if samples else 0.0
    return statistics.quantiles(samples, n=100, method="inclusive")[share - 1]


class Driver:
    """One client over one connection."""

    def __init__(self, host: str, user: str, password: str, *, samples: int) -> None:
        pair = base64.b64encode(f"{user}:{password}".encode()).decode()
        self._headers: Mapping[str, str] = {"Authorization": f"Basic {pair}"}
        with Browser(f"http://{host}", Person(user, password)) as browser:
            session = browser.client.cookies[_SESSION_COOKIE]
        self._session: Mapping[str, str] = {"Cookie": f"{_SESSION_COOKIE}={session}"}
        self._connection = Connection(host)
        self._samples = samples

    def get(self, path: str) -> tuple[Answer, float]:
        """The answer and its milliseconds."""
        started = time.perf_counter()
        headers = self._session if path.startswith(_PORTAL) else self._headers
        answer = self._connection.request("GET", path, headers, expect=200)
        return answer, (time.perf_counter() - started) * 1000

    def json(self, path: str) -> Any:
        """The body of a path below the API's base."""
        return json.loads(self.get(_BASE + path)[0].body)

    def measure(self, case: Case) -> Figures:
        """Ask the case's pages."""
        figures = Figures(case.name)
        path = case.path if case.path.startswith(("/v2/", _PORTAL)) else _BASE + case.path
        url = f"{path}?{case.query}" if case.query else path
        try:
            answer, _ = self.get(url)
            for _ in range(self._samples):
                answer, elapsed = self.get(url)
                figures.first.append(elapsed)
            figures.rows = answer.headers.get("x-total-count", "")
            self._follow(answer, figures.following)
            # Far enough: the way there is by offset, which takes its time.
            pages = min(int(figures.rows or 0) // 100, _FAR)
            if pages > 2 * self._samples:
                # How a client gets there is not measured, but the pages that it finds by `Link` then are.
                far, _ = self.get(f"{url}&page={pages - self._samples}")
                self._follow(far, figures.last)
        except HttpError as error:
            figures.error = str(error)[:200]
            self._connection.close()
        return figures

    def _follow(self, answer: Answer, samples: list[float]) -> None:
        for _ in range(self._samples):
            found = _NEXT.search(answer.headers.get("link", ""))
            if found is None:
                return
            parts = urlsplit(found[1])
            answer, elapsed = self.get(f"{parts.path}?{parts.query}")
            samples.append(elapsed)

    def place(self) -> Place:
        """Find the largest things of a seed."""
        projects = self.json("/projects?page_size=2&sort=project_id")
        project = projects[-1]
        large = self.json("/projects?page_size=1&sort=-project_id")[0]
        (repository,) = self.json(f"/projects/{project['name']}/repositories?page_size=1&sort=id")
        label = self.json(f"/labels?scope=p&project_id={project['project_id']}&page_size=1")
        return Place(
            project_id=project["project_id"],
            project=project["name"],
            large_project=large["name"],
            large_project_id=large["project_id"],
            repository=repository["name"],
            many_tags=self._many_tags(repository),
            label_id=label[0]["id"] if label else 1,
            robot_project_id=project["project_id"],
        )

    def _many_tags(self, repository: Mapping[str, Any]) -> str:
        """The digest of the artifact with the most tags, which is in the middle of its repository."""
        project, _, name = str(repository["name"]).partition("/")
        name = name.replace("/", "%252F")
        middle = int(repository["artifact_count"]) // 200
        found: tuple[int, str] = (0, "")
        for page in sorted(range(1, 2 * middle + 2), key=lambda number: abs(number - middle)):
            url = f"/projects/{project}/repositories/{name}/artifacts?page_size=100&page={page}"
            for artifact in self.json(url):
                found = max(found, (len(artifact["tags"] or ()), artifact["digest"]))
            if found[0] > 100:
                break
        return found[1]


def main() -> int:
    """Measure and print; 0 if every goal is met, 1 if one is missed, 2 if it could not be measured."""
    options = _options()
    with _server(options) as (host, password):
        driver = Driver(host, options.user, password, samples=options.samples)
        driver.json("/users/current")  # Anonymous callers would be shown less, without an error.
        place = driver.place()
        cases = [*list_cases(place), *get_cases(place), *page_cases(place)]
        figures = []
        for case in cases:
            if options.only in case.name:
                figures.append(driver.measure(case))
                click.echo(_line(figures[-1]), err=True)
    figures.sort(key=lambda one: (-bool(one.error), -one.worst))
    click.echo(f"{'p50/p95 in ms:':17} {'first page':>13} {'by Link':>13} {'far away':>13} {'rows':>9}  case")
    for one in figures:
        click.echo(_line(one))
    missed = [one for one in figures if one.error or one.worst > options.goal * _allowance(one.case)]
    click.echo(f"\n{len(missed)} of {len(figures)} cases over {options.goal} ms (pages: twice that).")
    if options.json:
        options.json.parent.mkdir(parents=True, exist_ok=True)
        kept = [{"case": one.case, "rows": one.rows, "first": one.first, "following": one.following,
                 "last": one.last, "error": one.error} for one in figures]  # fmt: skip
        options.json.write_text(json.dumps(kept, indent=1) + "\n", "utf-8")
    return 1 if missed else 0


def _allowance(case: str) -> int:
    """A page is made of several lists, and of HTML: it may take twice as long."""
    return 2 if case.startswith(_PORTAL) else 1


def _line(one: Figures) -> str:
    if one.error:
        return f"{one.case}: {one.error}"
    parts = [
        f"{percentile(part, 50):6.1f}/{percentile(part, 95):6.1f}" if part else " " * 13
        for part in (one.first, one.following, one.last)
    ]
    return f"{one.worst:14.1f} ms {' '.join(parts)} {one.rows:>9}  {one.case}"


@contextmanager
def _server(options: argparse.Namespace) -> Iterator[tuple[str, str]]:
    """A running server, or one that is started on a database."""
    if options.url:
        yield urlsplit(options.url).netloc, options.password
        return
    with HarborServer({"HARBOR_DATABASE_URL": options.database_url, "HARBOR_WORKERS": "1"}) as server:
        yield server.host, options.password


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.lists", description=__doc__)
    where = parser.add_mutually_exclusive_group(required=True)
    where.add_argument("--url", help="of a running server")
    where.add_argument("--database-url", help="of a seeded PostgreSQL, to start a server on")
    parser.add_argument("--user", default="admin")
    parser.add_argument(
        "--password", default=ADMIN_PASSWORD, help="default: that of the test suite's servers"
    )
    parser.add_argument("--samples", type=int, default=20, help="requests of each kind of page")
    parser.add_argument("--only", default="", help="cases whose name has this")
    parser.add_argument("--goal", type=float, default=100.0, help="milliseconds for a 95th percentile")
    parser.add_argument("--json", type=Path, help="where every sample goes")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
