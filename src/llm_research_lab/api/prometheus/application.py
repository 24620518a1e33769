"""The doors of `lab ops`: Prometheus's API under ``/api/v1``, guarded by our keys."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs

from anyio import CapacityLimiter, to_thread
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from llm_research_lab.api.prometheus import parameters as read
from llm_research_lab.api.prometheus.answers import stats_of, success, value_of
from llm_research_lab.api.prometheus.guarding import Guard
from llm_research_lab.api.prometheus.receiving import while_wanted
from llm_research_lab.api.prometheus.views import Views
from llm_research_lab.commands.metrics.engine import AT_ONCE, TIMEOUT_SECONDS, Cancelling
from llm_research_lab.promql import parse, pretty
from llm_research_lab.promql.values import Grid
from llm_research_lab.scrape.remote.wire import decode_read, decode_write, encode_read_response
from llm_research_lab.vocabulary import NotFoundError
from llm_research_lab.vocabulary.labels import label

if TYPE_CHECKING:
    from collections.abc import Sequence

    from starlette.requests import Request

    from llm_research_lab.api.prometheus.receiving import Given
    from llm_research_lab.vocabulary.labels import Labels


def make_ops_app(views: Views) -> Starlette:
    """Make the application over what the views show."""
    doors = _Doors(views)
    app = Starlette(routes=doors.routes())
    app.state.views = views
    return app


class _Doors:
    """The handlers."""

    def __init__(self, views: Views) -> None:
        self.views = views
        self.places = CapacityLimiter(AT_ONCE)

    def routes(self) -> list[Route]:
        """Give the addresses."""
        guard = Guard(self.views)
        api, both = "/api/v1", ["GET", "POST"]
        reads = {
            "query": self.query,
            "query_range": self.query_range,
            "query_exemplars": self.exemplars,
            "format_query": self.format_query,
            "series": self.series,
            "labels": self.labels,
        }
        shows = {
            "label/{name}/values": self.label_values,
            "metadata": self.metadata,
            "targets": self.targets,
            "rules": self.rules,
            "alerts": self.alerts,
            "status/config": self.config,
            "status/buildinfo": self.buildinfo,
            "status/tsdb": self.tsdb,
            "status/runtimeinfo": self.runtimeinfo,
            "status/flags": self.flags,
        }
        return [
            *(
                Route(f"{api}/{path}", guard.reading(do), methods=both)
                for path, do in reads.items()
            ),
            *(Route(f"{api}/{path}", guard.reading(do)) for path, do in shows.items()),
            Route(f"{api}/admin/tsdb/snapshot", guard.writing(self.snapshot), methods=["POST"]),
            Route(f"{api}/admin/tsdb/compact", guard.writing(self.compact), methods=["POST"]),
            Route(f"{api}/write", guard.writing(self.write), methods=["POST"]),
            Route(f"{api}/read", guard.remote(self.read), methods=["POST"]),
            Route("/metrics", self.metrics),
            Route("/-/healthy", self.healthy),
            Route("/-/ready", self.ready),
        ]

    # ── Queries ────────────────────────────────────────────────────────────────────────────────

    async def query(self, request: Request, given: Given) -> Response:
        """Answer at one instant."""
        now = self.views.lab.now()
        text = read.one(given, "time")
        at = read.instant("time", text) if text else now
        return await self._ask(request, given, Grid(at, at, 0), as_range=False)

    async def query_range(self, request: Request, given: Given) -> Response:
        """Answer at many instants."""
        return await self._ask(request, given, read.grid(given), as_range=True)

    async def _ask(self, request: Request, given: Given, grid: Grid, *, as_range: bool) -> Response:
        seconds, lookback = TIMEOUT_SECONDS, None
        if text := read.one(given, "timeout"):
            seconds = min(seconds, read.length("timeout", text) / 1000)
        if text := read.one(given, "lookback_delta"):
            lookback = read.length("lookback_delta", text)
        cancelling = Cancelling(seconds)
        ask = partial(
            self.views.engine.ask,
            read.one(given, "query"),
            grid,
            cancelling=cancelling,
            lookback_ms=lookback,
        )
        # Threads of their own: questions that wait for a place hold up nobody's samples.
        work = to_thread.run_sync(ask, limiter=self.places)
        told = await while_wanted(request, work, cancelling)
        answer = told.answer
        data = await run_in_threadpool(value_of, answer, grid, as_range=as_range)
        if read.one(given, "stats"):
            data["stats"] = stats_of(told)
        return success(data, answer.warnings, answer.infos)

    async def exemplars(self, _request: Request, given: Given) -> Response:
        """Answer that none are kept."""
        parse(read.one(given, "query"))
        return success([])

    async def format_query(self, _request: Request, given: Given) -> Response:
        """Write the expression as it would be written well."""
        return success(pretty(parse(read.one(given, "query"))))

    # ── Series and labels ──────────────────────────────────────────────────────────────────────

    async def series(self, _request: Request, given: Given) -> Response:
        """Name the series that any selector accepts."""
        if not given.get("match[]"):
            raise read.bad("match[]", "at least one selector", "none")
        found = await self._series(given)
        return _limited(given, [dict(one) for one in sorted(found)])

    async def labels(self, _request: Request, given: Given) -> Response:
        """Name the labels of the series that any selector accepts."""
        found = await self._series(given)
        return _limited(given, sorted({name for one in found for name, _ in one}))

    async def label_values(self, request: Request, given: Given) -> Response:
        """Name the values of a label."""
        name = request.path_params["name"]
        found = {label(one, name) for one in await self._series(given)} - {""}
        return _limited(given, sorted(found))

    async def _series(self, given: Given) -> set[Labels]:
        start, end = read.span(given)
        selectors: list[Any] = list(read.selectors(given)) or [()]
        found: set[Labels] = set()
        for matchers in selectors:
            found.update(await run_in_threadpool(self.views.store.series, matchers, start, end))
        return found

    # ── What is there ──────────────────────────────────────────────────────────────────────────

    async def metadata(self, _request: Request, given: Given) -> Response:
        """Give type, unit and help by metric."""
        known = self.views.metadata()
        wanted = read.one(given, "metric")
        return success({n: m for n, m in known.items() if not wanted or n == wanted})

    async def targets(self, _request: Request, given: Given) -> Response:
        """Give what is scraped, and how it went."""
        state = read.one(given, "state") or "any"
        active = list(self.views.targets()) if state in {"any", "active"} else []
        dropped = list(self.views.dropped()) if state in {"any", "dropped"} else []
        return success({"activeTargets": active, "droppedTargets": dropped})

    async def rules(self, _request: Request, given: Given) -> Response:
        """Give the groups, and the state of each rule."""
        kind = {"alert": "alerting", "record": "recording"}.get(read.one(given, "type"))
        groups = []
        for group in self.views.groups():
            rules = [one for one in group["rules"] if kind is None or one["type"] == kind]
            groups.append({**group, "rules": rules})
        return success({"groups": groups})

    async def alerts(self, _request: Request, _given: Given) -> Response:
        """Give the alerts that are pending or firing."""
        found = [
            alert
            for group in self.views.groups()
            for rule in group["rules"]
            for alert in rule.get("alerts", ())
        ]
        return success({"alerts": found})

    async def config(self, _request: Request, _given: Given) -> Response:
        """Give the configuration that is in force."""
        return success({"yaml": self.views.config()})

    async def buildinfo(self, _request: Request, _given: Given) -> Response:
        """Say what this is: version 2's words, for tools that ask what they may use."""
        return success(
            {
                "version": self.views.version,
                "revision": "",
                "branch": "",
                "buildUser": "",
                "buildDate": "",
                "goVersion": "",
                "application": "llm-research-lab",
            }
        )

    async def tsdb(self, _request: Request, _given: Given) -> Response:
        """Give what the store holds."""
        return success(await run_in_threadpool(self.views.status))

    async def runtimeinfo(self, _request: Request, _given: Given) -> Response:
        """Give how the process is."""
        return success({"reloadConfigSuccess": True, "storageRetention": ""})

    async def flags(self, _request: Request, _given: Given) -> Response:
        """Give no flags: settings are in docs/reference/settings.md."""
        return success({})

    async def metrics(self, request: Request) -> Response:
        """Give this process's own metrics, to whoever scrapes."""
        accept = request.headers.get("accept", "")
        encodings = request.headers.get("accept-encoding", "")
        body, headers = await run_in_threadpool(self.views.exposed, accept, encodings)
        return Response(body, headers=headers)

    async def healthy(self, _request: Request) -> Response:
        """Say that the process answers."""
        return PlainTextResponse("The lab's metrics are healthy.\n")

    async def ready(self, _request: Request) -> Response:
        """Say whether it may be used, and if not, why."""
        reasons = self.views.ready()
        if reasons:
            return PlainTextResponse("\n".join(reasons) + "\n", 503)
        return PlainTextResponse("The lab's metrics are ready.\n")

    # ── Remote ─────────────────────────────────────────────────────────────────────────────────

    async def write(self, _request: Request, body: bytes) -> Response:
        """Take samples in; they are on disk when this is answered.

        Samples that are refused are said by 400, as Prometheus does, so that the sender counts
        them and does not send them again; the others of the request are kept.
        """
        if not self.views.writes:
            raise NotFoundError("remote write", "a store that takes samples", "none", "see ops_*")
        batch = await run_in_threadpool(decode_write, body)
        done = await run_in_threadpool(self.views.store.append, batch)
        refused = {
            "too old": done.too_old,
            "too far ahead": done.too_new,
            "with another value than is kept": done.conflicting,
        }
        got = ", ".join(f"{count:,} {why}" for why, count in refused.items() if count)
        if got:
            said = f"{got}, of {len(batch.labels):,} samples"
            raise read.bad("body", "samples that can be kept", said)
        return Response(status_code=204)

    async def snapshot(self, _request: Request, body: bytes) -> Response:
        """Make a consistent copy of the store in a directory of this machine."""
        place = read.one(parse_qs(body.decode("utf-8", errors="replace")), "place")
        if not place.startswith("/"):
            raise read.bad("place", "a path from the root", repr(place[:200]))
        await run_in_threadpool(self.views.administer.snapshot, Path(place))
        return success({"name": place})

    async def compact(self, _request: Request, _body: bytes) -> Response:
        """Join blocks, and carry out deletes and retention."""
        await run_in_threadpool(self.views.administer.compact)
        return success({})

    async def read(self, _request: Request, body: bytes) -> Response:
        """Give samples out."""
        queries = await run_in_threadpool(decode_read, body)
        results = [
            await run_in_threadpool(self.views.store.select, one.matchers, one.from_ms, one.to_ms)
            for one in queries
        ]
        packed = await run_in_threadpool(encode_read_response, results)
        headers = {"Content-Encoding": "snappy"}
        return Response(packed, media_type="application/x-protobuf", headers=headers)


def _limited(given: Given, found: Sequence[Any]) -> Response:
    text = read.one(given, "limit") or "0"
    if not (text.isascii() and text.isdigit() and len(text) <= 18):  # noqa: PLR2004 - 64 bits
        raise read.bad("limit", "a whole number that is not negative", repr(text[:60]))
    limit = int(text)
    if 0 < limit < len(found):
        return success(found[:limit], ["results truncated due to limit"])
    return success(list(found))
