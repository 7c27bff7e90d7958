"""What services say is wrong, in the reader's language."""

import ast
import re
from functools import cache
from pathlib import Path

import pytest
from django.utils import translation

from apps.portal.problems import SENTENCES, problem_said
from tests.support.accounts import make_project, unique
from tests.support.browsing import Browser
from tests.support.world import World

_APPS = Path(__file__).parents[2] / "apps"
_VALUE = re.compile(r"%\((\w+)\)s")


@cache
def _texts() -> frozenset[str]:
    """Every text of the services, with § in place of values."""
    files = [path for path in _APPS.rglob("*.py") if path.name != "problems.py"]
    nodes = (node for path in files for node in ast.walk(ast.parse(path.read_text("utf-8"))))
    return frozenset(_text(node) for node in nodes if isinstance(node, ast.Constant | ast.JoinedStr))


def _text(node: ast.expr) -> str:
    parts = node.values if isinstance(node, ast.JoinedStr) else [node]
    return "".join(str(part.value) if isinstance(part, ast.Constant) else "§" for part in parts)


@pytest.mark.parametrize("sentence", SENTENCES)
def test_a_sentence_is_said_and_translated(sentence: str) -> None:
    pieces = _VALUE.split(sentence)
    pattern = "".join(".*§.*" if at % 2 else re.escape(piece) for at, piece in enumerate(pieces))
    if "at least an upper-case" not in sentence and "was deactivated by" not in sentence:
        assert any(re.fullmatch(pattern, text) for text in _texts()), "no service says this any more"
    names = pieces[1::2]
    values = {name: f"v{at}: <{name}>" for at, name in enumerate(names)}
    said = sentence % values if values else sentence
    with translation.override("en"):
        assert problem_said(said) == said
    with translation.override("zh-hans"):
        told = problem_said(said)
    assert told != said
    assert re.search("[\u4e00-\u9fff]", told)
    assert all(value in told for value in values.values()), told


def test_what_is_no_such_sentence_stays() -> None:
    with translation.override("zh-hans"):
        for text in ("", "nonsense %s %(name)s %", "x" * 5000 + " not found"):
            assert problem_said(text) == text
        assert "a%(b)s" in problem_said("project a%(b)s not found"), "values are no formats"


def test_a_refusal_is_read_in_the_language_of_the_page(world: World) -> None:
    name = make_project(world.admin, name=unique("twice"))
    with Browser(world.server.url, world.server.admin, language="zh-CN") as browser:
        page = browser.submit("/harbor/projects/new", name=name)
        assert page.status == 409
        assert f"项目 {name} 已存在" in page.text
        assert "找不到" in browser.open("/harbor/projects/999999999/summary").text
