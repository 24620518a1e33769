"""A small declaration with one of each, and the packaged one."""

from __future__ import annotations

from importlib.resources import files

from llm_research_lab.signals import Metric, ValueSet, read_declaration

METRICS = """
sets:
  word: {help: A closed set., values: [a, b]}
  loose: {help: A closed set with a rest., values: [x, other], otherwise: other}
  name: {help: A bounded set., bound: 2, otherwise: other, initial: [unknown]}
  self: {help: The process., own: {api: api, runner: runner, ops: ops}}
metrics:
  - name: things_total
    kind: counter
    help: Things.
    labels: {word: word, self: self}
    emitters: [api]
    section: 5.1.1
"""
EVENTS = """
line:
  event: {type: text, help: Its name.}
context:
  request_id: {type: text, required: false, help: The request.}
events:
  - name: thing.done
    level: info
    message: Thing done
    help: A thing is done.
    needs: [request_id]
    fields:
      count: {type: integer, help: How many.}
      word: {type: text, required: false, values: [a, b], help: Which.}
    emitters: [api]
    section: 5.1.2
"""
SPANS = """
spans:
  - name: chat
    called: "chat {model}"
    kind: client
    help: A call.
    attributes:
      model: {type: text, help: Which.}
      tokens: {type: integer, required: false, help: How many.}
    emitters: [runner]
    section: 5.1.3
  - name: request
    kind: server
    help: A request.
    emitters: [api]
    section: 5.1.3
"""

SETS = {
    "word": ValueSet("word", "A closed set.", values=("a", "b")),
    "loose": ValueSet("loose", "With a rest.", values=("x", "other"), otherwise="other"),
    "name": ValueSet("name", "Bounded.", bound=2, otherwise="other", initial=("unknown",)),
    "self": ValueSet("self", "Own.", own={"api": "api", "runner": "runner", "ops": "ops"}),
}


def small(metrics=METRICS, events=EVENTS, spans=SPANS):
    return read_declaration(metrics, events, spans)


def packaged():
    folder = files("llm_research_lab") / "catalog" / "signals"
    names = ("metrics.yaml", "events.yaml", "spans.yaml")
    found, findings = read_declaration(*((folder / name).read_text("utf-8") for name in names))
    assert findings == ()
    assert found is not None
    return found


def metric(name="things_total", kind="counter", labels=(), **fields) -> Metric:
    whole = {"help": "Things.", "emitters": ("api",), "section": "5.1.1", **fields}
    return Metric(name=name, kind=kind, labels={one: SETS[one] for one in labels}, **whole)
