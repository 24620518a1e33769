"""Schemathesis, with every phase, finds nothing that the OpenAPI document does not say."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from schemathesis.config import SchemathesisConfig
from schemathesis.engine import Status, events, from_schema
from tests.servers.api_server import ServedApi, serving, sow

SEEDS = (1, 20, 300)
PHASES = ("EXAMPLES", "COVERAGE", "FUZZING", "STATEFUL_TESTING")
ROLES = ("viewer", "researcher", "admin")

CONFIG = """
seed = {seed}
base-url = "{url}"
continue-on-failure = true

[auth.openapi.key]
bearer = "{key}"

[generation]
max-examples = {examples}
database = "none"
no-shrink = true

[phases.examples]
fill-missing = true

[phases.stateful]
max-steps = 8

[checks.positive_data_acceptance]
expected-statuses = ["2xx", "401", "403", "404", "409", "415", "422", "5xx"]

[checks.negative_data_rejection]
expected-statuses = ["400", "401", "403", "404", "405", "409", "413", "414", "415", "422", "431"]

[[operations]]
include-operation-id = ["get_status", "get_openapi", "live", "ready", "startup", "get_dataset", "list_rows", "get_prompt", "get_model", "get_experiment", "revoke_key", "compare"]
checks.positive_data_acceptance.expected-statuses = ["2xx", "403", "404", "409"]
"""
"""What a schema cannot say (a template's grammar, a cursor's origin, a key used twice) is a 422."""


@schemathesis.serializer("text/csv", "application/x-ndjson", "application/jsonl")
def rows_as_they_are(_context: Any, value: Any) -> bytes:
    return value if isinstance(value, bytes) else str(value).encode("utf-8", "replace")


asking: set[str] = set()
"""Ids of the keys that explore: were one revoked, nothing could be found after that."""


@schemathesis.hook
def before_call(_context: Any, case: Any, _kwargs: Any) -> None:
    if case.method == "DELETE" and case.path_parameters.get("key_id") in asking:
        case.path_parameters["key_id"] = "key_of_another"


def explore(api: ServedApi, key: str, seed: int, examples: int) -> tuple[list[str], dict[str, int]]:
    """Run every phase: what was found, and how many cases each phase made."""
    document = api.stranger().get("/v1/openapi.json").json()
    return explore_document(document, api, key, seed, examples)


def explore_document(
    document: dict[str, Any], api: ServedApi, key: str, seed: int, examples: int
) -> tuple[list[str], dict[str, int]]:
    text = CONFIG.format(seed=seed, key=key, examples=examples, url=api.url)
    config = SchemathesisConfig.from_str(text)
    schema = schemathesis.openapi.from_dict(document, config=config)
    asking.add(api.key_id(key))
    found: list[str] = []
    cases: dict[str, int] = {}
    for event in from_schema(schema).execute():
        if isinstance(event, events.NonFatalError):
            found.append(f"{event.label}: {event.value!r}")
        elif isinstance(event, events.FatalError):
            found.append(repr(event.exception))
        elif isinstance(event, events.ScenarioFinished):
            cases[event.phase.name] = cases.get(event.phase.name, 0) + len(event.recorder.cases)
            found += [
                f"{event.phase.name} {event.label}: {check.name}: {check.failure_info}"
                for checks in event.recorder.checks.values()
                for check in checks
                if check.status != Status.SUCCESS
            ]
    return found, cases


@pytest.fixture
def api(tmp_path: Path) -> Iterator[ServedApi]:
    with serving(tmp_path / "lab") as found:
        yield found


def assert_nothing_found(api: ServedApi, role: str, seed: int, examples: int) -> None:
    sow(api, "ann")
    found, cases = explore(api, api.key(role), seed, examples)
    assert found == []
    assert all(cases[phase] > 0 for phase in PHASES), cases


@pytest.mark.parametrize(("role", "seed"), list(zip(ROLES, SEEDS, strict=True)))
def test_it_finds_nothing(api, role, seed):
    assert_nothing_found(api, role, seed, examples=4)


@pytest.mark.long
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("role", ROLES)
def test_it_finds_nothing_at_length(api, role, seed):
    assert_nothing_found(api, role, seed, examples=150)


def test_an_operation_that_breaks_its_word_is_found(api):
    """The sieve has no hole: an answer that the document does not say is a finding."""
    api.reasons.append("not yet")
    document = api.stranger().get("/v1/openapi.json").json()
    check = document["paths"]["/healthz/ready"]
    del check["get"]["responses"]["503"]
    document["paths"] = {"/healthz/ready": check}
    found, _ = explore_document(document, api, api.admin, seed=1, examples=1)
    assert any("GET /healthz/ready: status_code_conformance" in one for one in found)
