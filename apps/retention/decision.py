"""What of a repository stays and what goes: a function of plain values, without a database or a clock.

A candidate is an artifact with all its tags: it stays or goes as a whole. Candidates are what can be deleted by
itself: no accessories (they go with their subject), and no untagged children of indexes (they go with the last index).
"""

import heapq
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from apps.common.patterns import matches

DAY = 86400


class Kind(StrEnum):
    """What a rule keeps of what it selects; by Harbor's names of the templates."""

    LATEST_PUSHED = "latestPushedK"
    LATEST_PULLED = "latestPulledN"
    DAYS_SINCE_PUSH = "nDaysSinceLastPush"
    DAYS_SINCE_PULL = "nDaysSinceLastPull"
    ALWAYS = "always"


class Fate(StrEnum):
    """What becomes of a candidate, as the log says it."""

    RETAIN = "RETAIN"
    DELETE = "DEL"
    ERROR = "ERR"
    IMMUTABLE = "IMMUTABLE"


@dataclass(frozen=True, slots=True)
class Candidate:
    """``pushed`` and ``pulled`` (None for never) are seconds since 1970, the latest of the artifact's and its tags'.

    ``id`` grows with the age of the row: it decides between equal times.
    """

    id: int
    digest: str
    tags: tuple[str, ...]
    pushed: float
    pulled: float | None = None


@dataclass(frozen=True, slots=True)
class TagSelector:
    """Takes artifacts with a tag that ``pattern`` matches, or with ``wanted`` False with one that it does not match.

    ``untagged`` says whether artifacts without a tag count as matched.
    """

    pattern: str
    wanted: bool
    untagged: bool


@dataclass(frozen=True, slots=True)
class Rule:
    """Keeps ``amount`` artifacts, or those of the last ``amount`` days, of what every selector takes."""

    kind: Kind
    amount: int
    selectors: tuple[TagSelector, ...]


@dataclass(frozen=True, slots=True)
class Links:
    """What holds what in a repository, by digest.

    ``children`` are those of each index, whether candidates or not. ``accessories`` are those of each subject, there
    or not; ``tags`` are the tags of accessories that have some.
    """

    children: Mapping[str, Sequence[str]] = field(default_factory=dict)
    accessories: Mapping[str, Sequence[str]] = field(default_factory=dict)
    tags: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


def decide(
    candidates: Sequence[Candidate],
    rules: Sequence[Rule],
    links: Links,
    *,
    present: Callable[[str], bool],
    is_immutable: Callable[[str, tuple[str, ...]], bool],
    now: float,
) -> dict[str, Fate]:
    """The fate of each candidate by its digest.

    What any rule keeps stays; so does what has an immutable tag, or would take an accessory along that has one; so
    does a child of an index that stays. ``present`` says whether a digest is in the repository; ``is_immutable``
    whether a digest with these tags may not be deleted because one of them is.
    """
    kept = retained(candidates, rules, now=now)
    own = {candidate.digest: candidate.tags for candidate in candidates}
    immutable = {
        digest
        for digest in own
        if digest not in kept
        and any(is_immutable(part, tags) for part, tags in _tags_that_go(digest, own, links))
    }
    # An accessory whose subject is not there has nothing to go with.
    alone = {
        accessory
        for subject, accessories in links.accessories.items()
        if not present(subject)
        for accessory in accessories
    }
    held = _reached(kept | immutable | alone, links)
    fates = {}
    for digest in own:
        if digest in immutable:
            fates[digest] = Fate.IMMUTABLE
        else:
            fates[digest] = Fate.RETAIN if digest in held else Fate.DELETE
    return fates


def retained(candidates: Sequence[Candidate], rules: Iterable[Rule], *, now: float) -> set[str]:
    """Digests of the candidates that at least one rule keeps."""
    kept: set[str] = set()
    # Rules share selectors often, and each of them is asked about each candidate once.
    taken: dict[TagSelector, set[int]] = {}
    chosen: dict[tuple[TagSelector, ...], list[Candidate]] = {}
    for rule in rules:
        for selector in rule.selectors:
            if selector not in taken:
                taken[selector] = _taken(selector, candidates)
        if rule.selectors not in chosen:
            numbers = set.intersection(*(taken[selector] for selector in rule.selectors))
            chosen[rule.selectors] = [candidates[number] for number in sorted(numbers)]
        kept.update(candidate.digest for candidate in _kept_of(rule, chosen[rule.selectors], now))
    return kept


def _kept_of(rule: Rule, chosen: list[Candidate], now: float) -> Iterable[Candidate]:
    since = now - rule.amount * DAY
    match rule.kind:
        case Kind.ALWAYS:
            return chosen
        case Kind.LATEST_PUSHED:
            return heapq.nlargest(rule.amount, chosen, key=_by_push)
        case Kind.LATEST_PULLED:
            return heapq.nlargest(rule.amount, chosen, key=_by_pull)
        case Kind.DAYS_SINCE_PUSH:
            return [candidate for candidate in chosen if candidate.pushed >= since]
        case Kind.DAYS_SINCE_PULL:
            return [
                candidate
                for candidate in chosen
                if candidate.pulled is not None and candidate.pulled >= since
            ]


def _by_push(candidate: Candidate) -> tuple[float, int]:
    return candidate.pushed, candidate.id


def _by_pull(candidate: Candidate) -> tuple[bool, float, float, int]:
    """What was never pulled comes last, and there what was pushed last comes first."""
    pulled = candidate.pulled
    return pulled is not None, pulled or 0.0, candidate.pushed, candidate.id


def _taken(selector: TagSelector, candidates: Sequence[Candidate]) -> set[int]:
    """Places of the candidates that a selector takes."""
    pattern, wanted = selector.pattern, selector.wanted
    taken = set()
    for place, candidate in enumerate(candidates):
        for tag in candidate.tags:
            if matches(pattern, tag) is wanted:
                taken.add(place)
                break
        if not candidate.tags and selector.untagged is wanted:
            taken.add(place)
    return taken


def _tags_that_go(
    digest: str, own: Mapping[str, tuple[str, ...]], links: Links
) -> Iterable[tuple[str, tuple[str, ...]]]:
    """What goes with a candidate and has tags: itself, accessories, and accessories of children without a tag."""
    if own[digest]:
        yield digest, own[digest]
    if digest not in links.accessories and digest not in links.children:
        return
    waiting = [digest]
    seen = {digest}
    while waiting:
        one = waiting.pop()
        children = (child for child in links.children.get(one, ()) if child not in own)
        for part in (*links.accessories.get(one, ()), *children):
            if part not in seen:
                seen.add(part)
                waiting.append(part)
                if part in links.tags:
                    yield part, links.tags[part]


def deletion_order(digests: Collection[str], links: Links) -> list[str]:
    """What is to be deleted in an order in which it can be: indexes before their children."""
    parts = _parts(links)
    holders: dict[str, int] = defaultdict(int)
    for some in parts.values():
        for part in some:
            holders[part] += 1
    ready = [digest for digest in dict.fromkeys((*digests, *parts)) if not holders[digest]]
    order: dict[str, None] = {}
    while ready:
        order[one := ready.pop()] = None
        for part in parts.get(one, ()):
            holders[part] -= 1
            if not holders[part]:
                ready.append(part)
    wanted = set(digests)
    # Those at the end hold each other in a ring, which no push of ours makes.
    return [digest for digest in order if digest in wanted] + [one for one in digests if one not in order]


def _parts(links: Links) -> dict[str, list[str]]:
    """What each artifact holds: its children and its accessories."""
    parts: dict[str, list[str]] = defaultdict(list)
    for mapping in (links.children, links.accessories):
        for whole, some in mapping.items():
            parts[whole].extend(some)
    return parts


def _reached(start: set[str], links: Links) -> set[str]:
    """What stays because something of ``start`` does: children of indexes, and accessories with theirs."""
    parts = _parts(links)
    reached = set(start)
    waiting = list(start)
    while waiting:
        for part in parts.get(waiting.pop(), ()):
            if part not in reached:
                reached.add(part)
                waiting.append(part)
    return reached
