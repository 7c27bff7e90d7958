"""Who sees which page and whose POST is taken: the catalogue of pages, asked of a running server by each identity."""

import json
from collections.abc import Iterator
from urllib.parse import urljoin, urlsplit

import httpx
import pytest
from bs4 import Tag
from django.urls import Resolver404, URLPattern, resolve

from apps.portal.urls import urlpatterns
from tests.portal.conftest import Browse
from tests.support.browsing import SIGN_IN, Browser
from tests.support.browsing import Page as Seen
from tests.support.furnished import Furnished
from tests.support.portal_pages import EVERYBODY, IDENTITIES, PAGES, Kind, Page
from tests.support.world import World

# What htmx is answered so that it asks no more.
_STOP = 286


def _told(browser: Browser, page: Page, path: str) -> str:
    """In a word what a GET was answered."""
    seen = browser.open(path)
    if seen.path.startswith(SIGN_IN) and not path.startswith(SIGN_IN):
        return "sign in"
    if seen.status == _STOP:
        # In place of the part, which is the same for everybody: see live_end.html.
        return "stop" if len(seen.text) < 100 else seen.text
    return "page" if seen.status == 200 else str(seen.status)


def _expected(page: Page, identity: str, hidden: str) -> str:
    if identity in page.reads:
        return "page"
    if page.kind is Kind.LIVE:
        return "stop"
    return "sign in" if identity == "anonymous" and page.template != "/account/sign-up" else hidden


def _hidden(page: Page) -> str:
    """What others are answered: 404 where even what is there is nobody else's business."""
    own = ("/account/access-tokens/{", "/account/cli-secret", "/account/sessions/{", "/account/sign-up")
    return "404" if page.template.startswith(own) else "403"


@pytest.mark.parametrize(
    "page", [one for one in PAGES if one.kind is not Kind.WRITE], ids=lambda page: page.template
)
def test_each_identity_sees_its_pages(furnished: Furnished, browse: Browse, page: Page) -> None:
    path = page.path(furnished.places)
    got = {identity: _told(browse(identity), page, path) for identity in IDENTITIES}
    assert got == {identity: _expected(page, identity, _hidden(page)) for identity in IDENTITIES}


def test_what_is_refused_changes_nothing(world: World, furnished: Furnished, browse: Browse) -> None:
    before = _state(world.admin, furnished)
    answered = {}
    for page in PAGES:
        path = page.path(furnished.places)
        if page.kind is Kind.LEADS_ON or not hasattr(resolve(urlsplit(path).path).func.view_class, "post"):
            assert not page.writes, page
            continue
        for identity in IDENTITIES:
            if identity not in page.writes:
                browser = browse(identity)
                if identity == "anonymous":
                    browser.open(SIGN_IN)
                seen = browser.post(path)
                answered[page.template, identity] = (
                    "sign in" if seen.path.startswith(SIGN_IN) else str(seen.status)
                )
    wrong = {
        (template, identity): found
        for (template, identity), found in answered.items()
        if found not in ({"sign in"} if identity == "anonymous" else {"403", "404"})
    }
    assert wrong == {("/account/sign-up", "anonymous"): "404"}
    assert len(answered) > 400
    assert _state(world.admin, furnished) == before


@pytest.mark.parametrize("identity", IDENTITIES)
def test_no_page_leads_where_one_may_not_go(furnished: Furnished, browse: Browse, identity: str) -> None:
    """Each link of each page that one may open, and each form of it."""
    browser = browse(identity)
    followed: dict[str, str] = {}
    sent: dict[str, str] = {}
    for page in PAGES:
        if identity in page.reads and page.kind is not Kind.LEADS_ON:
            seen = browser.open(page.path(furnished.places))
            for address in _followed(seen):
                followed.setdefault(urlsplit(address).path, address)
            for address in _sent(seen):
                sent.setdefault(address, seen.path)
    assert len(followed) > (5 if identity in {"anonymous", "outsider"} else 20)
    dead = {}
    for address in followed.values():
        seen = browser.open(address)
        if seen.status not in {200, _STOP} or (
            seen.path.startswith(SIGN_IN) and not address.startswith(SIGN_IN)
        ):
            dead[address] = seen.status
    assert dead == {}
    takers = {_route(page.path(furnished.places)): page.writes for page in PAGES if page.writes}
    refused = {
        address: where
        for address, where in sent.items()
        if identity not in takers.get(_route(address), EVERYBODY)
    }
    assert refused == {}


def test_every_route_is_in_the_catalogue(furnished: Furnished) -> None:
    routes = [str(pattern.pattern) for pattern in urlpatterns if isinstance(pattern, URLPattern)]
    assert len(routes) == len(urlpatterns)
    covered = {_route(page.path(furnished.places)) for page in PAGES}
    assert covered == set(routes)


def _route(address: str) -> str:
    try:
        return resolve(urlsplit(address).path).route
    except Resolver404:
        return address


def _followed(seen: Seen) -> Iterator[str]:
    """Where links, parts that load themselves and forms that only ask lead, on this server."""
    document = seen.document
    addresses = [link["href"] for link in document.select("a[href]")]
    addresses += [part["hx-get"] for part in document.select("[hx-get]")]
    addresses += [address for form in document.select("form[method=get]") for address in _asked(seen, form)]
    for address in addresses:
        whole = urljoin(seen.path, str(address))
        if whole.startswith("/") and not whole.startswith("//"):
            yield whole.partition("#")[0]


def _asked(seen: Seen, form: Tag) -> Iterator[str]:
    """Where a form that only asks can be sent to, with the first of its boxes checked."""
    box = form.select_one("input[type=checkbox][name]")
    query = f"?{box['name']}={box['value']}" if box is not None else ""
    own = form.get("action") or seen.path
    if form.select_one("input[type=search], input[type=text]") is not None:
        yield str(own)
    for button in form.select("button[type=submit]"):
        yield f"{button.get('formaction') or own}{query}"


def _sent(seen: Seen) -> Iterator[str]:
    for form in seen.document.select("form[method=post]"):
        yield urlsplit(urljoin(seen.path, str(form.get("action") or ""))).path


def _state(admin: httpx.Client, furnished: Furnished) -> dict[str, object]:
    """What the API tells of everything that the pages could have changed."""
    project = f"/projects/{furnished.project}"
    repository = f"{project}/repositories/{furnished.contents.escaped}"
    places = furnished.places
    paths = (
        project, f"{project}/members?page_size=100", f"{project}/metadatas/", f"{project}/push-rules",
        f"{project}/immutabletagrules", f"{project}/webhook/policies", f"{project}/trash",
        f"{project}/repositories?page_size=100", f"{repository}/tag-history",
        f"{repository}/artifacts?page_size=100&with_label=true&with_accessory=true",
        f"/labels?scope=p&project_id={places['project_id']}", f"/labels/{places['global_label_id']}",
        f"/robots/{places['robot_id']}", f"/robots/{places['system_robot_id']}",
        f"/robots?q=Level=project,ProjectID={places['project_id']}",
        f"/retentions/{places['retention_id']}", f"/retentions/{places['retention_id']}/executions",
        "/system/gc", "/system/gc/schedule", "/system/purgeaudit", "/system/purgeaudit/schedule",
        "/jobservice/queues", f"/users/{places['user_id']}", f"/usergroups/{places['group_id']}",
        f"/usergroups/{places['group_id']}/members", "/usergroups?page_size=100", f"/quotas/{places['quota_id']}",
        "/configurations",
    )  # fmt: skip
    found = {}
    for path in paths:
        answer = admin.get(path)
        assert answer.status_code == 200, (path, answer.text)
        found[path] = json.loads(json.dumps(answer.json(), sort_keys=True))
        if path == "/jobservice/queues":
            # How long something waits there changes by itself.
            found[path] = sorted((row["job_type"], row["paused"]) for row in answer.json())
    return found
