"""``/v1/experiments``: created, followed, moved along their lifecycle, their results read."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Annotated, Any

from fastapi import Path, Query, Request
from starlette.responses import Response

from llm_research_lab.api.answering import answer, made
from llm_research_lab.api.asking import caller_of, lab_of, once_of
from llm_research_lab.api.bodies import checked, read_json, read_nothing
from llm_research_lab.api.operations import operation, takes
from llm_research_lab.api.routing import ID_LENGTH, router_of
from llm_research_lab.api.schemas import Experiment, ExperimentBody, ExperimentPage, ResultPage
from llm_research_lab.api.schemas.queries import ExperimentsQuery, ResultsQuery
from llm_research_lab.commands import experiments
from llm_research_lab.commands.lab import Lab
from llm_research_lab.commands.once import Made, Once
from llm_research_lab.commands.paging import Page
from llm_research_lab.security import Caller

router = router_of("experiments")

Id = Annotated[
    str,
    Path(
        max_length=ID_LENGTH,
        description="The experiment's id.",
        examples=["exp_01JD0000000000000000000000"],
    ),
]
_EXAMPLES = (
    {
        "name": "capitals",
        "dataset": "capitals",
        "prompt": "ask-capital",
        "model": "parrot",
        "evaluators": [{"kind": "contains", "target": "{{ capital }}"}],
    },
    {
        "name": "capitals-f1",
        "type": "benchmark",
        "dataset": "capitals@v1",
        "prompt": "ask-capital@v1",
        "model": "parrot@v1",
        "evaluators": [
            {"kind": "f1", "target": "{{ capital }}", "metric": "overlap"},
            {"kind": "exact", "target": "{{ capital }}"},
        ],
        "priority": 7,
        "limit": 1,
    },
)
_LINKS = {
    **{
        name: {"path.experiment_id": "/id"}
        for name in (
            "get_experiment",
            "list_results",
            "cancel_experiment",
            "pause_experiment",
            "resume_experiment",
            "retry_experiment",
        )
    },
    "compare": {"query.a": "/id", "query.b": "/id"},
}
_MOVED = operation({200: Experiment}, 404, 409)

Move = Callable[[Lab, Caller, str, Once], Awaitable[Made]]


@router.post(
    "/v1/experiments",
    **operation({201: Experiment}, 409, body=takes(ExperimentBody, _EXAMPLES), links=_LINKS),
)
async def create_experiment(request: Request) -> Response:
    """Queue an experiment on exact versions; all that is wrong with it is said at once."""
    raw, value = await read_json(request)
    body = checked(ExperimentBody, value).model_dump(exclude_unset=True)
    once = once_of(request, raw)
    return made(await experiments.create(lab_of(request), caller_of(request), body, once))


@router.get("/v1/experiments", **operation({200: ExperimentPage}))
async def list_experiments(
    request: Request, query: Annotated[ExperimentsQuery, Query()]
) -> Response:
    """List experiments, newest first."""
    lab, caller = lab_of(request), caller_of(request)
    page = Page(query.cursor, query.limit)
    return answer(await experiments.listing(lab, caller, page, query.status, query.owner))


@router.get("/v1/experiments/{experiment_id}", **operation({200: Experiment}, 404))
async def get_experiment(request: Request, experiment_id: Id) -> Response:
    """Show an experiment: what it runs, how far it is, its summary."""
    return answer(await experiments.get(lab_of(request), caller_of(request), experiment_id))


@router.get("/v1/experiments/{experiment_id}/results", **operation({200: ResultPage}, 404))
async def list_results(
    request: Request, experiment_id: Id, query: Annotated[ResultsQuery, Query()]
) -> Response:
    """List what the samples gave, in any order, filtered."""
    filters: dict[str, Any] = query.model_dump(exclude={"cursor", "limit", "sort"})
    page = Page(query.cursor, query.limit)
    lab, caller = lab_of(request), caller_of(request)
    found = await experiments.results(lab, caller, experiment_id, page, query.sort, **filters)
    return answer(found)


@router.post("/v1/experiments/{experiment_id}/cancel", **_MOVED)
async def cancel_experiment(request: Request, experiment_id: Id) -> Response:
    """End it for good; what is done stays."""
    return await _move(request, experiment_id, experiments.cancel)


@router.post("/v1/experiments/{experiment_id}/pause", **_MOVED)
async def pause_experiment(request: Request, experiment_id: Id) -> Response:
    """Begin no further call until it is resumed."""
    return await _move(request, experiment_id, experiments.pause)


@router.post("/v1/experiments/{experiment_id}/resume", **_MOVED)
async def resume_experiment(request: Request, experiment_id: Id) -> Response:
    """Let a paused experiment go on."""
    return await _move(request, experiment_id, experiments.resume)


@router.post("/v1/experiments/{experiment_id}/retry", **_MOVED)
async def retry_experiment(request: Request, experiment_id: Id) -> Response:
    """Run the failed samples of a finished experiment again."""
    return await _move(request, experiment_id, experiments.retry)


async def _move(request: Request, experiment_id: str, move: Move) -> Response:
    once = once_of(request, await read_nothing(request))
    return made(await move(lab_of(request), caller_of(request), experiment_id, once))
