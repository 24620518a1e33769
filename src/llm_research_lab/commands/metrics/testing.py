"""A file of unit tests is run with the rule files that it names, seen from its directory."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from glob import glob
from pathlib import Path

from llm_research_lab.alerting.rules import Report, read_unit_tests, run_unit_tests
from llm_research_lab.alerting.rules.expanding import expanding
from llm_research_lab.promql import Options
from llm_research_lab.storage.private import explained


def run_file(path: Path, compat: int) -> Report:
    """Run the tests of a file. Raises what `explained` makes of a file that cannot be read."""
    try:
        text = path.read_bytes()
        file, _ = read_unit_tests(text)
        named = () if file is None else file.rule_files
        files = {name: Path(place).read_bytes() for name, place in _found(named, path.parent)}
    except OSError as error:
        raise explained(error, path) from error
    options = Options(compat=2 if compat == 2 else 3)  # noqa: PLR2004
    return run_unit_tests(text, files, options, expanding(0))


def _found(patterns: Iterable[str], directory: Path) -> Iterator[tuple[str, str]]:
    """Give the files that patterns stand for: each as the pattern spells it, and where it is."""
    for pattern in patterns:
        spelt = pattern.replace("[^", "[!")
        for place in sorted(glob(spelt if spelt.startswith("/") else f"{directory}/{spelt}")):  # noqa: PTH207 - patterns may begin with ..
            yield (place if spelt.startswith("/") else place.removeprefix(f"{directory}/")), place
