"""A responders file is read whole, or its findings are told with their places."""

import pytest

from llm_research_lab.stories.replay import Responder
from llm_research_lab.stories.replay.read import read_responders

MINUTE = 60_000


def test_what_a_person_has_not_is_the_defaults():
    text = (
        "seed: 7\ndefault: {by_day: 4m, by_night: 9m, spread: 0.4, never: 0.02}\n"
        "people:\n  ada: {by_day: 2m, never_at_night: 0.1}\n"
    )
    found, findings = read_responders(text, "r.yaml")
    assert findings == ()
    assert found.seed == 7
    assert found.default == Responder(4 * MINUTE, 9 * MINUTE, 0.4, 0.02)
    assert found.people == {"ada": Responder(2 * MINUTE, 9 * MINUTE, 0.4, 0.02, 0.1)}


def test_an_empty_mapping_assumes_everything():
    found, findings = read_responders("{}")
    assert findings == ()
    assert (found.seed, found.default, found.people) == (0, Responder(), {})


@pytest.mark.parametrize(
    ("text", "where", "law"),
    [
        ("people: [", "r.yaml:", "yaml"),
        ("sead: 1", "r.yaml:1:1", "unknown-key"),
        ("default: {by_day: soon}", "r.yaml:1:19", "duration"),
        ("default: {by_day: 4}", "r.yaml:1:19", "type"),
        ("default: {never: 2}", "r.yaml:1:18", "range"),
        ("people: [ada]", "r.yaml:1:9", "type"),
        ("people: {ada: {spread: -1}}", "r.yaml:1:24", "range"),
    ],
)
def test_a_mistake_is_told_with_its_place(text, where, law):
    found, findings = read_responders(text, "r.yaml")
    assert found is None
    assert findings[0].where.startswith(where)
    assert findings[0].law == law


def test_without_a_name_a_place_is_a_line_and_a_column():
    _, findings = read_responders("sead: 1")
    assert findings[0].where == "1:1"


@pytest.mark.parametrize(
    ("key", "least", "most", "beyond"),
    [
        ("seed", 0, 2**63 - 1, ("-1",)),
        ("default.spread", 0, 2, ("-0.1", "2.1")),
        ("default.never", 0, 1, ("-0.1", "1.1")),
        ("default.never_at_night", 0, 1, ("-0.1", "1.1")),
    ],
)
def test_a_number_has_its_bounds_and_they_belong_to_it(key, least, most, beyond):
    outer, _, inner = key.partition(".")

    def written(value):
        return f"{outer}: {{{inner}: {value}}}" if inner else f"{outer}: {value}"

    for value in (least, most):
        found, _ = read_responders(written(value))
        assert getattr(found.default if inner else found, inner or outer) == value
    for value in beyond:
        found, findings = read_responders(written(value))
        assert (found, [one.law for one in findings]) == (None, ["range"])


def test_a_file_has_at_most_a_mebibyte():
    _, findings = read_responders("#" * ((1 << 20) + 1), "r.yaml")
    assert [one.message for one in findings] == ["expected at most 1048576 bytes, got 1048577"]
