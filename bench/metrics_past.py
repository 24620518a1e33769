"""Evaluate rule files over a store's past in this new process, as `lab rules eval` does.

Prints JSON: seconds, processor time, the peak of memory, and what came of it.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

from bench.metrics_rules import EVALUATION_MS
from bench.table import peak_gib
from llm_research_lab.commands.metrics.replaying import evaluate_files
from llm_research_lab.commands.metrics.ruling import load_rules
from llm_research_lab.storage.timeseries.store import FileSeries


def main() -> None:
    root, rules, start, end = sys.argv[1:]
    began = time.perf_counter()
    store = FileSeries.open(Path(root), read_only=True)
    replayed = evaluate_files(store, [Path(rules)], int(start), int(end), EVALUATION_MS)
    seconds = time.perf_counter() - began
    for one in replayed.failures[:5]:
        print(one, file=sys.stderr)
    told = {
        "seconds": seconds,
        "used": time.process_time(),
        "peak_gib": peak_gib(),
        "rules": sum(len(one.group.rules) for one in load_rules([Path(rules)])),
        "intervals": len(replayed.intervals),
        "samples": sum(replayed.records.values()),
        "failures": len(replayed.failures),
    }
    print(json.dumps(told))


if __name__ == "__main__":
    main()
