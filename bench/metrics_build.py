"""Make all that the benches of the metrics engine measure on, in BENCH_METRICS_DIR, and no more.

What is there already, and as it would be made now, is left alone.
"""

from __future__ import annotations

import os
import sys

from bench import metrics_growth, metrics_store
from bench import metrics_sides as sides
from bench.metrics_data import Phases


def main() -> int:
    if not os.environ.get("BENCH_METRICS_DIR"):
        print("set BENCH_METRICS_DIR: elsewhere nothing would be kept", file=sys.stderr)
        return 2
    kinds: tuple[Phases, ...] = ("aligned", "own")
    with sides.place() as folder:
        for phases in kinds:
            sides.our_store(folder, sides.days(), phases)
            sides.feed(sides.their_root(folder, sides.days(), phases), sides.days(), phases)
        sides.our_store(folder, metrics_growth.longest(), "aligned")
        metrics_store.build(folder)
    sides.progress("all is there")
    return 0


if __name__ == "__main__":
    sys.exit(main())
