"""The pages of docs/reference are derived from the code: a page that differs is stale."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

HEAD = "<!-- Written by `make docs`; change the code, not this page. -->\n\n"


def pages() -> dict[str, str]:
    """Give every generated page's text by its file's name."""
    makers: Mapping[str, Callable[[], Iterator[str]]] = {
        "api.md": _api,
        "cli.md": _cli,
        "evaluators.md": _evaluators,
        "events.md": _events,
        "metrics.md": _metrics,
        "roles.md": _roles,
        "settings.md": _settings,
        "spans.md": _spans,
    }
    return {name: HEAD + "\n".join(made()).rstrip() + "\n" for name, made in makers.items()}


def _settings() -> Iterator[str]:
    from llm_research_lab.service.settings import PREFIX, Settings

    yield "# Settings\n"
    yield "`lab.toml` in the data directory < `LAB_…` in the environment < `--flag`. An unknown key"
    yield "is an error with a suggestion. Durations are in seconds, sizes in bytes.\n"
    yield "| Setting | Environment | Default | Meaning |\n|---|---|---|---|"
    for name, field in Settings.model_fields.items():
        default = f"`{field.default}`" if field.default not in (None, frozenset(), "") else ""
        meaning = _cell(field.description or "")
        yield f"| `{name}` | `{PREFIX}{name.upper()}` | {default} | {meaning} |"


def _roles() -> Iterator[str]:
    from llm_research_lab.security import ACTIONS, ROLE_ACTIONS, ROLES

    yield "# Roles\n"
    yield "What is not in the table is refused and audited. *own*: on things of the caller's own"
    yield "user; *any*: on anybody's.\n"
    yield f"| Action | {' | '.join(ROLES)} |\n|---|{'---|' * len(ROLES)}"
    for action in ACTIONS:
        reaches = (ROLE_ACTIONS[role].get(action, "") for role in ROLES)
        yield f"| `{action}` | {' | '.join(reaches)} |"


def _evaluators() -> Iterator[str]:
    import inspect

    from llm_research_lab.experiments.evaluators import KINDS

    yield "# Evaluators\n"
    yield "Each is a pure function of an answer and its row. `target` is a template over the row's"
    yield "columns. The other keys of an evaluator are options of its kind.\n"
    for name, kind in KINDS.items():
        yield f"## `{name}`\n"
        yield inspect.cleandoc(kind.doc) + "\n"
        if kind.options:
            yield "| Option | Default | Meaning |\n|---|---|---|"
            for option in kind.options:
                default = "" if option.default is None else f"`{_json(option.default)}`"
                yield f"| `{option.name}` | {default} | {_cell(option.doc)} |"
        yield ""


def _cli() -> Iterator[str]:
    import typer

    from llm_research_lab.cli.application import app

    yield "# The command `lab`\n"
    yield "Every command takes `--help`; tables take `--json`. `lab --install-completion` teaches"
    yield "your shell. Status: 0 done, 1 refused or failed, 2 a wrong command line, 130 Ctrl-C.\n"
    yield from _command("lab", typer.main.get_command(app))


def _command(path: str, command: Any) -> Iterator[str]:
    """Describe a command, then those below it."""
    below = getattr(command, "commands", {})
    if not below:
        yield f"## `{path}`\n\n{_plain(command.help)}\n"
        rows = [_parameter(one) for one in command.params if one.name != "help"]
        if rows:
            yield "| Argument | Default | Meaning |\n|---|---|---|"
            yield from rows
            yield ""
        if command.epilog:
            yield f"    {command.epilog.removeprefix('Example: ')}\n"
    for name, one in below.items():
        yield from _command(f"{path} {name}", one)


def _parameter(parameter: Any) -> str:
    option = parameter.param_type_name == "option"
    shown = ", ".join(parameter.opts) if option else parameter.name.upper()
    default = parameter.default
    known = default is not None and default is not False and isinstance(default, str | int | float)
    value = f"`{default}`" if known else ("" if option else "needed" if parameter.required else "")
    return f"| `{shown}` | {value} | {_cell(getattr(parameter, 'help', '') or '')} |"


def _api() -> Iterator[str]:
    from llm_research_lab.api.application import openapi

    document = openapi()
    yield "# The API\n"
    yield "All of it in `GET /v1/openapi.json`. A key goes in `Authorization: Bearer lab_…`; errors"
    yield "are `application/problem+json` with `where`, `expected`, `got` and `fix`. Lists give"
    yield "`next_cursor`. A POST with an `Idempotency-Key` is done once, whoever sends it twice.\n"
    yield "| Method | Path | Does |\n|---|---|---|"
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            does = _cell(
                operation.get("description", operation.get("summary", "")).split("\n\n")[0]
            )
            yield f"| {method.upper()} | `{path}` | {does} |"


def _metrics() -> Iterator[str]:
    from llm_research_lab.signals.reference import metrics_page
    from llm_research_lab.telemetry.catalog import declaration

    return metrics_page(declaration())


def _events() -> Iterator[str]:
    from llm_research_lab.signals.reference import events_page
    from llm_research_lab.telemetry.catalog import declaration

    return events_page(declaration())


def _spans() -> Iterator[str]:
    from llm_research_lab.signals.reference import spans_page
    from llm_research_lab.telemetry.catalog import declaration

    return spans_page(declaration())


def _json(value: Any) -> str:
    import json

    return json.dumps(value)


def _plain(text: str | None) -> str:
    return " ".join((text or "").split())


def _cell(text: str) -> str:
    return _plain(text).replace("|", "\\|")
