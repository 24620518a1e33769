"""The router of a noun."""

from __future__ import annotations

from fastapi import APIRouter
from fastapi.routing import APIRoute

from llm_research_lab.api.strict import StrictRoute

ID_LENGTH = 100
"""Characters of an id in a path; beyond any that the lab makes."""


def router_of(tag: str) -> APIRouter:
    """Make a router of strict routes; an operation's id is its function's name."""
    return APIRouter(tags=[tag], route_class=StrictRoute, generate_unique_id_function=_name)


def _name(route: APIRoute) -> str:
    return route.name
