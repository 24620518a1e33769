"""Groups over the past: one pass over the range where no rule reads in a circle, else tick by tick.

Both give the same samples, and any cut of the range does: a rule sees what was written before it,
never what has a later time than its tick. What fails in one pass is halved until the tick is found
at which it fails. Source: Prometheus, rules/group.go, `Group.Eval`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from operator import attrgetter

from llm_research_lab.alerting.rules.graph import Circle, Node, circles
from llm_research_lab.alerting.rules.outcomes import append, carry, outcome_of, write
from llm_research_lab.alerting.rules.running import (
    Asked,
    Failure,
    FailureKind,
    Fetched,
    LimitError,
    Past,
    Run,
)
from llm_research_lab.alerting.rules.settling import settle
from llm_research_lab.promql import ExpressionError, Grid, QueryLimitError, needs
from llm_research_lab.vocabulary import Instant

PIECE_MS = 4 * 86_400_000
"""A long range is taken in pieces: so much of it is in memory at once, beside what is written."""

SHORT = 64
"""Ticks that are stepped before another guess at those that follow."""

TRIES = 3
"""Guesses that failed, after which the rest of a piece is stepped."""


def evaluate_past(asked: Asked, from_ms: Instant, to_ms: Instant, past: Past | None = None) -> Past:
    """Evaluate all groups at their ticks in the range, `from_ms` and `to_ms` included.

    Ticks are multiples of the interval since the origin, so a cut range has the ticks of the whole
    one; hand the answer of one piece to the next.
    """
    past = Past() if past is None else past
    run = Run(asked, past, Fetched(asked.fetch))
    ordered = circles(asked.groups, in_order=asked.in_order)
    if asked.stepped:
        nodes = [node for circle in ordered for node in circle.nodes]
        if asked.in_order:
            nodes.sort(key=lambda node: (node.group, node.index))
        ordered = (Circle(tuple(nodes), stepped=True),)
    far = _far(run, ordered, from_ms) if to_ms - from_ms > PIECE_MS else {}
    for number, length_ms in sorted(far.items()):
        for piece in _pieces(from_ms, to_ms, length_ms):
            _advance(run, ordered[number], *piece)
    for piece in _pieces(from_ms, to_ms, PIECE_MS):
        for number, circle in enumerate(ordered):
            if number not in far:
                _advance(run, circle, *piece)
    past.failures.sort(key=attrgetter("at_ms", "place"))
    return past


def _pieces(from_ms: Instant, to_ms: Instant, length_ms: int) -> Iterator[tuple[Instant, Instant]]:
    for start in range(from_ms, to_ms + 1, length_ms):
        yield start, min(to_ms, start + length_ms - 1)


def _far(run: Run, ordered: Sequence[Circle], from_ms: Instant) -> dict[int, int]:
    """Find what looks far back, and what that reads: these go first, in pieces as long.

    In short pieces each would read again what the ones before it have read.
    """
    found: dict[int, int] = {}
    for number in range(len(ordered) - 1, -1, -1):
        reach = max((_reach(run, node, from_ms) for node in ordered[number].nodes), default=0)
        if reach > PIECE_MS or number in found:
            found[number] = max(reach, PIECE_MS)
            found |= {one: PIECE_MS for one in ordered[number].after if one not in found}
    return found


def _reach(run: Run, node: Node, at_ms: Instant) -> int:
    try:
        wanted = needs(node.rule.expr, Grid(at_ms, at_ms, 0), run.asked.options)
    except (ExpressionError, QueryLimitError):
        return 0
    return max((at_ms - need.from_ms for need in wanted), default=0)


def _advance(run: Run, circle: Circle, from_ms: Instant, to_ms: Instant) -> None:
    """Take a circle through a range: in one pass, or by halves where that does not go."""
    grids = [run.grid(node, from_ms, to_ms) for node in circle.nodes]
    ticks = sorted({time for grid in grids if grid for time in grid.times.tolist()})
    if circle.stepped:
        _step(run, circle, ticks)
    elif len(ticks) == 1:
        _tick(run, circle, ticks[0])
    elif ticks and not _pass(run, circle, grids):
        middle = ticks[len(ticks) // 2]
        _advance(run, circle, from_ms, middle - 1)
        _advance(run, circle, middle, to_ms)


def _step(run: Run, circle: Circle, ticks: Sequence[Instant]) -> None:
    """Take a circle through ticks: many at once while guesses come true, else one by one."""
    at, size, failed = 0, len(ticks), TRIES if run.asked.stepped else 0
    while at < len(ticks):
        part = ticks[at : at + size]
        if failed < TRIES and _settled(run, circle, part):
            size, failed = 2 * size, 0
        elif failed < TRIES and size > SHORT:
            size = max(SHORT, size // SHORT)
            continue
        else:
            failed += 1
            # One tick may be all that the next guess lacks: what then lasts.
            part = part[:1] if failed == 1 else part if failed < TRIES else ticks[at:]
            ahead = Fetched(run.asked.fetch, part[-1] - part[0])
            for tick in part:
                _tick(replace(run, fetched=ahead), circle, tick)
        at += len(part)


def _settled(run: Run, circle: Circle, ticks: Sequence[Instant]) -> bool:
    if len(ticks) == 1:
        return False
    grid = run.grid(circle.nodes[0], ticks[0], ticks[-1])
    return grid is not None and grid.count == len(ticks) and settle(run, circle, grid)


def _tick(run: Run, circle: Circle, tick: Instant) -> None:
    """Evaluate and write the rules one after the other."""
    for node in circle.nodes:
        grid = run.grid(node, tick, tick)
        if grid is not None:
            _one(run, node, Grid(tick, tick, 0))


def _one(run: Run, node: Node, grid: Grid) -> None:
    place, past = (node.group, node.index), run.past
    why: str | None = None
    kind: FailureKind = "evaluating"
    try:
        outcome = outcome_of(run, node, grid)
    except (ExpressionError, QueryLimitError) as error:
        why = error.got
    except LimitError as error:
        why, kind = str(error), "limit"
        if node.rule.kind == "alert":
            past.alerts[place], past.told[place] = {}, {}
            past.spans.end(place, grid.start_ms)
    else:
        why, kind = append(outcome, grid.start_ms - run.offset(node), past), "writing"
        carry(outcome, past)
    if why is not None:
        past.failures.append(Failure(node.rule.name, grid.start_ms, why, place, kind))


def _pass(run: Run, circle: Circle, grids: Sequence[Grid | None]) -> bool:
    """Evaluate all rules over the range and write, if none fails and no two write one series."""
    pairs = [(node, grid) for node, grid in zip(circle.nodes, grids, strict=True) if grid]
    try:
        outcomes = [outcome_of(run, node, grid) for node, grid in pairs]
    except (ExpressionError, QueryLimitError, LimitError):
        return False
    return write(run, outcomes)
