"""A route takes the query parameters that it documents, each once, and no other."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Coroutine
from typing import Any

from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from starlette.requests import Request
from starlette.responses import Response

from llm_research_lab.api.findings import SHOWN, refusal, unknown
from llm_research_lab.vocabulary import Finding, InvalidError

Handler = Callable[[Request], Coroutine[Any, Any, Response]]


class StrictRoute(APIRoute):
    """Refuses unknown and doubled parameters, and says all that is wrong in a problem."""

    def get_route_handler(self) -> Handler:
        """Wrap FastAPI's own handler."""
        handle = super().get_route_handler()
        known = query_names(self)

        async def strict(request: Request) -> Response:
            if request.scope["query_string"]:
                _check(request, known)
            try:
                return await handle(request)
            except RequestValidationError as error:
                raise refusal(error.errors()) from None

        return strict


def query_names(route: APIRoute) -> frozenset[str]:
    """Name the parameters of the route's query models."""
    return frozenset(
        field.alias or name
        for parameter in route.dependant.query_params
        for name, field in parameter.field_info.annotation.model_fields.items()  # type: ignore[union-attr]  # always one of ours
    )


def _check(request: Request, known: frozenset[str]) -> None:
    given = Counter(name for name, _ in request.query_params.multi_items())
    findings = [
        _found(name, count, known)
        for name, count in given.items()
        if count > 1 or name not in known
    ]
    if findings:
        first = findings[0]
        raise InvalidError(
            first.where,
            first.law,
            first.message,
            first.fix,
            tuple(findings[:SHOWN]),
            total=len(findings),
        )


def _found(name: str, count: int, known: frozenset[str]) -> Finding:
    where = f"query parameter {name[:60]}"
    if name not in known:
        return unknown(where, name, known)
    return Finding(where, "given once", f"given {count} times", "leave one")
