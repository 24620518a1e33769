"""Our two ways to evaluate what Prometheus has evaluated: over the past, and tick by tick."""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import pairwise

from tests.contract.commands.labs import new_lab
from tests.reference.chains import PHASES_MS
from tests.reference.rule_runs import LOOKBACK_MS, URL, instant_ms, series_of

from llm_research_lab.alerting.rules import (
    Asked,
    Past,
    Templates,
    evaluate_past,
    read_rules,
)
from llm_research_lab.alerting.rules.expanding import expanding
from llm_research_lab.alerting.rules.seeing import seen_by
from llm_research_lab.commands.metrics.ruling import Ruling, load_rules
from llm_research_lab.commands.metrics.written import batch_of
from llm_research_lab.promql import Options
from llm_research_lab.promql.floats import format_float
from llm_research_lab.storage.timeseries import MemorySeries
from llm_research_lab.vocabulary.matchers import Matcher

OPTIONS = Options(compat=2, lookback_ms=LOOKBACK_MS, default_step_ms=1000)
EXTERNAL = {"region": "eu"}
EVERYTHING = [Matcher("__name__", "=~", ".+")]


@dataclass(slots=True)
class Ours:
    """What became of ours: `states` by the number of a group and the place of a rule."""

    store: MemorySeries
    states: dict

    def written(self, numbers):
        """All that rules of these groups wrote."""
        columns = self.store.select(EVERYTHING, 0, 1 << 62)
        return {
            labels: got for labels, got in series_of(columns).items() if group_of(labels) in numbers
        }


def group_of(labels):
    """The number of the group that wrote a series; None where no rule did."""
    own = dict(labels)
    if "chain" in own:
        return int(own["chain"])
    found = re.match(r"[gG](\d+)[:A]", own.get("alertname") or own["__name__"])
    return int(found[1]) if found else None


def over_the_past(made, *, stepped=False):
    """Evaluate layer by layer, each in one pass over its ticks, or tick by tick."""
    store = MemorySeries()
    store.append(made.batch)
    groups = {one.name: one for one in read_rules(made.path.read_text())[0].groups}
    states = {}
    for layer, phase in enumerate(PHASES_MS):
        own = [one for one in made.chains if one.layer == layer and not one.circular]
        for members, pieces in alike(made, own).items():
            asked = Asked(
                tuple(groups[made.chains[number].name] for number in members),
                lambda need: store.select(need.matchers, need.from_ms, need.to_ms),
                OPTIONS,
                stepped=stepped,
                templates=Templates(expanding(0), EXTERNAL, URL),
                origin_ms=phase,
            )
            past = Past()
            for start, end in pieces:
                evaluate_past(asked, start, end, past)
            for place, number in enumerate(members):
                ticks = made.ticks(made.chains[number])
                states |= stood(asked, past, place, number, ticks[-1])
            store.append(batch_of(past))
    return Ours(store, states)


def alike(made, own):
    """Groups that are evaluated together, and from when to when.

    Those that missed no tick are evaluated at once, each other one alone, between the ticks missed.
    """
    steady, found = [], {}
    ends = [at for one in own for at in (made.ticks(one)[0], made.ticks(one)[-1])]
    start, end = min(ends), max(ends)
    for one in own:
        ticks = made.ticks(one)
        whole = list(range(ticks[0], end + 1, one.interval_ms))
        if ticks == whole and ticks[0] - start < one.interval_ms:
            steady.append(one.number)
        else:
            cuts = [
                0,
                *(i for i, (a, b) in enumerate(pairwise(ticks), 1) if b - a > one.interval_ms),
                len(ticks),
            ]
            found[one.number,] = [(ticks[a], ticks[b - 1]) for a, b in pairwise(cuts)]
    return found | ({tuple(steady): [(start, end)]} if steady else {})


def stood(asked, past, place, number, at_ms):
    """How the rules of a group stand after its last tick, in the words of /api/v1/rules."""
    found = {}
    for index, rule in enumerate(asked.groups[place].rules):
        key = place, index
        errors = [one.why for one in past.failures if one.place == key and one.at_ms == at_ms]
        shown = {"error": errors[0] if errors else ""}
        if rule.kind == "alert":
            told = past.told.get(key, {})
            shown["alerts"] = {
                str(labels): {
                    "state": alert.state,
                    "activeAt": alert.active_at_ms,
                    "value": format_float(told[labels].value, "e"),
                    "annotations": {
                        name: asked.templates.expanded(
                            text,
                            dict(told[labels].labels),
                            told[labels].value,
                            seen_by(asked, past, key, told[labels].at_ms),
                            now_ms=told[labels].at_ms,
                            name=rule.name,
                        )
                        for name, text in rule.annotations
                    },
                }
                for labels, alert in sorted(past.alerts.get(key, {}).items())
                if alert.state != "inactive"
            }
        found[number, index] = shown
    return found


async def live(made, folder):
    """Evaluate each group at each of its ticks, as the process that does it live."""
    store = MemorySeries()
    store.append(made.batch)
    lab = new_lab(folder, "memory")
    try:
        ruling = Ruling(
            lab,
            store,
            load_rules([made.path]),
            OPTIONS,
            default_interval_ms=1000,
            external_labels=EXTERNAL,
            external_url=URL,
        )
        running = {one.loaded.group.name: one for one in ruling.running}
        ticks = sorted((at, one.number) for one in made.chains for at in made.ticks(one))
        for at, number in ticks:
            await ruling.tick(running[made.chains[number].name], at)
        groups = {one["name"]: one for one in ruling.groups()}
    finally:
        lab.database.close()
    return Ours(store, shown(made, groups))


def shown(made, groups):
    """What /api/v1/rules says, by group and place."""
    found = {}
    for chain in made.chains:
        for index, rule in enumerate(groups[chain.name]["rules"]):
            one = {"error": rule.get("lastError", "")}
            if rule["type"] == "alerting":
                one["alerts"] = {
                    str(tuple(sorted(alert["labels"].items()))): {
                        "state": alert["state"],
                        "activeAt": instant_ms(alert["activeAt"]),
                        "value": alert["value"],
                        "annotations": alert["annotations"],
                    }
                    for alert in sorted(
                        rule["alerts"], key=lambda one: sorted(one["labels"].items())
                    )
                }
            found[chain.number, index] = one
    return found
