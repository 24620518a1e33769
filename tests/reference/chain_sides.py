"""What a chain told, theirs and ours, in one shape: by receiver and group, in the order of time."""

from __future__ import annotations

from datetime import datetime

from tests.reference.chain_runs import LOOKBACK_MS
from tests.reference.chains import PHASES_MS

from llm_research_lab.alerting.notifying import (
    Notification,
    course,
    read_routes,
)
from llm_research_lab.alerting.rules import (
    Asked,
    Past,
    Templates,
    evaluate_past,
    intervals,
    read_rules,
)
from llm_research_lab.alerting.rules.expanding import expanding
from llm_research_lab.promql import Options
from llm_research_lab.storage.timeseries import MemorySeries
from llm_research_lab.stories.replay import arrivals, firings
from llm_research_lab.stories.replay.firing import Sending
from llm_research_lab.vocabulary.labels import labels_of

OPTIONS = Options(compat=2, lookback_ms=LOOKBACK_MS, default_step_ms=1000)
EXTERNAL = labels_of({"region": "eu"})


def steady(run):
    """The groups of rules that missed no tick."""
    found = set()
    for one in run.chains:
        phase = PHASES_MS[one.layer]
        first = run.begin_ms + (phase - run.begin_ms) % one.interval_ms
        due = list(range(first, run.end_ms + 1, one.interval_ms))
        if run.ticks.get(one.number) == due:
            found.add(one.number)
    return found


def pasts(run, numbers):
    """Evaluate the groups, phase by phase: give the groups and their past."""
    store = MemorySeries()
    for batch in run.batches:
        store.append(batch)
    groups = {one.name: one for one in read_rules(run.path.read_text())[0].groups}
    for layer, phase in enumerate(PHASES_MS):
        own = tuple(
            groups[one.name] for one in run.chains if one.layer == layer and one.number in numbers
        )
        if own:
            asked = Asked(
                own,
                lambda need: store.select(need.matchers, need.from_ms, need.to_ms),
                OPTIONS,
                1000,
                templates=Templates(expanding(0), dict(EXTERNAL)),
                origin_ms=phase,
            )
            yield own, evaluate_past(asked, run.begin_ms, run.end_ms, Past())


def sent(run, numbers):
    """What our story sends of what fired."""
    fired = []
    for groups, past in pasts(run, numbers):
        fired += firings(intervals(groups, past), EXTERNAL)
    every = {one.name: one.interval_ms for one in run.chains}
    return arrivals(fired, run.end_ms, Sending(every, resend_delay_ms=run.resend_ms))


def ours(run, numbers):
    """What our course tells."""
    configuration, findings = read_routes(run.config, where="alertmanager.yml", mode="classic")
    assert configuration is not None, findings
    found = {}
    for one in course(configuration, sent(run, numbers), run.silences, run.from_ms, run.end_ms):
        if isinstance(one, Notification):
            index = one.integration.removeprefix("webhook[").removesuffix("]")
            alerts = [
                (
                    alert.labels,
                    "firing" if alert.ends_ms is None else "resolved",
                    alert.starts_ms,
                    alert.ends_ms,
                )
                for alert in one.alerts
            ]
            told = (one.status, one.group_labels, alerts), one.at_ms
            found.setdefault((f"/{one.receiver}/{index}", one.group_key), []).append(told)
    return found


def theirs(run):
    """What the receivers were told."""
    found = {}
    for at_ms, path, body in run.messages:
        alerts = [
            (
                labels_of(alert["labels"]),
                alert["status"],
                _ms(alert["startsAt"]),
                _ms(alert["endsAt"]) if alert["status"] == "resolved" else None,
            )
            for alert in body["alerts"]
        ]
        told = (body["status"], labels_of(body["groupLabels"]), alerts), at_ms
        found.setdefault((path, body["groupKey"]), []).append(told)
    return found


def _ms(text):
    return round(datetime.fromisoformat(text).timestamp() * 1000)
