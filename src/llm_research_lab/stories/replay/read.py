"""A responders file says how soon people acknowledge; what it leaves out is assumed, and said.

```yaml
seed: 7
default: {by_day: 4m, by_night: 9m, spread: 0.4, never: 0.02}
people:
  ada: {by_day: 2m, never_at_night: 0.1}
```

`by_day` and `by_night` are medians, `spread` the log-logistic scale, `never` the part of pages that
is not acknowledged.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from llm_research_lab.documents.fields import Field, Place, read_fields
from llm_research_lab.documents.readers import number, text, whole
from llm_research_lab.documents.yaml import read_yaml
from llm_research_lab.stories.replay.responding import Responder, Responders
from llm_research_lab.vocabulary import Finding, InvalidError
from llm_research_lab.vocabulary.durations import parse_duration

MOST_BYTES = 1 << 20
_WORD = text(40)


def read_responders(
    content: str | bytes, where: str = ""
) -> tuple[Responders | None, tuple[Finding, ...]]:
    """Read the file; None with all findings when there are any. `where` names the file."""
    source, broken = read_yaml(content, most_bytes=MOST_BYTES)
    if source is None:
        return None, _placed(broken, where)
    findings: list[Finding] = []
    found = read_fields(source.value, Place(source, findings), _FIELDS)
    if findings:
        return None, _placed(findings, where)
    base = replace(Responder(), **found.get("default", {}))
    people = {name: replace(base, **one) for name, one in found.get("people", {}).items()}
    return Responders(found.get("seed", 0), base, people), ()


def _placed(findings: list[Finding] | tuple[Finding, ...], where: str) -> tuple[Finding, ...]:
    begins = f"{where}:" if where else ""
    return tuple(replace(one, where=f"{begins}{one.where}") for one in findings)


def _duration(value: Any, place: Place) -> int | None:
    """Read 4m as milliseconds."""
    words = _WORD(value, place)
    if words is None:
        return None
    try:
        return parse_duration(words)
    except InvalidError:
        place.expect("duration", "a duration such as 4m or 1h30m", value)
        return None


def _responder(value: Any, place: Place) -> dict[str, Any]:
    found = read_fields(value, place, _RESPONDER)
    names = {"by_day": "by_day_ms", "by_night": "by_night_ms"}
    return {names.get(name, name): one for name, one in found.items()}


def _people(value: Any, place: Place) -> dict[str, dict[str, Any]]:
    if not isinstance(value, Mapping):
        place.expect("type", "a mapping of people", value)
        return {}
    return {str(name): _responder(one, place.at(str(name))) for name, one in value.items()}


_RESPONDER = (
    Field("by_day", _duration),
    Field("by_night", _duration),
    Field("spread", number(0, 2)),
    Field("never", number(0, 1)),
    Field("never_at_night", number(0, 1)),
)
_FIELDS = (
    Field("seed", whole(0, 2**63 - 1)),
    Field("default", _responder),
    Field("people", _people),
)
