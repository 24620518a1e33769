"""Text 0.0.4 and OpenMetrics."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llm_research_lab.scrape.exposition import (
    ExpositionError,
    Metadata,
    Parsed,
    parse_openmetrics,
    parse_text,
)


def text(body, cache=None):
    return parse_text(body.encode(), {} if cache is None else cache, lambda series: series)


def metrics(body, cache=None):
    return parse_openmetrics(body.encode(), {} if cache is None else cache, lambda series: series)


def name(word, *pairs):
    return (("__name__", word), *pairs)


def test_text_is_a_sample_a_line_with_times_and_metadata():
    got = text(
        "# HELP a what \\\\ it\\nis\n# TYPE a counter\n# other\n#\n\n"
        'a{x="1",y="\\"\\\\\\n\\q",} 1.5 -1000\n'
        'b:c \t+Inf\nd{ x = "1"\ty="2" } nan\ne{}0x \n'.replace("e{}0x", "e{} 1e-3")
        + "# TYPE f untyped"
    )
    assert got.series == [
        name("a", ("x", "1"), ("y", '"\\\n\\q')),
        name("b:c"),
        name("d", ("x", "1"), ("y", "2")),
        name("e"),
    ]
    assert got.values[0] == 1.5
    assert got.values[1] == math.inf
    assert math.isnan(got.values[2])
    assert got.values[3] == 1e-3
    assert got.times == {0: -1000}
    assert got.metadata == {
        "a": Metadata("counter", "what \\ it\nis", ""),
        "f": Metadata("unknown"),
    }


def test_indented_comments_and_blank_lines_are_none_of_the_samples():
    got = text(' \t\n  # TYPE a gauge\na 1\na{x="}"}\t2\t3')
    assert got.series == [name("a"), name("a", ("x", "}"))]
    assert got.times == {1: 3}
    assert got.metadata == {"a": Metadata("gauge")}


def test_names_in_quotes_may_be_any_text():
    got = text('{"a.b","c d"="e"} 1\n{x="1","f\\"g"} 2\n# HELP "a.b" h\n')
    assert got.series == [name("a.b", ("c d", "e")), (("x", "1"), ("__name__", 'f"g'))]
    assert got.metadata == {"a.b": Metadata(help="h")}


@pytest.mark.parametrize(
    ("body", "where"),
    [
        ("a 1\na", "2:2"),
        ("a one", "1:3"),
        ("a 1_0", "1:3"),
        ("a +nan", "1:3"),
        ("a 1e999", "1:3"),
        ("a 0x1", "1:3"),
        ("a \u0661", "1:3"),
        ("a 1\r", "1:3"),
        ("a 1 1.5", "1:5"),
        ("a 1 9223372036854775808", "1:5"),
        ("a 1 2 3", "1:6"),
        ("1a 1", "1:1"),
        (" a 1", "1:1"),
        ("a{1} 1", "1:3"),
        ('a{"b"} 1', "1:1"),
        ('{x="1"} 1', "1:1"),
        ("a{x} 1", "1:4"),
        ("a{x=1} 1", "1:5"),
        ('a{x="1} 1', "1:5"),
        ('a{x="1"', "1:8"),
        ("# TYPE a thing", "1:10"),
        ("# TYPE a", "1:9"),
        ("# TYPE 1 gauge", "1:8"),
        ("a{} {} 1", "1:1"),
    ],
)
def test_the_first_wrong_line_is_named_with_its_column(body, where):
    with pytest.raises(ExpositionError) as caught:
        text(body)
    if body != "a{} {} 1":
        assert caught.value.where == where


def test_what_stood_before_an_error_is_there():
    parsed = Parsed()
    with pytest.raises(ExpositionError) as caught:
        parse_text(b"a 1\nb 2\nc\n", {}, lambda series: series, parsed)
    assert parsed.values == [1, 2]
    assert caught.value.where == "3:2"


def test_text_that_is_not_utf8_is_refused_in_labels_and_mended_in_help():
    for body in (b'a{x="\xff"} 1', b'{"\xff"} 1'):
        with pytest.raises(ExpositionError):
            parse_text(body, {}, lambda series: series)
    got = parse_text(b"# HELP a \xff\n", {}, lambda series: series)
    assert got.metadata["a"].help == "�"


def test_a_known_text_is_not_read_again():
    cache = {}
    first = text('a{x="1"} 1\nb 2\n', cache)
    made = []
    again = parse_text(b'a{x="1"} 3\nb 4\n', cache, made.append)
    assert made == []
    assert again.series == first.series
    assert again.values == [3, 4]


def test_openmetrics_has_seconds_units_exemplars_and_an_end():
    got = metrics(
        '# TYPE a_seconds counter\n# UNIT a_seconds seconds\n# HELP a_seconds \\"h\\n\n'
        'a_seconds_total{x="# {"} 1 1.5 # {t="1"} 0.5 123.25\n'
        "a_seconds_created 2\n"
        'b_bucket{le="+Inf"} 3 # {} 1\n# EOF\n'
    )
    assert got.series == [
        name("a_seconds_total", ("x", "# {")),
        name("a_seconds_created"),
        name("b_bucket", ("le", "+Inf")),
    ]
    assert got.values == [1, 2, 3]
    assert got.times == {0: 1500}
    assert got.metadata == {"a_seconds": Metadata("counter", '"h\n', "seconds")}
    assert metrics("# EOF").series == []


def test_openmetrics_looks_known_texts_up_even_with_exemplars():
    cache = {}
    body = 'b_bucket{le="1"} 3 # {a="}"} 1\nc{x=" # {"} 1\n# EOF\n'
    first = metrics(body, cache)
    assert metrics(body, cache).series == first.series
    assert len(cache) == 2


@pytest.mark.parametrize(
    ("body", "where"),
    [
        ("a 1\n", "2:1"),
        ("a 1", "1:4"),
        ("", "1:1"),
        ("a  1\n# EOF", "1:2"),
        ("a 1 \n# EOF", "1:4"),
        ("a 1\t\n# EOF", "1:3"),
        ("a\n# EOF", "1:2"),
        ("\n# EOF", "1:1"),
        ("# EOF\na 1", "1:6"),
        ("# other\n# EOF", "1:1"),
        ("# TYPE a\n# EOF", "1:9"),
        ("# TYPE 1 gauge\n# EOF", "1:8"),
        ("# TYPE a untyped\n# EOF", "1:10"),
        ("# UNIT a seconds\n# EOF", "1:10"),
        ("a 1 inf\n# EOF", "1:5"),
        ("a 1 1e300\n# EOF", "1:5"),
        ("a 1 2 3\n# EOF", "1:6"),
        ("a 1 # x\n# EOF", "1:5"),
        ('a 1 # {x="1"}\n# EOF', "1:14"),
        ('a 1 # {x="1"} 1 1 1\n# EOF', "1:18"),
        ('a{x="1" y="2"} 1\n# EOF', "1:8"),
        ('a{x="1",} 1\n# EOF', "1:9"),
        ('a{ x="1"} 1\n# EOF', "1:3"),
    ],
)
def test_openmetrics_is_strict(body, where):
    with pytest.raises(ExpositionError) as caught:
        metrics(body)
    assert caught.value.where == where


@given(st.text(alphabet='a{}"=,# \\n1.\n\tE OF', max_size=40))
def test_whatever_is_exposed_the_only_error_is_ours_and_a_cache_changes_nothing(body):
    for parse in (text, metrics):
        cache = {}
        outcomes = []
        for _ in range(2):
            try:
                got = parse(body, cache)
                outcomes.append((got.series, repr(got.values), got.times))
            except ExpositionError as error:
                outcomes.append(error.where)
        assert outcomes[0] == outcomes[1]
