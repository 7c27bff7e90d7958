"""Requests made to exhaust the server: bodies, lists and queries without bounds."""

import importlib
import io
import pkgutil
from pathlib import Path

import pytest
from django.http import HttpRequest, HttpResponse
from django.test import RequestFactory

import apps.api
from apps.api.csrf import TOKEN_HEADER, CsrfMiddleware
from apps.api.parsers import MAX_FORM
from apps.api.views import MOST_ROWS, ListRules
from apps.artifacts.models import Artifact
from apps.catalog.artifacts import filter_artifacts
from apps.common.errors import BadRequestError
from apps.common.query import parse_query
from tests.support.world import World


class Counting(io.BytesIO):
    """A body that knows how much of it was read."""

    taken = 0

    def read(self, size: int | None = -1) -> bytes:
        data = super().read(size)
        self.taken += len(data)
        return data


def _every_list() -> dict[str, ListRules]:
    modules = [
        importlib.import_module(f"apps.api.{module.name}")
        for module in pkgutil.iter_modules(apps.api.__path__)
    ]
    return {
        f"{module.__name__}.{name}": rules
        for module in modules
        for name, rules in vars(module).items()
        if isinstance(rules, ListRules)
    }


def test_a_long_form_is_not_taken_into_memory(world: World) -> None:
    """With ``Authorization``, even a wrong one, no CSRF token is asked for: anybody can send a form."""
    headers = {"Authorization": "Basic eA==", "Content-Type": "application/x-www-form-urlencoded"}
    url = f"{world.server.url}/c/userExists"
    answer = world.clients["anonymous"].post(url, content=b"target=" + b"a" * MAX_FORM, headers=headers)
    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (413, "REQUEST_ENTITY_TOO_LARGE")
    many = world.clients["anonymous"].post(url, content=b"&".join([b"a=1"] * 2000), headers=headers)
    assert many.status_code == 400


@pytest.mark.parametrize("has_token", [True, False])
def test_the_check_of_the_csrf_token_reads_no_form(has_token: bool, tmp_path: Path, settings) -> None:
    """Django would write the files of a form to the disk to look for a token among its fields."""
    settings.FILE_UPLOAD_TEMP_DIR = str(tmp_path)

    def view(request: HttpRequest) -> HttpResponse:
        assert not request._read_started
        return HttpResponse()

    middleware = CsrfMiddleware(view)
    first = middleware(RequestFactory().get("/c/log_out"))
    part = (
        b'--x\r\nContent-Disposition: form-data; name="f"; filename="f"\r\n\r\n'
        + b"a" * (4 << 20)
        + b"\r\n--x--\r\n"
    )
    request = RequestFactory().generic(
        "POST", "/c/login", part, content_type="multipart/form-data; boundary=x"
    )
    request.COOKIES = {"_harbor_csrf": first.cookies["_harbor_csrf"].value}
    request._stream = body = Counting(part)
    if has_token:
        request.META["HTTP_X_HARBOR_CSRF_TOKEN"] = first[TOKEN_HEADER]
    assert middleware(request).status_code == (200 if has_token else 403)
    assert body.taken == 0
    assert request.method == "POST"


def test_no_list_answers_with_every_row_without_bound() -> None:
    lists = _every_list()
    assert len(lists) > 10
    assert {
        name: rules.most_rows for name, rules in lists.items() if not 0 < rules.most_rows <= MOST_ROWS
    } == {}


@pytest.mark.django_db
def test_labels_of_many_conditions() -> None:
    """SQLite gives up on an expression that nests 1000 deep."""
    ids = " ".join(map(str, range(1, 33)))
    whole = filter_artifacts(Artifact.objects.all(), parse_query(f"labels=({ids})"))
    assert not whole.exists()
    for form in ("({})", "{{{}}}"):
        one = "labels=" + form.format(ids)
        with pytest.raises(BadRequestError, match="at most 32 labels"):
            filter_artifacts(Artifact.objects.all(), parse_query(",".join([one] * 32)))
