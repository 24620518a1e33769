"""``lab replay``: who would have been woken, by these rules, routes and roster, over a history."""

from __future__ import annotations

import gc
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from llm_research_lab.cli.options import DataDir, Json, settings_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from llm_research_lab.commands.replay.running import Replayed, Span

app = typer.Typer(
    help="Replay rules, routes and a roster over a history: who would have been woken, and why.",
    invoke_without_command=True,
)

SHOWN = 40
"""So many people woken are printed; all of them are in --json and --report."""

FAILED = 3
"""The status when a condition of --fail-on holds."""

Report = Annotated[Path | None, typer.Option("--report", help="Write all of it to one HTML file.")]
FailOn = Annotated[
    list[str] | None,
    typer.Option("--fail-on", help="End with status 3 when this holds: new-night-pages>0, say."),
]


@app.callback(
    epilog="Example: lab replay --from -7d --rules rules --routes alertmanager.yml "
    "--roster roster.yaml --report who.html"
)
def replay(
    context: typer.Context,
    start: Annotated[str, typer.Option("--from", help="The first instant: -7d, say.")] = "-7d",
    end: Annotated[str, typer.Option("--to", help="The last instant.")] = "now",
    rules: Annotated[Path | None, typer.Option(help="Rule files: a directory.")] = None,
    routes: Annotated[Path | None, typer.Option(help="An alertmanager.yml.")] = None,
    roster: Annotated[Path | None, typer.Option(help="Who is on call: a roster file.")] = None,
    source: Annotated[
        Path | None,
        typer.Option(help="A store, a .parquet or an .om file; the lab's own without it."),
    ] = None,
    responders: Annotated[
        Path | None, typer.Option(help="How soon people acknowledge: a responders file.")
    ] = None,
    against: Annotated[
        Path | None,
        typer.Option(help="A directory with what stands today: rules/, alertmanager.yml, …"),
    ] = None,
    remember: Annotated[
        Path | None,
        typer.Option(help="Remember there what rules gave: a second replay computes what changed."),
    ] = None,
    fail_on: FailOn = None,
    report: Report = None,
    data_dir: DataDir = None,
    as_json: Json = False,
) -> None:
    """Evaluate the rules over the past, follow what fires through routes and on-call to people.

    Files are Prometheus's and Alertmanager's own; the roster's format is in docs/how-to/on-call.md.
    """
    if context.invoked_subcommand is not None:
        return
    from llm_research_lab.cli.metrics.spans import span as read_span
    from llm_research_lab.commands.replay.history import history
    from llm_research_lab.commands.replay.inputs import read_inputs, standing
    from llm_research_lab.commands.replay.running import Span
    from llm_research_lab.vocabulary import InvalidError

    if rules is None or routes is None or roster is None:
        wanted = {"--rules": rules, "--routes": routes, "--roster": roster}
        missing = ", ".join(name for name, given in wanted.items() if given is None)
        expected, fix = "rules, routes and a roster", "name them, or see: lab replay demo"
        raise InvalidError("lab replay", expected, f"no {missing}", fix)
    grid = read_span(start, end)
    inputs = read_inputs(rules, routes, roster, responders)
    before = None
    if against is not None:
        before = standing(against, (rules, routes, roster, responders))
    _check(fail_on, compared=before is not None)
    place = settings_of(data_dir).data_dir if source is None else source
    with history(place) as store:
        _run(
            store,
            Span(grid.start_ms, grid.end_ms),
            [*([] if before is None else [before]), inputs],
            fail_on,
            report,
            as_json=as_json,
            memory=None if remember is None else (remember, place),
        )


@app.command(epilog="Example: lab replay demo --report demo.html")
def demo(
    days: Annotated[int, typer.Option(min=1, max=90, help="So many days of the quarter.")] = 90,
    keep: Annotated[
        Path | None, typer.Option(help="Keep the history and the files in this directory.")
    ] = None,
    report: Report = None,
    fail_on: FailOn = None,
    as_json: Json = False,
) -> None:
    """Make up a quarter of a lab's life, and replay the specification's files against better ones.

    With --keep, change a file there and run it again: the history is made once.
    """
    import tempfile

    from llm_research_lab.cli.progress import counted
    from llm_research_lab.cli.rendering import note
    from llm_research_lab.commands.replay.demo import World
    from llm_research_lab.commands.replay.demonstration import CORRECTED, HISTORY, WRITTEN, made

    _check(fail_on, compared=True)
    with tempfile.TemporaryDirectory(prefix="lab-replay-") as folder:
        place = Path(folder, "demo") if keep is None else keep
        with counted("making the quarter") as said:
            demonstration = made(place, World(days), said)
        if keep is not None:
            note(f"the history and the files are in {keep}")
        with demonstration.history() as store:
            sets = [demonstration.inputs(WRITTEN), demonstration.inputs(CORRECTED)]
            memory = None if keep is None else (keep / "remembered", keep / HISTORY)
            _run(
                store,
                demonstration.span,
                sets,
                fail_on,
                report,
                as_json=as_json,
                known=True,
                memory=memory,
            )


def _check(conditions: Sequence[str] | None, *, compared: bool) -> None:
    """Refuse a wrong condition before the work, not after it."""
    from llm_research_lab.commands.replay.failing import failed
    from llm_research_lab.commands.replay.telling import FIGURES
    from llm_research_lab.vocabulary import InvalidError

    for condition in conditions or ():
        if not compared:
            fix = "name what stands today: --against DIR"
            raise InvalidError("--fail-on", "two sets of files", "one", fix)
        failed(condition, dict.fromkeys(FIGURES, 0))


@contextmanager
def _uncollected() -> Iterator[None]:
    """Let the collector rest: almost all that a replay makes stays, and would be looked at anew."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


@_uncollected()
def _run(
    store: Any,
    span: Span,
    sets: Sequence[Any],
    fail_on: Sequence[str] | None,
    report: Path | None,
    *,
    as_json: bool,
    known: bool = False,
    memory: tuple[Path, Path] | None = None,
) -> None:
    """Replay each set of files, then print, write and judge."""
    from llm_research_lab.cli.rendering import note, print_json, print_line
    from llm_research_lab.commands.replay.demo import EPISODES
    from llm_research_lab.commands.replay.failing import failed
    from llm_research_lab.commands.replay.report import write_report
    from llm_research_lab.commands.replay.telling import compared, counts, told
    from llm_research_lab.commands.replay.truth import truth
    from llm_research_lab.stories.replay import compare

    done = []
    for place, inputs in enumerate(sets):
        kept = _memory(memory, f"{place}" if len(sets) > 1 else "0")
        done.append(_replayed(store, span, inputs, kept, _names(place, len(sets))))
    found = compare(done[0].records, done[1].records) if len(done) > 1 else None
    value = told(done[-1])
    if found is not None:
        value |= {"comparison": compared(found), "before": told(done[0])}
    if known:
        sides = {"before": done[0].records, "after": done[1].records}
        value["truth"] = truth(EPISODES, (span.from_ms, span.to_ms), sides)
    if report is not None:
        write_report(report, value)
    if as_json:
        print_json(value)
    else:
        _print(value)
        if report is not None:
            print_line(f"\nThe whole of it, to look at: {report}")
    broken = [one for one in fail_on or () if found is not None and failed(one, counts(found))]
    for one in broken:
        note(f"--fail-on {one}: it holds")
    if broken:
        raise typer.Exit(FAILED)


def _names(place: int, of: int) -> str:
    return "replaying" if of == 1 else f"replaying {('what stands', 'what is new')[place]}"


def _memory(given: tuple[Path, Path] | None, name: str) -> Any:
    from llm_research_lab.commands.replay.history import digest_of
    from llm_research_lab.commands.replay.running import Memory

    if given is None:
        return None
    place, history = given
    (place / name).mkdir(parents=True, exist_ok=True)
    return Memory(place / name, digest_of(history))


def _replayed(store: Any, span: Span, inputs: Any, memory: Any, name: str) -> Replayed:
    from llm_research_lab.cli.progress import counted
    from llm_research_lab.commands.replay.running import replay_history

    with counted(name) as said:
        return replay_history(inputs, store, span, memory=memory, said=said)


def _print(value: dict[str, Any]) -> None:
    from llm_research_lab.cli.metrics.charts import sparkline
    from llm_research_lab.cli.rendering import note, print_fields, print_line, print_table

    head = value["head"]
    print_line(f"Replayed from {head['from'][:16]}Z to {head['to'][:16]}Z")
    for one in head["unknown"]:
        rules = f" ({', '.join(one['rules'])})" if one["rules"] else ""
        note(f"not known: {one['told']}{rules}")
    print_line("\nWho would have been woken")
    woken = value["woken"]
    columns = {
        "their time": lambda row: row["local"],
        "who": lambda row: row["name"],
        "alert": lambda row: ", ".join(row["alerts"]),
        "severity": lambda row: row["severity"],
        "level": lambda row: row["level"],
        "acknowledged": _answer,
        "why": lambda row: row["why"][-1],
    }
    print_table(woken[:SHOWN], columns, "Nobody.")
    if len(woken) > SHOWN:
        print_line(f"… and {len(woken) - SHOWN} more: --json or --report has them all")
    if value["by_person"]:
        print_line("")
        print_table(value["by_person"], _PEOPLE, "")
        days = ", ".join(f"{day} {count}" for day, count in value["by_weekday"].items() if count)
        hours = value["by_hour"]
        bars = sparkline([float(count) for count in hours], 0.0, float(max(hours)), 24)
        print_line(f"by day of the week: {days}; by hour, 0 to 23 where they live: {bars}")
    print_line("\nAlerts that fired and woke nobody")
    print_table(_quiet(value["alerts"]), _QUIET, "None.")
    if value["never_fired"]:
        print_line(f"\nNever fired: {', '.join(value['never_fired'])}")
    if "comparison" in value:
        print_line("\nAgainst what stands today")
        before, after = value["before"]["totals"], value["totals"]
        figures = value["comparison"]
        print_fields(
            {
                "times woken": f"{before['times_woken']} before, {after['times_woken']} after",
                "at night": f"{before['times_woken_at_night']} before, "
                f"{after['times_woken_at_night']} after",
                "pages gone": figures["gone_pages"],
                "pages new": figures["new_pages"],
                "earlier, later": f"{figures['earlier_pages']}, {figures['later_pages']}",
                "nights saved": figures["nights_saved"],
            }
        )

    if "truth" in value:
        print_line("\nWhat really happened, and who was woken for it")
        print_table(value["truth"]["episodes"], _EPISODES, "Nothing.")
        wrong = value["truth"]["for_nothing"]
        print_line(f"woken for nothing: {wrong['before']} times before, {wrong['after']} after")


def _side(name: str) -> Any:
    """Show whom a set of files woke for an episode."""

    def shown(row: dict[str, Any]) -> str:
        found = row[name]
        if not found["times"]:
            return "missed" if row["wanted"] else "nobody"
        much = f", {found['times']} times" if found["times"] > 1 else ""
        return f"{found['first']} after {found['after_seconds'] / 60:.0f} min{much}"

    return shown


_EPISODES = {
    "what": lambda row: row["name"],
    "from": lambda row: row["from"][5:16].replace("T", " "),
    "worth waking": lambda row: "yes" if row["wanted"] else "no",
    "as the specification has it": _side("before"),
    "corrected": _side("after"),
}


def _answer(row: dict[str, Any]) -> str:
    if row["acknowledged_by"] is None:
        return "by nobody"
    own = "" if row["acknowledged_by"] == row["user"] else f" by {row['acknowledged_by']}"
    return f"after {row['after_seconds'] / 60:.0f} min{own}"


def _quiet(alerts: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Count by alert those that woke nobody, with the reason that is most frequent."""
    from collections import Counter

    found: dict[str, Counter[str]] = {}
    for one in alerts:
        if one["outcome"] != "woken":
            found.setdefault(one["alert"], Counter())[_reason(one)] += 1
    return [
        {"alert": name, "times": sum(reasons.values()), "why": reasons.most_common(1)[0][0]}
        for name, reasons in sorted(found.items())
    ]


_PEOPLE = {
    "who": lambda row: row["name"],
    "woken": lambda row: row["woken"],
    "at night": lambda row: row["at_night"],
    "at weekends": lambda row: row["at_weekends"],
}
_QUIET = {
    "alert": lambda row: row["alert"],
    "times": lambda row: row["times"],
    "why, mostly": lambda row: row["why"],
}


def _reason(one: dict[str, Any]) -> str:
    if one["unpaged"]:
        return str(one["unpaged"][0])
    if one["joined"]:
        return "its page was open already"
    if one["told"]:
        receivers = dict.fromkeys(each["receiver"] for each in one["told"])
        return f"told to {', '.join(receivers)}, which wakes nobody"
    if one["withheld"]:
        return str(one["withheld"][0]["why"])
    return "over before its group was told"


def register(root: typer.Typer) -> None:
    """Add the command."""
    root.add_typer(app, name="replay")
