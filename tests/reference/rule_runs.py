"""A real Prometheus evaluates groups of rules for some seconds; what it wrote is read back.

The samples to read are written before, those of the seconds to come too: what a rule sees depends
on its tick alone. A group that saw less of another one than it should have, since the machine was
late, says so itself (`Chain.written`), and is left out with all that read it.
"""

from __future__ import annotations

import json
import math
import time
from dataclasses import dataclass

import numpy as np
from tests.reference.chains import PHASES_MS, named, samples
from tests.servers.prometheus_server import prometheus

from llm_research_lab.promql.values import Need
from llm_research_lab.scrape.remote.wire import decode_read_response, encode_read
from llm_research_lab.vocabulary.matchers import Matcher

CONFIG = """
global:
  scrape_interval: 1h
  evaluation_interval: 1s
  external_labels: {{region: eu}}
rule_files: ['{path}']
"""
URL = "http://lab.example:9090/prom"
LOOKBACK_MS = 3_000
"""Short, so that series that end without a marker end within the run."""
FLAGS = (
    "--web.enable-lifecycle",
    f"--query.lookback-delta={LOOKBACK_MS}ms",
    f"--web.external-url={URL}",
    "--web.route-prefix=/",
)
BEFORE_MS, AFTER_MS = 6_000, 90_000
REST_MS = 850
"""When in a second all layers are done."""


@dataclass(slots=True)
class Run:
    """What became of a run: `series` are `{labels: {time: value}}`, a marker's value None."""

    chains: list
    path: object
    batch: object
    series: dict
    groups: dict
    """Of /api/v1/rules, by name."""

    def ticks(self, chain):
        """When the group was evaluated."""
        return sorted(self._own("chain:tick", chain.number))

    def _own(self, name, number, **more):
        labels = {"__name__": name, "chain": str(number), **more}
        return self.series.get(tuple(sorted(labels.items())), {})

    def steady(self):
        """The groups that saw all they should have seen."""
        sound = []
        for one in self.chains:
            known = {good.number for good in sound}
            late = any(self._missed(one, of) for of in one.reads)
            if not late and (one.circular or known.issuperset(one.reads)):
                sound.append(one)
        return sound

    def _missed(self, reader, number):
        done = sorted(self._own("chain:done", number))
        told = self._own("chain:seen", reader.number, of=str(number))
        for tick in self.ticks(reader):
            due = max((at for at in done if tick - LOOKBACK_MS <= at <= tick), default=None)
            seen = told.get(tick)
            if due != (None if seen is None else round(seen * 1000)):
                return True
        return False


def run(folder, chains, seed, seconds):
    """Run the groups for some seconds."""
    path = folder / "rules.yml"
    named(chains, path)
    with prometheus(folder, CONFIG.format(path=path), FLAGS) as server:
        now = round(time.time() * 1000)
        batch = samples(seed, now - BEFORE_MS, now + AFTER_MS)
        server.write(batch)
        path.write_text(json.dumps({"groups": [one.written for one in chains]}))
        _rest()
        # Groups of the first configuration write no alerts for two ticks; those of a later one do.
        answer = server.client.post(f"{server.url}/-/reload")
        assert answer.status_code == 200, answer.text
        time.sleep(seconds)
        for _ in range(20):
            _rest()
            first = _last_ticks(server)
            told = server.client.get(f"{server.url}/api/v1/rules").json()
            groups = {one["name"]: one for one in told["data"]["groups"]}
            if first == _last_ticks(server) and _are_done(chains, groups, first):
                made = _read(server, now - BEFORE_MS, now + AFTER_MS)
                series = {labels: got for labels, got in made.items() if _is_ruled(labels)}
                return Run(chains, path, batch, _until(series, max(first.values())), groups)
    raise AssertionError("the groups did not come to rest within twenty seconds")


def _rest():
    """Wait for the part of the second in which no group is evaluated."""
    phase = time.time() * 1000 % 1000
    if not PHASES_MS[-1] + 100 < phase < REST_MS + 50:
        time.sleep((REST_MS - phase) % 1000 / 1000)


def _last_ticks(server):
    found = server.ask("query", query="chain:tick")["data"]["result"]
    return {one["metric"]["chain"]: round(float(one["value"][1]) * 1000) for one in found}


def _are_done(chains, groups, ticks):
    """Whether every group's last evaluation is the one of its last tick, and has ended."""
    for one in chains:
        tick = ticks.get(str(one.number))
        if tick is None or instant_ms(groups[one.name]["lastEvaluation"]) < tick:
            return False
    return True


def instant_ms(text):
    """Milliseconds of an RFC 3339 time with a fraction of up to nine digits, cut."""
    whole, _, fraction = text.rstrip("Z").partition(".")
    return int(np.datetime64(whole, "ms").astype(np.int64)) + int((fraction + "000")[:3])


def _read(server, from_ms, to_ms):
    """Read all series by remote read, which has the markers."""
    need = Need((Matcher("__name__", "=~", ".+"),), from_ms, to_ms)
    answer = server.client.post(
        f"{server.url}/api/v1/read",
        content=encode_read([need]),
        headers={"Content-Encoding": "snappy", "Content-Type": "application/x-protobuf"},
    )
    assert answer.status_code == 200, answer.text
    (columns,) = decode_read_response(answer.content)
    return series_of(columns, drop="region")


def series_of(columns, drop=""):
    """Columns as `{labels: {time: value}}`."""
    found = {}
    for one in columns:
        for row, labels in enumerate(one.labels):
            stale = np.zeros(len(one.times), np.bool_) if one.stale is None else one.stale[row]
            kept = tuple(pair for pair in labels if pair[0] != drop)
            cells = zip(one.times.tolist(), one.values[row].tolist(), stale.tolist(), strict=True)
            found.setdefault(kept, {}).update(
                {time: None if marked else value for time, value, marked in cells}
            )
    return found


def _is_ruled(labels):
    name = dict(labels)["__name__"]
    return name.startswith(("chain:", "ALERTS")) or name[0] == "g"


def _until(series, end_ms):
    """Cut off what is later."""
    cut = {
        labels: {at: value for at, value in got.items() if at <= end_ms}
        for labels, got in series.items()
    }
    return {labels: got for labels, got in cut.items() if got}


def same(one, other):
    """Equal to a relative 1e-9; NaN equals NaN, a marker only a marker."""
    if one is None or other is None:
        return one is other
    return (
        one == other
        or (math.isnan(one) and math.isnan(other))
        or math.isclose(one, other, rel_tol=1e-9)
    )
