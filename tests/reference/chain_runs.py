"""A real Prometheus evaluates rules for some seconds and sends what fires to a real Alertmanager.

An hour's timers are made seconds. Samples are written ahead, and only when Prometheus has found its
Alertmanager: what it sends before is lost. What the receivers were told is what is given, with the
ticks at which the rules were evaluated.
"""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np
from tests.reference.chain_cases import EDGE_MS
from tests.reference.chains import SCRAPE_MS, STALE, Chain, named, samples
from tests.reference.rule_runs import LOOKBACK_MS, series_of
from tests.servers.alertmanager_server import alertmanager, now_ms, webhook
from tests.servers.prometheus_server import prometheus

from llm_research_lab.alerting.notifying import Silence
from llm_research_lab.promql.values import Need
from llm_research_lab.scrape.remote.wire import decode_read_response, encode_read
from llm_research_lab.storage.timeseries import Batch
from llm_research_lab.vocabulary import rfc3339
from llm_research_lab.vocabulary.labels import labels_of
from llm_research_lab.vocabulary.matchers import Matcher

CONFIG = """
global:
  scrape_interval: 1h
  evaluation_interval: 1s
  external_labels: {{region: eu}}
rule_files: ['{path}']
alerting:
  alertmanagers:
  - static_configs: [{{targets: ['{target}']}}]
"""
FLAGS = ("--web.enable-lifecycle", f"--query.lookback-delta={LOOKBACK_MS}ms")
RESEND_MS = 2_000
END_MS = 650
"""When in a second a run ends: what a flush at 300 ms told has come, the rules are not yet due."""
AHEAD_MS = 700
"""Samples are sent so long before the first of them, at least."""
STARTS_MS = 150
"""How long after its process begins an Alertmanager does."""


@dataclass(frozen=True, slots=True)
class Chained:
    """What became of a run."""

    chains: tuple[Chain, ...]
    path: object
    batches: tuple[Batch, ...]
    ticks: dict
    """When each group was evaluated, by its number."""
    config: str
    silences: tuple[Silence, ...]
    messages: tuple
    """What the receivers were told: instant, path, body."""
    from_ms: int
    """When the Alertmanager began."""
    begin_ms: int
    """The first sample is not before."""
    end_ms: int
    resend_ms: int


def chained(folder, worlds, seed, seconds, resend_ms=RESEND_MS):
    """Run the worlds for some seconds from the first sample on."""
    flags = *FLAGS, f"--rules.alert.resend-delay={resend_ms}ms"
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "rules.yml"
    named(worlds.chains, path)
    path.write_text(json.dumps({"groups": [one.written for one in worlds.chains]}))
    quiet = CONFIG.replace("rule_files: ['{path}']", "")
    with webhook() as (url, told), prometheus(folder, quiet.format(target="x"), flags) as server:
        config = worlds.config(url, time_intervals(now_ms() + (5 + seconds // 2) * 1000))
        with alertmanager(folder / "alertmanager", config) as sent_to:
            target = sent_to.url.removeprefix("http://")
            (folder / "prometheus.yml").write_text(CONFIG.format(path=path, target=target))
            # Groups of a configuration that is loaded later restore nothing.
            answer = server.client.post(f"{server.url}/-/reload")
            assert answer.status_code == 200, answer.text
            _found(server)
            begin_ms = (now_ms() + AHEAD_MS) // 1000 * 1000 + 1_000
            batch = samples(seed, begin_ms, begin_ms + (seconds + 5) * 1000)
            server.write(batch)
            planted = signals(worlds, begin_ms)
            server.write(planted)
            silences = tuple(_silence(sent_to, one, begin_ms) for one in worlds.silences)
            end_ms = begin_ms + seconds * 1000 + END_MS
            time.sleep((end_ms + 100 - now_ms()) / 1000)
            ticks = _ticks(server, begin_ms, end_ms)
    with told.lock:
        messages = tuple(one for one in told.messages if one[0] <= end_ms)
    return Chained(
        tuple(worlds.chains),
        path,
        (batch, planted),
        ticks,
        config,
        silences,
        messages,
        sent_to.started_ms + STARTS_MS,
        begin_ms,
        end_ms,
        resend_ms,
    )


def signals(worlds, begin_ms):
    """Give the samples of what is planted: of value 1, with a marker where they end."""
    rows = []
    for labels, spans in worlds.signals:
        pairs = labels_of({"__name__": "signal", **labels})
        for start, end in spans:
            span = begin_ms + start * 1000, begin_ms + end * 1000
            rows += [(pairs, at_ms, 1.0, False) for at_ms in range(*span, SCRAPE_MS)]
            rows.append((pairs, span[1], STALE, True))
    rows.sort(key=lambda row: row[1])
    return Batch(
        tuple(row[0] for row in rows),
        np.array([row[1] for row in rows], np.int64),
        np.array([row[2] for row in rows], np.float64),
        np.array([row[3] for row in rows], np.bool_),
    )


def time_intervals(about_ms):
    """Give intervals that hold always, never, before and after the minute next to an instant."""
    minute = datetime.fromtimestamp(round(about_ms / 60_000) * 60, UTC)
    # Nothing is before the first minute of a day.
    clock = f"{minute:%H:%M}".replace("00:00", "00:01")
    return [
        {"name": "always", "time_intervals": [{}]},
        {"name": "never", "time_intervals": [{"years": ["1990"]}]},
        {"name": "before", "time_intervals": [_times("00:00", clock)]},
        {"name": "after", "time_intervals": [_times(clock, "24:00")]},
    ]


def _times(start, end):
    return {"times": [{"start_time": start, "end_time": end}]}


def _found(server):
    """Wait until Prometheus knows its Alertmanager: it looks every five seconds."""
    for _ in range(200):
        told = server.client.get(f"{server.url}/api/v1/alertmanagers").json()
        if told["data"]["activeAlertmanagers"]:
            return
        time.sleep(0.05)
    raise AssertionError(told)


def _silence(server, planned, begin_ms):
    matchers, starts, ends = planned
    # Whole seconds from the beginning: never in the past, which would be moved.
    starts_ms, ends_ms = (begin_ms + one * 1000 + EDGE_MS for one in (starts + 1, ends + 1))
    body = {
        "matchers": [
            {"name": name, "value": value, "isRegex": "~" in op, "isEqual": "!" not in op}
            for name, op, value in matchers
        ],
        "startsAt": rfc3339(starts_ms),
        "endsAt": rfc3339(ends_ms),
        "createdBy": "test",
        "comment": "test",
    }
    made, _ = server.silence(body)
    return Silence(made, tuple(Matcher(*one) for one in matchers), starts_ms, ends_ms)


def _ticks(server, from_ms, to_ms):
    """Read when each group was evaluated."""
    need = Need((Matcher("__name__", "=", "chain:tick"),), from_ms, to_ms)
    answer = server.client.post(
        f"{server.url}/api/v1/read",
        content=encode_read([need]),
        headers={"Content-Encoding": "snappy", "Content-Type": "application/x-protobuf"},
    )
    assert answer.status_code == 200, answer.text
    (columns,) = decode_read_response(answer.content)
    found = series_of(columns)
    return {int(dict(labels)["chain"]): sorted(got) for labels, got in found.items()}
