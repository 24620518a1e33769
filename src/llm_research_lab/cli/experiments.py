"""``lab experiment``: run, list, show, results, compare, cancel, pause, resume, retry."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from llm_research_lab.cli.options import DataDir, Json, Limit, Owner, client_of

if TYPE_CHECKING:
    from llm_research_lab.service.client import Client

app = typer.Typer(
    help="Experiments: a dataset, a prompt, a model, and how answers are scored.",
    no_args_is_help=True,
)
Id = Annotated[str, typer.Argument(help="The experiment's id.")]
FAILED = 1


def path_of(experiment_id: str) -> str:
    """Give the API's path of an experiment; InvalidError when the text can be no id."""
    from llm_research_lab.cli.reading import checked_id

    return f"/v1/experiments/{checked_id(experiment_id, 'experiment')}"


@app.command("run", epilog="Example: lab experiment run capitals.yaml")
def run(
    file: Annotated[Path, typer.Argument(help="YAML or JSON of the experiment; - is stdin.")],
    detach: Annotated[
        bool, typer.Option("--detach", help="Return at once; the lab goes on.")
    ] = False,
    data_dir: DataDir = None,
    as_json: Json = False,
) -> None:
    """Create an experiment, show how far it is, and print its scores.

    Ctrl-C stops the watching, not the experiment. The status is 1 when the experiment failed.
    """
    from llm_research_lab.cli.rendering import note, print_json
    from llm_research_lab.cli.results import print_experiments

    body = read_body(file)
    with client_of(data_dir) as client:
        made = client.post("/v1/experiments", body)
        note(f"{made['id']}: {made['name']}, {made['samples']} samples")
        found = made if detach else watch(client, made)
    if as_json:
        print_json(found)
    else:
        print_experiments([found])
    if found["status"] == "failed":
        raise typer.Exit(FAILED)


def read_body(file: Path) -> dict[str, Any]:
    """Read and check an experiment file; InvalidError has line and column of every mistake."""
    from llm_research_lab.cli.reading import read_document, refused
    from llm_research_lab.experiments.read import read_specification
    from llm_research_lab.vocabulary import usd_text

    source = read_document(file)
    specification, findings = read_specification(source)
    if specification is None or findings:
        raise refused(file, findings)
    body = dict(source.value)
    if specification.cap_usd is not None:
        body["cap_usd"] = usd_text(specification.cap_usd)
    return body


def watch(client: Client, made: dict[str, Any]) -> dict[str, Any]:
    """Follow an experiment to its end, showing how many samples are done."""
    from llm_research_lab.cli.progress import samples
    from llm_research_lab.service.sample import follow

    with samples() as show:
        return follow(client, made["id"], show)


@app.command("list", epilog="Example: lab experiment list --status running")
def list_(
    status: Annotated[str | None, typer.Option(help="Only those of this status.")] = None,
    owner: Owner = None,
    limit: Limit = 20,
    data_dir: DataDir = None,
    as_json: Json = False,
) -> None:
    """List experiments, newest first."""
    from llm_research_lab.cli.rendering import print_json, print_table

    with client_of(data_dir) as client:
        found = list(client.items("/v1/experiments", limit, status=status, owner=owner))
    if as_json:
        print_json(found)
        return
    columns = {
        "id": lambda one: one["id"],
        "name": lambda one: one["name"],
        "owner": lambda one: one["owner"],
        "status": lambda one: one["status"],
        "done": lambda one: f"{one['done']} of {one['samples']}",
        "failed": lambda one: one["failed"],
        "created": lambda one: one["created_at"],
    }
    print_table(found, columns, "No experiments yet: lab experiment run FILE")


@app.command("show", epilog="Example: lab experiment show exp_01JF2Q…")
def show(experiment_id: Id, data_dir: DataDir = None, as_json: Json = False) -> None:
    """Show one experiment: what it runs, how far it is, its scores."""
    from llm_research_lab.cli.rendering import print_fields, print_json
    from llm_research_lab.cli.results import print_experiments

    with client_of(data_dir) as client:
        found = client.get(path_of(experiment_id))
    if as_json:
        print_json(found)
        return
    print_fields({name: value for name, value in found.items() if name != "summary"})
    if found["summary"]:
        print_experiments([found])


@app.command("results", epilog="Example: lab experiment results exp_01JF2Q… --sort -f1 --limit 5")
def results(
    experiment_id: Id,
    sort: Annotated[
        str, typer.Option(help="sample, latency or a metric; -NAME is falling.")
    ] = "sample",
    failed: Annotated[
        bool | None, typer.Option("--failed/--scored", help="Only failures, or none.")
    ] = None,
    kind: Annotated[str | None, typer.Option(help="Only failures of this kind.")] = None,
    cached: Annotated[
        bool | None, typer.Option("--cached/--called", help="Only from the cache, or none.")
    ] = None,
    limit: Limit = 20,
    data_dir: DataDir = None,
    as_json: Json = False,
) -> None:
    """Show samples: the answer, the scores, what each call took."""
    from llm_research_lab.cli.rendering import print_json, print_table

    path = f"{path_of(experiment_id)}/results"
    filters = {"sort": sort, "failed": _word(failed), "kind": kind, "cached": _word(cached)}
    with client_of(data_dir) as client:
        found = list(client.items(path, limit, **filters))
    if as_json:
        print_json(found)
        return
    columns = {
        "sample": lambda one: one["sample"],
        "asked": lambda one: _short(one["messages"][-1]["content"] if one["messages"] else None),
        "answer": lambda one: _short(one["answer"]),
        "scores": lambda one: ", ".join(f"{k} {v:.3g}" for k, v in one["scores"].items()),
        "ms": lambda one: one["latency_ms"],
        "failure": lambda one: one["failure"] and one["failure"]["kind"],
        "cached": lambda one: "yes" if one["cached"] else "no",
    }
    print_table(found, columns, "No results of that kind yet.")


def _word(flag: bool | None) -> str | None:
    return None if flag is None else str(flag).lower()


def _short(text: str | None, width: int = 60) -> str | None:
    if text is None:
        return None
    line = " ".join(text.split())
    return line if len(line) <= width else line[: width - 1] + "…"


@app.command("compare", epilog="Example: lab experiment compare exp_01JF2Q… exp_01JF2R…")
def compare(
    a: Annotated[str, typer.Argument(help="The id of one experiment.")],
    b: Annotated[str, typer.Argument(help="The id of the other.")],
    data_dir: DataDir = None,
    as_json: Json = False,
) -> None:
    """Compare two experiments on one dataset, sample by sample: is B better than A?"""
    from llm_research_lab.cli.rendering import print_json
    from llm_research_lab.cli.results import print_comparison

    with client_of(data_dir) as client:
        found = client.get("/v1/comparisons", a=a, b=b)
    if as_json:
        print_json(found)
    else:
        print_comparison(found)


def _change(verb: str, experiment_id: str, data_dir: Path | None, *, as_json: bool) -> None:
    from llm_research_lab.cli.rendering import print_json, print_line

    with client_of(data_dir) as client:
        found = client.post(f"{path_of(experiment_id)}/{verb}")
    if as_json:
        print_json(found)
    else:
        print_line(f"{found['id']}: {found['status']}")


@app.command("cancel", epilog="Example: lab experiment cancel exp_01JF2Q…")
def cancel(experiment_id: Id, data_dir: DataDir = None, as_json: Json = False) -> None:
    """End an experiment for good; what is done stays."""
    _change("cancel", experiment_id, data_dir, as_json=as_json)


@app.command("pause", epilog="Example: lab experiment pause exp_01JF2Q…")
def pause(experiment_id: Id, data_dir: DataDir = None, as_json: Json = False) -> None:
    """Begin no further call until it is resumed."""
    _change("pause", experiment_id, data_dir, as_json=as_json)


@app.command("resume", epilog="Example: lab experiment resume exp_01JF2Q…")
def resume(experiment_id: Id, data_dir: DataDir = None, as_json: Json = False) -> None:
    """Let a paused experiment go on."""
    _change("resume", experiment_id, data_dir, as_json=as_json)


@app.command("retry", epilog="Example: lab experiment retry exp_01JF2Q…")
def retry(experiment_id: Id, data_dir: DataDir = None, as_json: Json = False) -> None:
    """Run the failed samples of a finished experiment again."""
    _change("retry", experiment_id, data_dir, as_json=as_json)
