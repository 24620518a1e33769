"""The doors of `lab ops`: Prometheus's API under ``/api/v1``, guarded by our keys."""

from __future__ import annotations

import asyncio
import gzip
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs

from anyio import CapacityLimiter, to_thread
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from llm_research_lab.api.middleware.authentication import key_in
from llm_research_lab.api.middleware.limits import LOOPBACK
from llm_research_lab.api.prometheus import parameters as read
from llm_research_lab.api.prometheus.answers import failure, stats_of, success, value_of
from llm_research_lab.api.prometheus.views import Views
from llm_research_lab.commands.access import authenticate, require
from llm_research_lab.commands.metrics.engine import AT_ONCE, TIMEOUT_SECONDS, Cancelling
from llm_research_lab.promql import parse, pretty
from llm_research_lab.promql.values import Grid
from llm_research_lab.scrape.remote.wire import decode_read, decode_write, encode_read_response
from llm_research_lab.telemetry.events import emit
from llm_research_lab.vocabulary import LabError, NotFoundError, TooLargeError
from llm_research_lab.vocabulary.labels import label

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence

    from starlette.requests import Request

    from llm_research_lab.security import Action
    from llm_research_lab.vocabulary.labels import Labels

BODY_BYTES = 32 << 20
"""Longest request: Prometheus sends at most 2,000 samples of remote write at a time."""

FIELDS = 10_000
"""Most fields of a form: a dashboard that asks by many selectors sends some hundreds."""

GONE = 499
"""Nobody is there to be answered. Source: nginx's word for it, as the API's metrics have it."""

GZIP_BYTES = 1_000
"""A shorter answer is not worth packing."""

Given = dict[str, list[str]]


def make_ops_app(views: Views) -> Starlette:
    """Make the application over what the views show."""
    doors = _Doors(views)
    app = Starlette(routes=doors.routes())
    app.state.views = views
    return app


class _Doors:
    """The handlers. Reads need ``metrics.read``, or nothing where anonymous reads are allowed."""

    def __init__(self, views: Views) -> None:
        self.views = views
        self.places = CapacityLimiter(AT_ONCE)

    def routes(self) -> list[Route]:
        """Give the addresses."""
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
                Route(f"{api}/{path}", self._reading(do), methods=both)
                for path, do in reads.items()
            ),
            *(Route(f"{api}/{path}", self._reading(do)) for path, do in shows.items()),
            Route(f"{api}/admin/tsdb/snapshot", self._writing(self.snapshot), methods=["POST"]),
            Route(f"{api}/admin/tsdb/compact", self._writing(self.compact), methods=["POST"]),
            Route(f"{api}/write", self._writing(self.write), methods=["POST"]),
            Route(f"{api}/read", self._remote(self.read), methods=["POST"]),
            Route("/metrics", self.metrics),
            Route("/-/healthy", self.healthy),
            Route("/-/ready", self.ready),
        ]

    # ── Who may ────────────────────────────────────────────────────────────────────────────────

    def _reading(self, do: Callable[[Request, Given], Awaitable[Response]]) -> Any:
        async def handler(request: Request) -> Response:
            await self._check(request, "metrics.read", anonymous=self.views.anonymous)
            answer = await do(request, await _given(request))
            return await run_in_threadpool(_packed, request, answer)

        return _guarded(handler, plain=False)

    def _writing(self, do: Callable[[Request, bytes], Awaitable[Response]]) -> Any:
        return self._raw(do, "metrics.write", anonymous=False)

    def _remote(self, do: Callable[[Request, bytes], Awaitable[Response]]) -> Any:
        return self._raw(do, "metrics.read", anonymous=self.views.anonymous)

    def _raw(
        self,
        do: Callable[[Request, bytes], Awaitable[Response]],
        action: Action,
        *,
        anonymous: bool,
    ) -> Any:
        async def handler(request: Request) -> Response:
            await self._check(request, action, anonymous=anonymous)
            return await do(request, await _body(request))

        return _guarded(handler, plain=True)

    async def _check(self, request: Request, action: Action, *, anonymous: bool) -> None:
        """Raise unless the key may do it. A key that is sent is always looked at.

        Without a key only who names this machine may read: a page of another site whose name was
        pointed at 127.0.0.1 (DNS rebinding) does not.
        """
        key = key_in(request.scope["headers"])
        if key is None and anonymous and _named(request) in LOOPBACK:
            return
        source = request.client.host if request.client else "local"
        agent = request.headers.get("user-agent")
        lab = self.views.lab
        caller = await authenticate(lab, key, source, agent, request.url.path)
        await require(lab, caller, action, "metrics", "store")

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
        told = await _while_wanted(request, work, cancelling)
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
        return success({"activeTargets": active, "droppedTargets": []})

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


def _guarded(
    handler: Callable[[Request], Awaitable[Response]], *, plain: bool
) -> Callable[[Request], Awaitable[Response]]:
    """Answer every error: what nobody expected says nothing of the inside, and is logged."""

    async def guarded(request: Request) -> Response:
        try:
            return await handler(request)
        except LabError as error:
            return _refused(error, plain=plain)
        except ClientDisconnect:
            return Response(status_code=GONE)
        except Exception as error:  # noqa: BLE001 - logged, and answered by 500
            path = getattr(request.scope.get("route"), "path", request.url.path)
            what = f"{type(error).__name__}: {error}"
            emit("metrics.fault", method=request.method, path=path, error=what, exception=error)
            said = LabError("request", "an answer", "an error that nobody expected", "see the log")
            return _refused(said, plain=plain)

    return guarded


def _named(request: Request) -> str:
    """Give the host that the request names, without its port."""
    host = request.headers.get("host", "")
    return host.rpartition(":")[0] if host.rpartition(":")[2].isdigit() else host


async def _while_wanted(request: Request, work: Any, cancelling: Cancelling) -> Any:
    """Wait for the work; when the client leaves, tell it to end."""
    task = asyncio.ensure_future(work)
    gone = asyncio.ensure_future(_gone(request))
    try:
        await asyncio.wait({task, gone}, return_when=asyncio.FIRST_COMPLETED)
        cancelling.asked = not task.done()
        return await task
    finally:
        cancelling.asked = True
        gone.cancel()


async def _gone(request: Request) -> None:
    """Return when the client has left. The body was read before."""
    while (await request.receive())["type"] != "http.disconnect":
        pass


async def _given(request: Request) -> Given:
    """Read parameters from the address and, posted, from the form."""
    given = parse_qs(request.url.query, keep_blank_values=True)
    if request.method == "POST":
        body = (await _body(request)).decode("utf-8", errors="replace")
        try:
            posted = parse_qs(body, keep_blank_values=True, max_num_fields=FIELDS)
        except ValueError:
            raise read.bad("body", f"a form of at most {FIELDS:,} fields", "another") from None
        for name, values in posted.items():
            given.setdefault(name, []).extend(values)
    return given


async def _body(request: Request) -> bytes:
    """Read the body within its bound. Raises TooLargeError."""
    gathered = bytearray()
    async for chunk in request.stream():
        gathered += chunk
        if len(gathered) > BODY_BYTES:
            raise TooLargeError(
                "body", f"at most {BODY_BYTES:,} bytes", "more", "send smaller requests"
            )
    return bytes(gathered)


def _limited(given: Given, found: Sequence[Any]) -> Response:
    text = read.one(given, "limit") or "0"
    if not (text.isascii() and text.isdigit() and len(text) <= 18):  # noqa: PLR2004 - 64 bits
        raise read.bad("limit", "a whole number that is not negative", repr(text[:60]))
    limit = int(text)
    if 0 < limit < len(found):
        return success(found[:limit], ["results truncated due to limit"])
    return success(list(found))


def _refused(error: LabError, *, plain: bool = False) -> Response:
    if error.status in {401, 403} or plain:
        headers = {"WWW-Authenticate": "Bearer"} if error.status == 401 else None  # noqa: PLR2004
        status = error.status if error.slug != "invalid" else 400
        return PlainTextResponse(f"{error}\n", status, headers)
    return failure(error)


def _packed(request: Request, answer: Response) -> Response:
    """Pack a long answer for who takes it packed."""
    wanted: Mapping[str, str] = request.headers
    if "gzip" in wanted.get("accept-encoding", "") and len(answer.body) >= GZIP_BYTES:
        answer.body = gzip.compress(bytes(answer.body), 1)
        answer.headers["Content-Encoding"] = "gzip"
        answer.headers["Content-Length"] = str(len(answer.body))
    return answer
