"""A file of unit tests is run with the rule files that it names, seen from its directory."""

from __future__ import annotations

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
        files = {}
        for pattern in named:
            place = Path(pattern) if pattern.startswith("/") else path.parent / pattern
            for one in sorted(place.parent.glob(place.name)):
                seen = str(one) if pattern.startswith("/") else str(one.relative_to(path.parent))
                files[seen] = one.read_bytes()
    except OSError as error:
        raise explained(error, path) from error
    except ValueError:  # a rule file above the directory: named as it was written
        files = {pattern: (path.parent / pattern).read_bytes() for pattern in named}
    options = Options(compat=2 if compat == 2 else 3)  # noqa: PLR2004
    return run_unit_tests(text, files, options, expanding(0))
