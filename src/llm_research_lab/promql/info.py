"""info() adds the labels of info series (target_info) that share job and instance.

Source: Prometheus, promql/info.go. The info series are read by their name and data matchers alone,
before job and instance are known; those that match no row change nothing.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from llm_research_lab.promql.errors import ExpressionError
from llm_research_lab.promql.frames import Frame, bare, selector_need
from llm_research_lab.promql.limiting import Run
from llm_research_lab.promql.naming import distinct, empty_block
from llm_research_lab.promql.nodes import Call, Selector
from llm_research_lab.promql.places import place
from llm_research_lab.promql.sampling import select
from llm_research_lab.promql.values import Block, Flags, Need, Times
from llm_research_lab.promql.walking import walk
from llm_research_lab.vocabulary.labels import METRIC_NAME, Labels, label, labels_of, only
from llm_research_lab.vocabulary.matchers import Matcher, accepts

IDENTIFYING = ("instance", "job")
TARGET_INFO = Matcher(METRIC_NAME, "=", "target_info")
ANY_INFO = Matcher(METRIC_NAME, "=~", ".+_info")
"""What is looked for where the names given only say what is not."""


def info_need(call: Call, frame: Frame) -> Need:
    """The info series, at the instants at which the first selector of the argument looks."""
    return selector_need(_info_selector(call), frame)


def _info_selector(call: Call) -> Selector:
    """What the second argument selects, looked at when the first argument's first selector is."""
    given = _given(call)
    matchers = (*_implied(given), *given)
    first = next((one for one in walk(call.args[0]) if isinstance(one, Selector)), None)
    if first is None:
        return Selector(None, matchers, call.span)
    return Selector(None, matchers, call.span, first.offset, first.at)


def _implied(given: tuple[Matcher, ...]) -> tuple[Matcher, ...]:
    """The info metrics meant by matchers that name none."""
    ops = {one.op for one in given if one.name == METRIC_NAME}
    if not ops:
        return (TARGET_INFO,)
    return () if ops & {"=", "=~"} else (ANY_INFO,)


def _given(call: Call) -> tuple[Matcher, ...]:
    chosen = bare(call.args[1]) if len(call.args) > 1 else None
    return chosen.matchers if isinstance(chosen, Selector) else ()


def enrich(call: Call, base: Block, frame: Frame, run: Run) -> Block:
    """Add the info labels that the base lacks; only those asked for, when any are.

    Raises ExpressionError where two info series of one signature are equally new, or two disagree.
    """
    selector = _info_selector(call)
    found = select(selector, frame, run)
    read = run.samples
    newest = select(selector, frame, run, shown="times")
    run.samples = read
    given = _given(call)
    naming = [one for one in selector.matchers if one.name == METRIC_NAME]
    wanted = tuple(one for one in given if one.name != METRIC_NAME)
    skipped = naming if not given or any(one.name == METRIC_NAME for one in given) else []
    choices = _choices(call, newest, run)
    labels: list[Labels] = []
    places: list[tuple[int, Flags]] = []
    for row, own in enumerate(base.labels):
        run.options.check()
        if skipped and accepts(tuple(skipped), own):
            variants = [(own, base.present[row])]
        else:
            variants = _variants(call, own, base.present[row], found, choices, wanted, run)
        labels += (variant for variant, _ in variants)
        places += ((row, here) for _, here in variants)
    if not labels:
        return empty_block(frame.count)
    values = base.values[[row for row, _ in places]]
    marks = base.drop_name and tuple(base.drop_name[row] for row, _ in places)
    block = Block(tuple(labels), values, np.stack([here for _, here in places]), marks)
    return distinct(block, run.options, call.span)


Choices = dict[Labels, dict[str, Times]]
"""By identifying labels and info metric: the newest series' row at each instant, -1 for none."""


def _choices(call: Call, newest: Block, run: Run) -> Choices:
    groups: dict[Labels, dict[str, list[int]]] = {}
    for row, labels in enumerate(newest.labels):
        named = groups.setdefault(only(labels, IDENTIFYING), {})
        named.setdefault(label(labels, METRIC_NAME), []).append(row)
    return {
        key: {name: _newest(call, newest, members, run) for name, members in sorted(named.items())}
        for key, named in groups.items()
        if key
    }


def _newest(call: Call, newest: Block, members: list[int], run: Run) -> Times:
    moments = np.where(newest.present[members], newest.values[members], -np.inf)
    latest = moments.max(axis=0)
    here = np.isfinite(latest)
    if ((moments == latest).sum(axis=0) > 1)[here].any():
        name = label(newest.labels[members[0]], METRIC_NAME)
        raise _conflict(call, f"found duplicate series for info metric: {name}", run)
    return np.where(here, np.asarray(members)[moments.argmax(axis=0)], -1)


def _variants(  # noqa: PLR0917 - one row's part of enrich
    call: Call,
    own: Labels,
    present: Flags,
    found: Block,
    choices: Choices,
    wanted: tuple[Matcher, ...],
    run: Run,
) -> list[tuple[Labels, Flags]]:
    """The row's labels, and where it has them: the info series may change on the way."""
    named = choices.get(only(own, IDENTIFYING), {})
    chosen = np.array([*named.values()], dtype=np.int64).reshape(len(named), len(present))
    variants = []
    for combination in (
        np.unique(chosen[:, present], axis=1).T if named else [np.empty(0, np.int64)]
    ):
        here = present & (chosen == combination[:, np.newaxis]).all(axis=0)
        sources = [found.labels[row] for row in combination if row >= 0]
        if sources or all(one.matches("") for one in wanted):
            variants.append((_combined(call, own, sources, wanted, run), here))
    return variants


def _combined(
    call: Call, own: Labels, sources: Sequence[Labels], wanted: tuple[Matcher, ...], run: Run
) -> Labels:
    names = {one.name for one in wanted}
    mine, added = dict(own), dict[str, str]()
    for name, value in (pair for source in sources for pair in source):
        if name == METRIC_NAME or (names and name not in names):
            continue
        if added.get(name, value) != value:
            raise _conflict(call, f"conflicting label: {name}", run)
        if name not in mine:
            added[name] = value
    return labels_of({**mine, **added})


def _conflict(call: Call, got: str, run: Run) -> ExpressionError:
    where = place(run.options.text, call.span.start)
    return ExpressionError(
        where, "info series that agree", got, "select one info metric by its labels"
    )
