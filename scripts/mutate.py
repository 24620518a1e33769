"""A survivor is a decision that no test pins: change the code, run the room's unit tests, count.

``python scripts/mutate.py oncall alerting/rules --sample 150 --seed 6``

A package is a folder or a file under ``src/llm_research_lab``. The tests run in private copies of
the tree, in processes forked from one that holds the libraries, so that a mutant costs its tests
alone; Hypothesis draws the same examples each time. ``mutants.py`` says what is changed.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import resource
import shutil
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from importlib import import_module
from importlib.util import cache_from_source
from pathlib import Path

from mutants import Mutant, mutants_of

ROOT = Path(__file__).resolve().parent.parent
HOUSE, TESTS = "src/llm_research_lab", "tests/unit"
LEFT_OUT = shutil.ignore_patterns(
    ".git", ".venv*", ".lab*", ".*_cache", "__pycache__", ".hypothesis"
)
HELD = ("hypothesis.strategies", "numpy", "pytest", "re2", "ruamel.yaml")
PROCESSES, MEMORY_BYTES = 2, 6 << 30
SLOWER, GRACE_S = 2, 5
"""A mutant may take twice the processor time of the code that it was made of, and five seconds."""
WALL_S = 600
"""And so long by the clock, should it wait for something."""


def files_of(root: Path, package: str) -> list[str]:
    """The modules of a package (or the one file), as the tree names them."""
    at = root / HOUSE / package.removeprefix(f"{HOUSE}/").rstrip("/")
    found = [at] if at.suffix == ".py" else sorted(at.rglob("*.py"))
    if not found or not found[0].is_file():
        sys.exit(f"where: {package}; expected: a folder or file under {HOUSE}; got: nothing there")
    return [str(file.relative_to(root)) for file in found]


def tests_of(root: Path, file: str) -> list[str]:
    """The unit tests of a module's room: those named like it, those that name it, the others.

    They stand in the nearest folder that mirrors the module's, less what mirrors its siblings'.
    """
    module = Path(file).relative_to(HOUSE)
    room = next(r for r in module.parents if (root / TESTS / r).is_dir())
    folder, own = root / TESTS / room, module.relative_to(room).parts[0]
    siblings = {d.name for d in (root / HOUSE / room).iterdir() if d.is_dir() and d.name != own}

    def place(test: Path) -> tuple[bool, bool, int, str]:
        name, text = test.stem.removeprefix("test_"), test.read_text(encoding="utf-8")
        alike = module.stem.startswith(name) or name.startswith(module.stem)
        return not alike, f".{module.stem} import" not in text, len(text), str(test)

    tests = (t for t in folder.rglob("test_*.py") if t.relative_to(folder).parts[0] not in siblings)
    return [str(t.relative_to(root)) for t in sorted(tests, key=place)]


def run_tests(tree: Path, tests: list[str], limit_s: int | None) -> int:
    """In a child: pytest's exit status on a tree; without a limit, what is compiled is kept."""
    os.setsid()
    os.chdir(tree)
    os.dup2(os.open("output.txt", os.O_WRONLY | os.O_CREAT | os.O_TRUNC), 1)
    os.dup2(1, 2)
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    if limit_s is not None:
        resource.setrlimit(resource.RLIMIT_CPU, (limit_s, limit_s))
    sys.path[:0] = [str(tree / "src"), str(tree)]
    sys.dont_write_bytecode = limit_s is not None
    pytest, given = import_module("pytest"), import_module("hypothesis")
    given.settings.register_profile(
        "mutation",
        derandomize=True,
        database=None,
        deadline=None,
        max_examples=50,
        phases=[given.Phase.explicit, given.Phase.generate],
        suppress_health_check=list(given.HealthCheck),
    )
    os.environ["HYPOTHESIS_PROFILE"] = "mutation"
    return int(pytest.main(["-x", "-q", "-p", "no:cacheprovider", "-p", "no:schemathesis", *tests]))


def fork(tree: Path, tests: list[str], limit_s: int | None) -> int:
    """A child's id; the child runs the tests and never returns from here."""
    sys.stdout.flush()
    if child := os.fork():
        return child
    status = 3
    try:
        status = run_tests(tree, tests, limit_s)
    finally:
        os._exit(status)


def seconds_of(tree: Path, tests: list[str]) -> float:
    """The processor time that the unchanged code takes; the program ends if its tests fail."""
    _, status, used = os.wait4(fork(tree, tests, None), 0)
    if status:
        sys.exit(f"{(tree / 'output.txt').read_text()}\nThe tests fail on the code as it is.")
    return used.ru_utime + used.ru_stime


def judged(
    trees: list[Path], mutants: list[Mutant], sources: dict[str, bytes]
) -> Iterator[tuple[Mutant, str]]:
    """Each mutant with killed, survived or timeout, as they end; at most one in a tree."""
    tests = {file: tests_of(trees[0], file) for file in {m.file for m in mutants}}
    rooms = {tuple(sorted(t)): t for t in tests.values()}
    limits = {
        room: round(SLOWER * max(seconds_of(t, one) for t in trees)) + GRACE_S
        for room, one in rooms.items()
    }
    waiting, free = mutants[::-1], list(trees)
    running: dict[int, tuple[Mutant, Path, float]] = {}
    try:
        while waiting or running:
            while waiting and free:
                mutant, tree = waiting.pop(), free.pop()
                lay(tree, mutant, mutant.applied(sources[mutant.file]))
                own = tests[mutant.file]
                child = fork(tree, own, limits[tuple(sorted(own))])
                running[child] = mutant, tree, time.monotonic() + WALL_S
            late = [c for c, (_, _, until) in running.items() if time.monotonic() > until]
            for child in late:
                os.killpg(child, signal.SIGKILL)
            child, status = (
                (late[0], *os.waitpid(late[0], 0)[1:]) if late else os.waitpid(-1, os.WNOHANG)
            )
            if not child:
                time.sleep(0.02)
                continue
            mutant, tree, _ = running.pop(child)
            lay(tree, mutant, sources[mutant.file])
            free.append(tree)
            endless = os.WIFSIGNALED(status)
            yield mutant, "timeout" if endless else "killed" if status else "survived"
    finally:
        for child in running:
            os.killpg(child, signal.SIGKILL)


def lay(tree: Path, mutant: Mutant, source: bytes) -> None:
    """Write a tree's file, and forget what was compiled of it."""
    Path(cache_from_source(str(tree / mutant.file))).unlink(missing_ok=True)
    (tree / mutant.file).write_bytes(source)


def table(verdicts: dict[Mutant, str], sources: dict[str, bytes]) -> Iterator[str]:
    """A row a file, the score, and every survivor."""
    yield f"{'file':<64} killed survived timeout"
    for file in [*sorted({m.file for m in verdicts}), ""]:
        count = Counter(v for m, v in verdicts.items() if file in ("", m.file))
        name = file.removeprefix(f"{HOUSE}/") or "all"
        yield f"{name:<64} {count['killed']:>6} {count['survived']:>8} {count['timeout']:>7}"
    yield f"score {score(verdicts):.1f} % of {len(verdicts)} mutants"
    yield from (m.diff(sources[m.file]) for m, v in sorted(verdicts.items()) if v == "survived")


def score(verdicts: dict[Mutant, str]) -> float:
    """The share, in percent, that the tests noticed; a mutant that never ends was noticed."""
    noticed = sum(v != "survived" for v in verdicts.values())
    return 100.0 * noticed / len(verdicts) if verdicts else 100.0


def main() -> None:
    """Draw a sample, judge it in two trees at a time, print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("packages", nargs="+", metavar="PACKAGE")
    parser.add_argument("--sample", type=int, help="so many of all mutants; all without it")
    parser.add_argument("--seed", type=int, default=0, help="equal seeds, equal samples")
    parser.add_argument("--json", action="store_true", help="one JSON object instead of the table")
    asked = parser.parse_args()
    os.nice(10)
    os.environ |= {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
    for library in HELD:
        import_module(library)
    with tempfile.TemporaryDirectory(prefix="mutate-") as folder:
        trees = [Path(folder, str(n)) for n in range(PROCESSES)]
        for tree in trees:
            shutil.copytree(ROOT, tree, ignore=LEFT_OUT, symlinks=True)
        files = sorted({file for package in asked.packages for file in files_of(trees[0], package)})
        sources = {file: (trees[0] / file).read_bytes() for file in files}
        mutants = [m for file in files for m in mutants_of(file, sources[file])]
        if asked.sample is not None and asked.sample < len(mutants):
            mutants = sorted(random.Random(asked.seed).sample(mutants, asked.sample))  # noqa: S311 - a sample, no secret
        verdicts = {}
        for mutant, verdict in judged(trees, mutants, sources):
            verdicts[mutant] = verdict
            note = f"\n{mutant.diff(sources[mutant.file])}\n" if verdict == "survived" else ""
            print(f"\r{len(verdicts)}/{len(mutants)}{note}", end="", file=sys.stderr, flush=True)
    if asked.json:
        rows = [
            {"file": m.file, "line": m.line, "diff": m.diff(sources[m.file]), "verdict": v}
            for m, v in sorted(verdicts.items())
        ]
        print(json.dumps({"score": score(verdicts), "seed": asked.seed, "mutants": rows}, indent=1))
    else:
        print("\n".join(table(verdicts, sources)))


if __name__ == "__main__":
    main()
