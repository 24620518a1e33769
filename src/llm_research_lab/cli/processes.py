"""``lab up``, ``lab api``, ``lab runner``, ``lab ops``: the processes of a lab."""

from __future__ import annotations

from typing import Annotated

import typer

from llm_research_lab.cli.options import DataDir, settings_of

Host = Annotated[str | None, typer.Option(help="Address to listen on.", show_default=False)]
Port = Annotated[int | None, typer.Option(help="Port of the API; 0 any.", show_default=False)]
MetricsPort = Annotated[
    int | None, typer.Option(help="Port of /metrics; 0 any.", show_default=False)
]
Insecure = Annotated[bool, typer.Option("--insecure", help="Accept plain text beyond loopback.")]


def up(
    data_dir: DataDir = None,
    host: Host = None,
    port: Port = None,
    insecure: Insecure = False,
    sample: Annotated[
        bool, typer.Option("--sample", help="Run the sample first, then keep serving.")
    ] = False,
) -> None:
    """Run a whole lab here, API, runner and ops, until Ctrl-C."""
    from llm_research_lab.cli.rendering import note
    from llm_research_lab.service.client import connect
    from llm_research_lab.service.supervisor import run_up

    settings = settings_of(data_dir, host=host, port=port, insecure=insecure or None)

    def ready(url: str) -> None:
        note(f"The lab is ready at {url}")
        if sample:
            from llm_research_lab.cli.demo import show_sample

            with connect(settings) as client:
                show_sample(client)
        _say_where(url, settings.data_dir)

    run_up(settings, ready=ready, quiet=sample)


def _say_where(url: str, data_dir: object) -> None:
    from llm_research_lab.cli.rendering import note

    note(f"\nServing at {url} (Ctrl-C stops it). Where to look:")
    note("  every experiment     lab experiment list")
    note("  answers and scores   lab experiment results ID")
    note("  what goes on now     lab status")
    note("  its metrics          lab query 'experiment_samples_pending' --from -15m")
    note(f"  the API, in full     {url}/v1/openapi.json")
    note(f"  data, key and logs   {data_dir}")


def api(
    data_dir: DataDir = None,
    host: Host = None,
    port: Port = None,
    metrics_port: MetricsPort = None,
    insecure: Insecure = False,
) -> None:
    """Run the HTTP API alone, until SIGTERM."""
    from llm_research_lab.service.api_process import run_api

    flags = {"host": host, "port": port, "api_metrics_port": metrics_port}
    run_api(settings_of(data_dir, **flags, insecure=insecure or None))


def runner(data_dir: DataDir = None, metrics_port: MetricsPort = None) -> None:
    """Run a runner alone: it takes samples, calls models, writes results, until SIGTERM."""
    from llm_research_lab.service.runner_process import run_runner

    run_runner(settings_of(data_dir, runner_metrics_port=metrics_port))


def ops(
    data_dir: DataDir = None,
    port: Annotated[
        int | None, typer.Option(help="Port of Prometheus's API; 0 any.", show_default=False)
    ] = None,
) -> None:
    """Run the metrics alone: scrape, keep, answer PromQL, until SIGTERM."""
    from llm_research_lab.service.ops_process import run_ops

    run_ops(settings_of(data_dir, ops_port=port))


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command("up", epilog="Example: lab up --data-dir .lab")(up)
    app.command("api", epilog="Example: lab api --port 8080")(api)
    app.command("runner", epilog="Example: lab runner")(runner)
    app.command("ops", epilog="Example: lab ops --port 9095")(ops)
