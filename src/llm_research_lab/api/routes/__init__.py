"""One file a noun: parse, call the one command, render."""

from starlette.routing import BaseRoute

from llm_research_lab.api.routes import (
    audit,
    comparisons,
    datasets,
    description,
    experiments,
    health,
    keys,
    models,
    prompts,
    status,
)

__all__ = ["ROUTES"]

ROUTES: tuple[BaseRoute, ...] = tuple(
    route
    for noun in (
        datasets,
        prompts,
        models,
        experiments,
        comparisons,
        keys,
        audit,
        status,
        health,
        description,
    )
    for route in noun.router.routes
)
