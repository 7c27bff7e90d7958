"""The decision, compared with one that is written down as the documentation says it, over random repositories."""

import fnmatch
import re
from collections.abc import Callable
from dataclasses import dataclass, field

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from apps.retention.decision import (
    DAY,
    Candidate,
    Fate,
    Kind,
    Links,
    Rule,
    TagSelector,
    decide,
    deletion_order,
    retained,
)

NOW = 1_800_000_000.0
_NAMES = ("v1", "v2", "v10", "latest", "dev-a", "dev-b")
_PATTERNS = ("v*", "latest", "dev-?", "*", "v[12]", "nothing")


@dataclass
class Thing:
    """An artifact of a random repository: ``children`` and ``subject`` are of earlier ones, by number."""

    tags: list[str]
    pushed: float
    pulled: float | None
    children: set[int] = field(default_factory=set)
    subject: int | None = None

    @property
    def is_accessory(self) -> bool:
        return self.subject is not None


moments = st.integers(0, 12).map(lambda days: NOW - days * DAY)


@st.composite
def things(draw: Callable) -> list[Thing]:
    made: list[Thing] = []
    free = list(_NAMES)
    for number in range(draw(st.integers(1, 9))):
        count = draw(st.integers(0, min(2, len(free))))
        tags = [free.pop(draw(st.integers(0, len(free) - 1))) for _ in range(count)]
        thing = Thing(tags, draw(moments), draw(st.none() | moments))
        if number and draw(st.booleans()):
            # -1 for a subject that is not there.
            thing.subject = draw(st.integers(-1, number - 1)) if draw(st.booleans()) else None
            if thing.subject is None:
                thing.children = draw(st.sets(st.integers(0, number - 1), max_size=3))
        made.append(thing)
    return made


selectors = st.builds(TagSelector, st.sampled_from(_PATTERNS), st.booleans(), st.booleans())
rules = st.builds(
    Rule,
    st.sampled_from(Kind),
    st.integers(0, 6),
    st.lists(selectors, min_size=1, max_size=2).map(tuple),
)


class Reference:
    """The documentation in code: slow, one sentence after the other."""

    def __init__(self, made: list[Thing], some_rules: list[Rule], immutable: set[str]) -> None:
        self.things = made
        self.immutable = immutable
        parents = {child for thing in made for child in thing.children}
        self.candidates = [
            number
            for number, thing in enumerate(made)
            if not thing.is_accessory and (thing.tags or number not in parents)
        ]
        self.kept = {number for rule in some_rules for number in self._kept_by(rule)}

    def _kept_by(self, rule: Rule) -> list[int]:
        chosen = [
            number
            for number in self.candidates
            if all(self._selects(selector, self.things[number].tags) for selector in rule.selectors)
        ]
        days = {"nDaysSinceLastPush": "pushed", "nDaysSinceLastPull": "pulled"}
        if rule.kind == "always":
            return chosen
        if rule.kind in days:
            times = {number: getattr(self.things[number], days[rule.kind]) for number in chosen}
            return [
                number for number, at in times.items() if at is not None and (NOW - at) / DAY <= rule.amount
            ]
        if rule.kind == "latestPushedK":
            chosen.sort(key=lambda number: (self.things[number].pushed, number))
        else:
            chosen.sort(
                key=lambda number: (
                    -1.0 if self.things[number].pulled is None else self.things[number].pulled,
                    self.things[number].pushed,
                    number,
                )
            )
        return chosen[::-1][: rule.amount]

    @staticmethod
    def _selects(selector: TagSelector, tags: list[str]) -> bool:
        if not tags:
            return selector.untagged if selector.wanted else not selector.untagged
        # None of the patterns means something else to fnmatch.
        expression = re.compile(fnmatch.translate(selector.pattern))
        found = [bool(expression.fullmatch(tag)) for tag in tags]
        return any(found) if selector.wanted else not all(found)

    def fates(self) -> dict[str, Fate]:
        """Deletes one candidate after the other, as long as one can be, out of a copy of the repository."""
        there = set(range(len(self.things)))
        immutable = {
            number for number in self.candidates if number not in self.kept and self._is_protected(number)
        }
        waiting = [number for number in self.candidates if number not in self.kept | immutable]
        deleted = True
        while deleted:
            deleted = False
            for number in waiting:
                if number in there and not self._parents(number, there):
                    there = self._without(number, there)
                    deleted = True
        return {
            f"d{number}": Fate.IMMUTABLE
            if number in immutable
            else Fate.RETAIN
            if number in there
            else Fate.DELETE
            for number in self.candidates
        }

    def _parents(self, number: int, there: set[int]) -> set[int]:
        return {one for one in there if number in self.things[one].children}

    def _without(self, number: int, there: set[int]) -> set[int]:
        """Without an artifact, its accessories, and its children that have no tag, no other index and no subject."""
        left = there - {number}
        for accessory in [one for one in left if self.things[one].subject == number]:
            if accessory in left and not self._parents(accessory, left):
                left = self._without(accessory, left)
        for child in self.things[number].children:
            thing = self.things[child]
            if child in left and not (thing.tags or thing.is_accessory or self._parents(child, left)):
                left = self._without(child, left)
        return left

    def _is_protected(self, number: int) -> bool:
        """Whether it, or what may go with it, has an immutable tag."""
        thing = self.things[number]
        parts = [one for one, other in enumerate(self.things) if other.subject == number]
        parts += [child for child in thing.children if child not in self.candidates]
        return bool(self.immutable & set(thing.tags)) or any(self._is_protected(part) for part in parts)


def _ours(made: list[Thing], some_rules: list[Rule], immutable: set[str]) -> dict[str, Fate]:
    reference = Reference(made, [], set())
    return decide(
        [
            Candidate(n, f"d{n}", tuple(made[n].tags), made[n].pushed, made[n].pulled)
            for n in reference.candidates
        ],
        some_rules,
        _links(made),
        present={f"d{n}" for n in range(len(made))}.__contains__,
        is_immutable=lambda _digest, tags: bool(immutable & set(tags)),
        now=NOW,
    )


def _links(made: list[Thing]) -> Links:
    return Links(
        {f"d{n}": [f"d{child}" for child in thing.children] for n, thing in enumerate(made)},
        _accessories(made),
        {f"d{n}": tuple(thing.tags) for n, thing in enumerate(made) if thing.is_accessory and thing.tags},
    )


def _accessories(made: list[Thing]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for number, thing in enumerate(made):
        if thing.subject is not None:
            found.setdefault(f"d{thing.subject}", []).append(f"d{number}")
    return found


@settings(max_examples=400, deadline=None)
@given(things(), st.lists(rules, max_size=4), st.sets(st.sampled_from(_NAMES), max_size=2))
def test_the_decision_is_the_documented_one(
    made: list[Thing], some_rules: list[Rule], immutable: set[str]
) -> None:
    assert _ours(made, some_rules, immutable) == Reference(made, some_rules, immutable).fates()


@settings(max_examples=200, deadline=None)
@given(things())
def test_what_holds_something_is_deleted_before_it(made: list[Thing]) -> None:
    links = _links(made)
    digests = [f"d{number}" for number in range(len(made))]

    order = deletion_order(digests[::2], links)

    assert sorted(order) == sorted(digests[::2])
    for number in range(0, len(made), 2):
        below = _below(made, number) & set(range(0, len(made), 2))
        assert all(order.index(f"d{number}") < order.index(f"d{one}") for one in below)


def _below(made: list[Thing], number: int) -> set[int]:
    """What a thing holds, however deep."""
    found: set[int] = set()
    waiting = [number]
    while waiting:
        one = waiting.pop()
        parts = made[one].children | {n for n, thing in enumerate(made) if thing.subject == one}
        waiting.extend(parts - found)
        found |= parts
    return found


def candidate(number: int, *tags: str, pushed: float = 0, pulled: float | None = None) -> Candidate:
    return Candidate(
        number, f"d{number}", tags, NOW - pushed * DAY, None if pulled is None else NOW - pulled * DAY
    )


ALL = (TagSelector("**", wanted=True, untagged=True),)


def kept(rule: Rule, *candidates: Candidate) -> set[str]:
    return retained(candidates, [rule], now=NOW)


@pytest.mark.parametrize(
    ("kind", "amount", "expected"),
    [
        (Kind.ALWAYS, 0, {"d1", "d2", "d3"}),
        (Kind.LATEST_PUSHED, 0, set()),
        (Kind.LATEST_PUSHED, 1, {"d3"}),
        (Kind.LATEST_PUSHED, 32766, {"d1", "d2", "d3"}),
        (Kind.LATEST_PULLED, 1, {"d1"}),
        # What was never pulled comes after what was, the newest first.
        (Kind.LATEST_PULLED, 2, {"d1", "d3"}),
        (Kind.DAYS_SINCE_PUSH, 2, {"d2", "d3"}),
        (Kind.DAYS_SINCE_PUSH, 20190904, {"d1", "d2", "d3"}),
        (Kind.DAYS_SINCE_PULL, 5, {"d1"}),
        (Kind.DAYS_SINCE_PULL, 4, set()),
        (Kind.DAYS_SINCE_PULL, 20190904, {"d1"}),
    ],
)
def test_each_kind_of_rule(kind: Kind, amount: int, expected: set[str]) -> None:
    some = (
        candidate(1, "a", pushed=9, pulled=5),
        candidate(2, "b", pushed=2),
        candidate(3, pushed=1),
    )
    assert kept(Rule(kind, amount, ALL), *some) == expected


def test_of_equal_times_the_later_row_is_the_newer_one() -> None:
    assert kept(Rule(Kind.LATEST_PUSHED, 1, ALL), candidate(1, "a"), candidate(2, "b")) == {"d2"}


def test_selectors_of_one_rule_have_to_agree_and_rules_add_up() -> None:
    release = TagSelector("v*", wanted=True, untagged=False)
    no_candidate = TagSelector("*-rc*", wanted=False, untagged=False)
    some = (candidate(1, "v1"), candidate(2, "v2-rc1"), candidate(3, "dev"), candidate(4))
    both = Rule(Kind.ALWAYS, 0, (release, no_candidate))
    assert kept(both, *some) == {"d1"}
    newest = Rule(Kind.LATEST_PUSHED, 1, (TagSelector("dev", wanted=True, untagged=False),))
    assert retained(some, [both, newest], now=NOW) == {"d1", "d3"}


def test_an_index_that_stays_keeps_its_children_however_deep() -> None:
    links = Links({"d1": ["inner"], "inner": ["d2"]})
    some = (candidate(1, "multi"), candidate(2, "amd64"))
    rule = Rule(Kind.ALWAYS, 0, (TagSelector("multi", wanted=True, untagged=False),))
    fates = decide(some, [rule], links, present=lambda _: True, is_immutable=lambda *_: False, now=NOW)
    assert fates == {"d1": Fate.RETAIN, "d2": Fate.RETAIN}
