"""Named worlds of a chain: every case that once differed, and what chance seldom finds."""

from __future__ import annotations

from functools import partial

ROUTE = {
    "group_by": ["case"],
    "group_wait": "1200ms",
    "group_interval": "1s",
    "repeat_interval": "1h",
}


def add_named(worlds):
    """Add the worlds; give their names."""
    return _added(worlds, {make.__name__.strip("_"): make for make in CASES})


def add_opened_anew(worlds):
    """Add worlds whose groups are empty at an Alertmanager's maintenance, every thirty seconds.

    A group that is gone is opened by what resolved minutes ago and is sent again, and is flushed at
    once, since that is old: what fires then waits for a group_interval rather than for group_wait.
    """
    makes = {}
    for seconds in (7, 10, 11):
        for fires in (28, 31, 36):
            makes[f"anew{seconds}of{fires}"] = partial(_opened_anew, seconds, fires)
    return _added(worlds, makes)


def _opened_anew(seconds, fires, worlds, case):
    one, other = _signal(worlds, case, "0", (1, 4)), _signal(worlds, case, "1", (fires, fires + 30))
    worlds.add(case, [{"alert": "A", "expr": one}], layer=2)
    worlds.add(case, [{"alert": "B", "expr": other}])
    return {"group_interval": f"{seconds}s"}


def _added(worlds, makes):
    found = []
    for case, make in makes.items():
        worlds.receivers.append((f"{case}-a", [True]))
        worlds.routes.append(
            {"matchers": [f'case="{case}"'], "receiver": f"{case}-a", **ROUTE, **make(worlds, case)}
        )
        found.append(case)
    return found


def _signal(worlds, case, n, *spans, **labels):
    """Plant a series; give what selects it, or them."""
    worlds.signals.append(({"case": case, "n": n, **labels}, spans))
    return f'signal{{case="{case}",n="{n}"}}'


def _resolved_is_told_once_more_with_what_fires_next(worlds, case):
    one, other = _signal(worlds, case, "0", (2, 5)), _signal(worlds, case, "1", (9, 12))
    worlds.add(case, [{"alert": "A", "expr": one}, {"alert": "B", "expr": other}])
    return {}


def _resolved_while_silenced_is_told_afterwards(worlds, case):
    worlds.add(case, [{"alert": "A", "expr": _signal(worlds, case, "0", (1, 7))}])
    worlds.silences.append(([("case", "=", case)], 4, 10))
    return {}


def _resolved_while_inhibited_is_told_afterwards(worlds, case):
    one, other = _signal(worlds, case, "0", (1, 7)), _signal(worlds, case, "1", (5, 11))
    worlds.add(case, [{"alert": "A", "expr": one}, {"alert": "B", "expr": other}])
    me = f'case="{case}"'
    worlds.inhibit_rules.append(
        {"source_matchers": [me, 'alertname="B"'], "target_matchers": [me, 'alertname="A"']}
    )
    return {}


def _pending_anew_is_no_more_sent_as_resolved(worlds, case):
    one = _signal(worlds, case, "0", (1, 5), (6, 7), (8, 9), (10, 11), (12, 16))
    other = _signal(worlds, case, "1", (7, 9), (11, 13))
    worlds.add(case, [{"alert": "A", "expr": one, "for": "2s"}, {"alert": "B", "expr": other}])
    return {}


def _not_evaluated_for_long_ends_and_comes_back(worlds, case):
    one, right = _signal(worlds, case, "0", (1, 30)), _signal(worlds, case, "r", (0, 30), k="1")
    _signal(worlds, case, "r", (3, 14), k="2")
    expr = f"{one} * on (case) group_left () {right}"
    worlds.add(case, [{"alert": "A", "expr": expr}])
    return {}


def _not_evaluated_while_resolved_is_sent_later(worlds, case):
    one, right = _signal(worlds, case, "0", (1, 4)), _signal(worlds, case, "r", (0, 30), k="1")
    _signal(worlds, case, "r", (5, 8), k="2")
    other = _signal(worlds, case, "1", (8, 12))
    expr = f"{one} * on (case) group_left () {right}"
    worlds.add(case, [{"alert": "A", "expr": expr}, {"alert": "B", "expr": other}])
    return {}


def _of_two_rules_of_one_name_one_fails(worlds, case):
    one, right = _signal(worlds, case, "0", (1, 12)), _signal(worlds, case, "r", (0, 30), k="1")
    _signal(worlds, case, "r", (2, 30), k="2")
    severities = {"labels": {"severity": "warning"}}, {"labels": {"severity": "critical"}}
    expr = f"{one} * on (case) group_left () {right}"
    worlds.add(
        case,
        [
            {"alert": "A", "expr": expr, **severities[0]},
            {"alert": "A", "expr": one, **severities[1]},
        ],
    )
    return {}


def _more_than_the_limit_are_forgotten_not_resolved(worlds, case):
    expr = _signal(worlds, case, "0", (1, 30), k="1")
    _signal(worlds, case, "0", (2, 4), k="2")
    _signal(worlds, case, "0", (6, 8), k="3")
    _signal(worlds, case, "0", (6, 12), k="4")
    worlds.add(case, [{"alert": "A", "expr": expr}], limit=2)
    return {}


def _more_than_the_limit_for_long(worlds, case):
    expr = _signal(worlds, case, "0", (1, 30), k="1")
    _signal(worlds, case, "0", (4, 30), k="2")
    worlds.add(case, [{"alert": "A", "expr": expr}], limit=1)
    return {}


def _two_rules_fire_one_alert(worlds, case):
    one, other = _signal(worlds, case, "0", (1, 5)), _signal(worlds, case, "1", (3, 12))
    drop = {"labels": {"n": ""}}
    worlds.add(case, [{"alert": "A", "expr": one, **drop}])
    worlds.add(case, [{"alert": "A", "expr": other, **drop}], layer=2)
    return {}


def _two_rules_of_a_group_fire_one_alert(worlds, case):
    one, other = _signal(worlds, case, "0", (3, 8), (10, 12)), _signal(worlds, case, "1", (1, 6))
    drop = {"labels": {"n": ""}}
    worlds.add(case, [{"alert": "A", "expr": expr, **drop} for expr in (one, other)])
    return {"group_interval": "2s"}


def _kept_firing_through_gaps(worlds, case):
    one = _signal(worlds, case, "0", (1, 4), (6, 8), (11, 12))
    worlds.add(case, [{"alert": "A", "expr": one, "keep_firing_for": "2s"}])
    return {"repeat_interval": "2500ms"}


def _a_label_of_the_alert_goes_before_an_external_one(worlds, case):
    one = _signal(worlds, case, "0", (1, 4))
    worlds.add(case, [{"alert": "A", "expr": one, "labels": {"region": "us"}}])
    return {"group_by": ["region"]}


def _an_identity_with_the_value_in_it_flaps(worlds, case):
    one = _signal(worlds, case, "0", (1, 15))
    labels = {"labels": {"v": "{{ $value }}"}}
    worlds.add(case, [{"alert": "A", "expr": f"floor(sum_over_time({one}[3s]) / 2)", **labels}])
    return {}


CASES = (
    _resolved_is_told_once_more_with_what_fires_next,
    _resolved_while_silenced_is_told_afterwards,
    _resolved_while_inhibited_is_told_afterwards,
    _pending_anew_is_no_more_sent_as_resolved,
    _not_evaluated_for_long_ends_and_comes_back,
    _not_evaluated_while_resolved_is_sent_later,
    _of_two_rules_of_one_name_one_fails,
    _more_than_the_limit_are_forgotten_not_resolved,
    _more_than_the_limit_for_long,
    _two_rules_fire_one_alert,
    _two_rules_of_a_group_fire_one_alert,
    _kept_firing_through_gaps,
    _a_label_of_the_alert_goes_before_an_external_one,
    _an_identity_with_the_value_in_it_flaps,
)
