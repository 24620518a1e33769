"""``lab promql``: Prometheus's test scripts, run on this engine; an expression, written well."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from llm_research_lab.cli.options import Json

app = typer.Typer(help="Test and format PromQL expressions.", no_args_is_help=True)


@app.command("test", epilog="Example: lab promql test functions.test")
def run(
    files: Annotated[list[Path], typer.Argument(help="Scripts in promqltest's language.")],
    as_json: Json = False,
) -> None:
    """Run test scripts; the last line counts. Status 1 when anything failed."""
    from llm_research_lab.cli.rendering import print_json, print_line
    from llm_research_lab.promql.scripts import Failure, Report, run_script
    from llm_research_lab.vocabulary import LabError

    total, told = Report(), []
    for file in files:
        try:
            report = run_script(file.read_text(encoding="utf-8"))
        except LabError as error:
            report = Report(failures=[Failure(0, str(error))])
        except (OSError, UnicodeDecodeError) as error:
            report = Report(failures=[Failure(0, str(error))])
        total.passed += report.passed
        total.unsupported += report.unsupported
        total.failures += report.failures
        told += [
            {"file": str(file), "line": one.line, "message": one.message} for one in report.failures
        ]
    if as_json:
        counts = {"passed": total.passed, "failed": len(told), "unsupported": total.unsupported}
        print_json({**counts, "failures": told})
    else:
        for one in told:
            print_line(f"{one['file']}:{one['line']}: {one['message']}")
        print_line(f"{total.passed} passed, {len(told)} failed, {total.unsupported} unsupported")
    raise typer.Exit(1 if told else 0)


@app.command("format", epilog="Example: lab promql format 'sum(rate(x[5m]))by(job)'")
def format_(expression: Annotated[str, typer.Argument(help="A PromQL expression.")]) -> None:
    """Write an expression as it would be written well."""
    from llm_research_lab.cli.rendering import print_line
    from llm_research_lab.promql import parse, pretty

    print_line(pretty(parse(expression, experimental=True)))
