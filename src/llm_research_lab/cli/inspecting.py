"""``lab status`` and ``lab doctor``: what goes on, and what a newcomer trips on."""

from __future__ import annotations

import typer

from llm_research_lab.cli.options import DataDir, Json, client_of, settings_of

FAILED = 1


def status(data_dir: DataDir = None, as_json: Json = False) -> None:
    """Show what the running lab does now: experiments, waiting samples, runners."""
    from llm_research_lab.cli.rendering import print_fields, print_json

    with client_of(data_dir) as client:
        found = {"url": client.url, **client.get("/v1/status")}
    if as_json:
        print_json(found)
        return
    experiments = ", ".join(f"{n} {name}" for name, n in sorted(found["experiments"].items()))
    runners = ", ".join(f"{one['name']} ({one['samples']} samples)" for one in found["runners"])
    print_fields(
        {
            "url": found["url"],
            "version": found["version"],
            "experiments": experiments or "none",
            "samples waiting": found["samples_pending"],
            "runners at work": runners or "none",
        }
    )


def doctor(data_dir: DataDir = None, as_json: Json = False) -> None:
    """Check what a lab needs here, and say how to mend what is amiss; 1 when something fails."""
    from dataclasses import asdict

    from llm_research_lab.cli.rendering import print_json, print_table
    from llm_research_lab.service.doctor import examine

    found = examine(settings_of(data_dir))
    if as_json:
        print_json([asdict(one) for one in found])
    else:
        columns = {
            "check": lambda one: one.name,
            "is": lambda one: one.outcome,
            "what": lambda one: one.what,
            "fix": lambda one: one.fix,
        }
        print_table(found, columns, "Nothing was checked.")
    if any(one.outcome == "fail" for one in found):
        raise typer.Exit(FAILED)


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command("status", epilog="Example: lab status --json")(status)
    app.command("doctor", epilog="Example: lab doctor")(doctor)
