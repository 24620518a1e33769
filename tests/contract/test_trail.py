"""An experiment leaves one trace, however many leases, retries and runners it took."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests.contract.commands.labs import ANN, NO_KEY, new_lab
from tests.contract.running import (
    Broken,
    Flaky,
    ended,
    experiment,
    on_time,
    row,
    runner,
    until,
)

from llm_research_lab.commands import experiments as commands
from llm_research_lab.commands import trail as trail_room
from llm_research_lab.commands.trail import trail_of
from llm_research_lab.signals.spans import check_span
from llm_research_lab.telemetry.catalog import declaration
from llm_research_lab.telemetry.tracing import Tracer


class Kept:
    def __init__(self):
        self.spans = []

    def put(self, spans):
        self.spans += spans

    def close(self): ...

    def named(self, name):
        return [span for span in self.spans if span.name.split(" ")[0] == name]


@pytest.fixture(params=["memory", "files"])
def traced(request, tmp_path):
    """A lab whose tracer keeps what it must, and no more."""
    kept = Kept()
    tracer = Tracer([kept], ratio=0, slow_ms=60_000)
    lab = new_lab(tmp_path / "lab", request.param)
    yield replace(on_time(lab), tracer=tracer), kept
    lab.database.close()


async def made_by_a_request(lab, **more):
    with lab.tracer.root("http_request", {"url.path": "/v1/experiments"}) as request:
        return request, await experiment(lab, **more)


async def through(lab, kept, experiment_id):
    """Wait until it has ended, and until its span is there, which comes a moment later."""
    await ended(lab, experiment_id)

    async def there():
        return bool(kept.named("execute_experiment"))

    await until(there)


async def test_all_spans_stand_below_the_request_that_made_the_experiment(traced):
    lab, kept = traced
    request, experiment_id = await made_by_a_request(lab, rows=5)
    async with runner(lab):
        await through(lab, kept, experiment_id)
    [whole] = kept.named("execute_experiment")
    [summing] = kept.named("aggregate_results")
    assert {span.trace for span in kept.spans} == {request.trace}
    assert request.attributes["experiment_id"] == experiment_id
    assert whole.parent_id == request.span_id
    assert summing.parent_id == whole.span_id
    for name in ("load_dataset", "model_inference"):
        assert {span.parent_id for span in kept.named(name)} == {whole.span_id}
    leases = {span.span_id for span in kept.named("model_inference")}
    calls = kept.named("chat")
    assert {span.parent_id for span in calls} <= leases
    assert sorted(span.attributes["lab.sample"] for span in calls) == list(range(5))


async def test_every_span_is_as_declared(traced):
    lab, kept = traced
    _, experiment_id = await made_by_a_request(
        lab, rows=3, parameters={"temperature": 0.5, "max_tokens": 50, "seed": 1}
    )
    async with runner(lab):
        await through(lab, kept, experiment_id)
    for span in kept.spans:
        if span.name != "http_request":
            assert check_span(declaration(), span.name.split(" ")[0], span.attributes) == ()
    assert kept.named("chat")[0].attributes["gen_ai.request.temperature"] == 0.5


async def test_each_try_is_a_span_and_names_its_failure(traced):
    lab, kept = traced
    _, experiment_id = await made_by_a_request(lab, rows=2)
    async with runner(lab, Flaky("unavailable", 1)):
        await through(lab, kept, experiment_id)
    failures = [span.failure for span in kept.named("chat")]
    assert sorted(failures, key=str) == [None, None, "unavailable", "unavailable"]
    assert kept.named("execute_experiment")[0].failure is None


async def test_a_lease_that_broke_says_so(traced):
    lab, kept = traced
    _, experiment_id = await made_by_a_request(lab)
    provider = Broken()
    async with runner(lab, provider):
        await through(lab, kept, experiment_id)
        provider.go.set()
    assert "ValueError" in {span.failure for span in kept.named("model_inference")}
    [whole] = kept.named("execute_experiment")
    assert (whole.failure, whole.attributes["lab.status"]) == ("failed", "failed")


async def test_beyond_the_first_thousand_samples_failed_calls_stay_and_others_do_not(traced):
    lab, kept = traced
    assert trail_room.WHOLE == 1_000
    rows = 1_040
    _, experiment_id = await made_by_a_request(lab, rows=rows, limits={"concurrency": 64})
    provider = Late()
    async with runner(lab, provider):
        await through(lab, kept, experiment_id)
    first = {span.attributes["lab.chunk_first"] for span in kept.named("load_dataset")}
    assert max(first) < trail_room.WHOLE
    leases = [span.attributes["lab.chunk_first"] for span in kept.named("model_inference")]
    assert max(leases) >= trail_room.WHOLE
    late = [span for span in kept.named("chat") if span.attributes["lab.sample"] >= max(leases)]
    assert {span.failure for span in late} == {"refused"}


class Late(Flaky):
    """The last sample is refused."""

    def __init__(self):
        super().__init__("refused", 1, final=True)

    async def answer(self, call):
        if call.sample == 1_039:
            return await super().answer(call)
        return await super(Flaky, self).answer(call)


async def test_one_that_no_traced_request_made_has_a_trace_of_its_own(traced):
    lab, kept = traced
    experiment_id = await experiment(replace(lab, tracer=Tracer(on=False)), rows=2)
    assert (await row(lab, experiment_id)).traceparent is None
    async with runner(lab):
        await through(lab, kept, experiment_id)
    [whole] = kept.named("execute_experiment")
    assert whole.parent_id is None
    assert {span.trace for span in kept.spans} == {whole.trace}
    assert trail_of(experiment_id, None).place.trace_id == whole.recording.trace_id


async def test_a_cancelled_experiment_has_its_span_from_whoever_cancels_it(traced):
    lab, kept = traced
    request, experiment_id = await made_by_a_request(lab, rows=2)
    await commands.pause(lab, ANN, experiment_id, NO_KEY)
    assert kept.named("execute_experiment") == []
    await commands.cancel(lab, ANN, experiment_id, NO_KEY)
    [whole] = kept.named("execute_experiment")
    assert whole.parent_id == request.span_id
    assert whole.attributes["lab.status"] == "cancelled"
    assert whole.failure is None


def test_a_traceparent_that_cannot_be_read_is_as_good_as_none():
    assert trail_of("exp_1", "rubbish") == trail_of("exp_1", None)
    assert trail_of("exp_1", None) != trail_of("exp_2", None)
