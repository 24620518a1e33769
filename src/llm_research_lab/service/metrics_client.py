"""The metrics of a lab: of the `lab ops` that runs on the directory, else of the store itself."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx

from llm_research_lab.service.run_files import url_of
from llm_research_lab.vocabulary import InvalidError, UnavailableError

if TYPE_CHECKING:
    from llm_research_lab.promql.values import Grid
    from llm_research_lab.service.settings import Settings
    from llm_research_lab.storage.timeseries.store import FileSeries

_TIMEOUT = httpx.Timeout(130.0, connect=5.0)


def ops_url(data_dir: Path) -> str | None:
    """Where the `lab ops` of the directory listens, by run/ops.json of a process that lives."""
    return url_of(data_dir, "ops")


def ask(settings: Settings, text: str, grid: Grid) -> dict[str, Any]:
    """Answer in Prometheus's shape: ``data``, ``warnings``, ``infos``. Raises LabError."""
    url = ops_url(settings.data_dir)
    if url is None:
        return _read(settings, text, grid)
    params: dict[str, str] = {"query": text}
    if grid.step_ms:
        path = "query_range"
        params |= {"start": f"{grid.start_ms / 1000}", "end": f"{grid.end_ms / 1000}"}
        params |= {"step": f"{grid.step_ms / 1000}"}
    else:
        path = "query"
        params |= {"time": f"{grid.start_ms / 1000}"}
    return _posted(settings, f"{url}/api/v1/{path}", params)


def _posted(settings: Settings, address: str, params: dict[str, str]) -> dict[str, Any]:
    from llm_research_lab.service.client import key_of

    headers = {"Authorization": f"Bearer {key_of(settings).reveal()}", "User-Agent": "lab"}
    try:
        with httpx.Client(headers=headers, timeout=_TIMEOUT, trust_env=False) as client:
            answer = client.post(address, data=params)
    except httpx.HTTPError as error:
        got = str(error) or type(error).__name__
        raise UnavailableError(
            f"lab ops at {address}", "an answer", got, "see lab status"
        ) from error
    try:
        found: dict[str, Any] = answer.json()
    except ValueError:
        said = answer.text.strip()[:300]
        raise InvalidError("query", "an answer", said, "see lab doctor") from None
    if found.get("status") != "success":
        raise InvalidError("query", "an expression with an answer", found["error"], "mend it")
    return found


def snapshot(settings: Settings, place: Path) -> None:
    """Make a snapshot of the store, by the process that writes it. Raises LabError."""
    _administer(settings, "snapshot", lambda store: store.snapshot(place), place=str(place))


def compact(settings: Settings) -> None:
    """Compact the store, by the process that writes it. Raises LabError."""
    _administer(settings, "compact", lambda store: store.compact())


def _administer(
    settings: Settings, what: str, do: Callable[[FileSeries], None], **params: str
) -> None:
    """Have the running `lab ops` do it; without one, do it here."""
    url = ops_url(settings.data_dir)
    if url is None:
        from llm_research_lab.service.metrics_store import open_series

        with open_series(settings, write=True) as store:
            do(store)
        return
    _posted(settings, f"{url}/api/v1/admin/tsdb/{what}", params)


def _read(settings: Settings, text: str, grid: Grid) -> dict[str, Any]:
    """Answer from the directory's store, which is only read."""
    import orjson

    from llm_research_lab.api.prometheus.answers import success, value_of
    from llm_research_lab.commands.metrics.engine import Engine
    from llm_research_lab.service.metrics_store import open_series

    with open_series(settings, write=False) as store:
        answer = Engine(store).ask(text, grid).answer
        data = value_of(answer, grid, as_range=bool(grid.step_ms))
        body = success(data, answer.warnings, answer.infos).body
        told: dict[str, Any] = orjson.loads(bytes(body))
        return told
