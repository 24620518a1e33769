"""A YAML text becomes plain values with their places, or one finding; it never raises."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llm_research_lab.documents.fields import Source
from llm_research_lab.documents.yaml import DEPTH, SIZE_BYTES, VALUES, read_yaml
from llm_research_lab.experiments.entries import read_entry
from llm_research_lab.experiments.prompt import read_prompt
from llm_research_lab.experiments.read import read_specification


def value(text):
    source, findings = read_yaml(text)
    assert findings == ()
    return source.value


def finding(text):
    source, (found,) = read_yaml(text)
    assert source is None
    return found


def test_mappings_lists_and_scalars_become_jsons_values():
    text = "a: {b: [1, 'x', null, true, 1.5]}\nc: |\n  two\n  lines\n"
    assert value(text) == {"a": {"b": [1, "x", None, True, 1.5]}, "c": "two\nlines\n"}


def test_json_is_yaml():
    assert value('{"a": [1, "\\u00e9", {"b": null}]}') == {"a": [1, "é", {"b": None}]}


def test_a_document_may_be_one_scalar_or_empty():
    assert value("5") == 5
    assert value("") is None


def test_a_quoted_scalar_is_text_whatever_it_looks_like():
    assert value("['1', \"true\", ! 1]") == ["1", "true", "1"]


def test_an_alias_is_what_it_stands_for():
    assert value("a: &x [1, &y 2]\nb: *x\nc: *y\n") == {"a": [1, 2], "b": [1, 2], "c": 2}
    assert value("a: &x k\nb: {*x : 1}\n") == {"a": "k", "b": {"k": 1}}
    assert value("- &x {}\n- *x\n") == [{}, {}]


def test_a_byte_order_mark_is_dropped():
    assert value(b"\xef\xbb\xbfa: 1") == {"a": 1}


@pytest.mark.parametrize(
    ("text", "law", "where"),
    [
        ("a: !!python/object:os.system x", "no-tags", "1:4"),
        ("a: 1\n--- \nb: 2", "one-document", "2:1"),
        ("a: 1\na: 2", "duplicate-key", "2:1"),
        ("1: 2", "text-keys", "1:1"),
        ("target: {{ capital }}", "text-keys", "1:10"),
        ("? [a]\n: 1", "text-keys", "1:3"),
        ("&x [*x]", "yaml", "1:5"),
        ("a: *nowhere", "yaml", "1:4"),
        ("a: &x {}\n*x : 1", "text-keys", "2:1"),
        ("a: 99999999999999999999", "number", "1:4"),
        ("a: [1", "yaml", "1:6"),
        ("a: b: c", "yaml", "1:5"),
        ("\ta: 1", "yaml", "1:1"),
        ("a: \0", "yaml", "1:1"),
        ('"\\UFFFFFFFF"', "yaml", "1:1"),
        ('"\\U00110000"', "yaml", "1:1"),
        ("%YAML 1.3\n---\na: 1", "yaml", "1:1"),
        (b"a: 1\nb: \xff", "utf-8", "2:1"),
        ("a: 1\nb: \ud800", "yaml", "1:1"),
    ],
)
def test_what_is_no_document_of_ours_is_found_at_its_place(text, law, where):
    found = finding(text)
    assert (found.law, found.where) == (law, where)
    assert found.message
    assert found.fix


def test_an_unquoted_template_is_told_to_be_quoted():
    assert '"{{ column }}"' in finding("target: {{ capital }}").fix


def test_nesting_is_bounded():
    assert value("[" * DEPTH + "]" * DEPTH)
    assert finding("[" * (DEPTH + 1) + "]" * (DEPTH + 1)).law == "depth"
    assert finding("[" * 100_000).law == "depth"


def test_size_is_bounded_before_anything_is_parsed():
    assert finding("x" * (SIZE_BYTES + 1)).law == "size"
    assert finding(b"x" * (SIZE_BYTES + 1)).law == "size"


def test_a_bomb_of_aliases_stops_at_the_bound():
    lines = ["a0: &a0 [" + ", ".join(["x"] * 10) + "]"]
    lines += [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]" for i in range(1, 30)]
    started = time.perf_counter()
    found = finding("\n".join(lines))
    assert (found.law, found.message) == ("size", f"more than {VALUES} values")
    assert time.perf_counter() - started < 5


TOKENS = st.sampled_from(
    [
        "&a ",
        "*a ",
        "! ",
        "!!str ",
        "!<x> ",
        "%YAML 1.9\n",
        "---\n",
        "...\n",
        "? ",
        ": ",
        "- ",
        "[",
        "]",
        "{",
        "}",
        ", ",
        "'",
        '"',
        "\\U",
        "\\x4",
        "\t",
        "\n",
        "  ",
        "#",
        "<<: ",
        "\ufeff",
        "\x85",
        "\u2028",
        "\x00",
        "0x",
        "1e999",
        ".inf",
        "@",
        "`",
        "%",
        "null",
        "kind: ",
        "evaluators: ",
        "regex",
        "choice",
        "pattern: ",
        "target: ",
        "choices: ",
        "{{",
        "metric: ",
        "provider: openai\n",
        "base_url: http://[",
        "price: ",
        "messages: ",
    ]
)


@given(st.lists(TOKENS | st.text(max_size=3), max_size=25).map("".join) | st.binary(max_size=60))
def test_any_text_is_read_or_is_findings_and_never_raises(text):
    for whole in (text, text.encode("utf-8", "surrogatepass") if isinstance(text, str) else text):
        source, findings = read_yaml(whole)
        assert (source is None) == bool(findings)
        for reader in (read_specification, read_entry, read_prompt):
            for origin in (source, source and Source(source.value)):
                if origin is not None:
                    made, wrong = reader(origin)
                    assert (made is None) == bool(wrong)


def test_a_reader_of_larger_files_says_how_large():
    text = "[" + "1," * VALUES + "]"
    assert read_yaml(text)[0] is None
    assert len(read_yaml(text, most_values=VALUES + 1)[0].value) == VALUES
    assert read_yaml("a: 1", most_bytes=3)[1][0].law == "size"
