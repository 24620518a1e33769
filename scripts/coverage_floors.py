"""Hold the floors of coverage: every line of floors 1 to 3, nine tenths of the doors and stores."""

from __future__ import annotations

import json
import sys
from collections import defaultdict
from pathlib import Path

PURE = {
    "vocabulary",
    "documents",
    "promql",
    "templates",
    "alerting",
    "experiments",
    "cost",
    "security",
    "oncall",
    "audit",
    "signals",
    "stories",
}
PURE_FLOOR, FLOOR = 100.0, 90.0


def rooms(report: dict[str, dict[str, dict[str, list[int]]]]) -> dict[str, tuple[int, list[str]]]:
    """Per room: lines that ran, and the ones that did not as ``file:line``."""
    ran: dict[str, int] = defaultdict(int)
    missed: dict[str, list[str]] = defaultdict(list)
    for file, found in report["files"].items():
        parts = Path(file).parts
        room = parts[parts.index("llm_research_lab") + 1].removesuffix(".py")
        ran[room] += len(found["executed_lines"])
        missed[room] += [f"{file}:{line}" for line in found["missing_lines"]]
    return {room: (ran[room], missed[room]) for room in sorted(ran)}


def main() -> int:
    """Print a line a room; 1 when one is below its floor."""
    report = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    below = False
    for room, (ran, missed) in rooms(report).items():
        total = ran + len(missed)
        share = 100.0 * ran / total if total else 100.0
        floor = PURE_FLOOR if room in PURE else FLOOR
        low = share < floor
        below |= low
        print(f"coverage {room:<14} {share:6.1f} %  of {total:5} lines, floor {floor:.0f} %")
        if low:
            print("  not run: " + ", ".join(missed[:20]) + (" ..." if len(missed) > 20 else ""))  # noqa: PLR2004
    return int(below)


if __name__ == "__main__":
    sys.exit(main())
