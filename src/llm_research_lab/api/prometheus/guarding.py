"""A handler is guarded: its caller's right is looked at first, and every error is an answer."""

from __future__ import annotations

import gzip
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect
from starlette.responses import PlainTextResponse, Response

from llm_research_lab.api.middleware.authentication import key_in
from llm_research_lab.api.middleware.limits import LOOPBACK
from llm_research_lab.api.prometheus.answers import failure
from llm_research_lab.api.prometheus.receiving import Given, body_of, given_of
from llm_research_lab.commands.access import authenticate, require
from llm_research_lab.telemetry.events import emit
from llm_research_lab.vocabulary import LabError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from starlette.requests import Request

    from llm_research_lab.api.prometheus.views import Views
    from llm_research_lab.security import Action

GONE = 499
"""Nobody is there to be answered. Source: nginx's word for it, as the API's metrics have it."""

GZIP_BYTES = 1_000
"""A shorter answer is not worth packing."""


@dataclass(frozen=True, slots=True)
class Guard:
    """Reads need ``metrics.read``, or nothing where anonymous reads are allowed."""

    views: Views

    def reading(self, do: Callable[[Request, Given], Awaitable[Response]]) -> Any:
        """Answer who may read; a long answer is packed for who takes it so."""

        async def handler(request: Request) -> Response:
            await self._check(request, "metrics.read", anonymous=self.views.anonymous)
            answer = await do(request, await given_of(request))
            return await run_in_threadpool(_packed, request, answer)

        return _guarded(handler, plain=False)

    def writing(self, do: Callable[[Request, bytes], Awaitable[Response]]) -> Any:
        """Answer who may write, with the body as it came."""
        return self._raw(do, "metrics.write", anonymous=False)

    def remote(self, do: Callable[[Request, bytes], Awaitable[Response]]) -> Any:
        """Answer who may read, with the body as it came."""
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
            return await do(request, await body_of(request))

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
