"""An annotation expands as Prometheus expands it; one that cannot says so in its text."""

from __future__ import annotations

import math

import pytest

from llm_research_lab.templates import Failed, NeedMore, check_annotation, expand_annotations
from llm_research_lab.templates.values import Byte, type_of
from llm_research_lab.vocabulary.errors import InvalidError

LABELS = (("__name__", "x"), ("host", "web-1.example.org:9100"))
ANSWERS = {
    "y": [((("i", "2"),), 2.0), ((("i", "1"), ("__value__", "text")), 1.5)],
    "none": [],
    "bad": Failed("it burns"),
}


def expanded(text, value=1.5, **more):
    return expand_annotations(
        text,
        labels=LABELS,
        external_labels=(("region", "eu"),),
        external_url="http://example.org:9090/base",
        value=value,
        answers=ANSWERS,
        now_ms=60_500,
        name="Down",
        **more,
    )


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{{ $value }}|{{ $labels.host }}|{{ $labels.no }}|{{ $externalLabels.region }}|{{ .Value }}", "1.5|web-1.example.org:9100||eu|1.5"),
        ("{{ $externalURL }}|{{ externalURL }}|{{ pathPrefix }}|{{ now }}", "http://example.org:9090/base|http://example.org:9090/base|/base|60.5"),
        ("{{ range query `y` | sortByLabel `i` }}{{ .Labels.i }}={{ .Value }};{{ end }}", "1=1.5;2=2;"),
        ("{{ query `y` | first | value }}|{{ query `y` | first | label `i` }}|{{ len (query `none`) }}", "2|2|0"),
        ("{{ with query `y` | sortByLabel `i` }}{{ . | first | strvalue }}{{ end }}{{ sortByLabel `i` nil }}", "text[]"),
        ("{{ with query `none` }}{{ . | first }}{{ else }}nothing{{ end }}", "nothing"),
        ("{{ (args 1 `a`).arg1 }}{{ args }}", "amap[]"),
        ("{{ title `hello foo-bar don't 3rd` }}|{{ toUpper `straße ŉᾳ` }}|{{ toLower `ÀB İ` }}", "Hello Foo-Bar Don't 3Rd|STRAßE ŉᾼ|àb i"),
        ("{{ stripPort `[::1]:80` }}|{{ stripPort `a:b:c` }}|{{ stripPort `[a]b:1` }}|{{ stripPort `x` }}|{{ stripPort `[[a]:1` }}|{{ stripPort `a]:1` }}", "::1|a:b:c|[a]b:1|x|[[a]:1|a]:1"),
        ("{{ stripDomain $labels.host }}|{{ stripDomain `a.b` }}|{{ stripDomain `192.0.2.1:80` }}|{{ stripDomain `[a:b.c]:80` }}|{{ stripDomain `fe80::1%eth0` }}", "web-1:9100|a|192.0.2.1:80|[a:b]:80|fe80::1%eth0"),
        ("{{ match `^web` $labels.host }}|{{ reReplaceAll `a*` `-` `baac` }}|{{ reReplaceAll `(?P<x>b)` `<${x}$1$$>$y$9` `abc` }}", "true|-b-c-|a<bb$>c"),
        ("{{ graphLink `a b` }}|{{ tableLink `+` }}|{{ urlQueryEscape `a b` }}|{{ safeHtml `<b>` }}", "/graph?g0.expr=a+b&g0.tab=0|/graph?g0.expr=%2B&g0.tab=1|a+b|<b>"),
        ("{{ parseDuration `1h30m` }}|{{ toDuration 90.5 }}|{{ (toDuration 90).Minutes }}|{{ toTime 5 }}|{{ (toTime 0.5).Year }}", "5400|1m30.5s|1.5|1970-01-01 00:00:05 +0000 UTC|1970"),
        ("{{ humanize `12345` }}|{{ humanize 5 }}|{{ humanize `0x1p4` }}|{{ humanize `-inf` }}", "12.35k|5|16|-Inf"),
    ],
)  # fmt: skip
def test_an_annotation_expands_as_prometheus_documents(text, expected):
    assert expanded(text) == expected


@pytest.mark.parametrize(
    ("function", "value", "expected"),
    [
        ("humanize", 0.0, "0"),
        ("humanize", 999.95, "1000"),
        ("humanize", 1234567.0, "1.235M"),
        ("humanize", 1e27, "1000Y"),
        ("humanize", 0.0012, "1.2m"),
        ("humanize", math.nan, "NaN"),
        ("humanize1024", 1.0, "1"),
        ("humanize1024", 1000.0, "1000"),
        ("humanize1024", 1048576.0, "1Mi"),
        ("humanize1024", math.inf, "+Inf"),
        ("humanizeDuration", 0.0, "0s"),
        ("humanizeDuration", 59.9, "59.9s"),
        ("humanizeDuration", -61.0, "-1m 1s"),
        ("humanizeDuration", 90061.0, "1d 1h 1m 1s"),
        ("humanizeDuration", 3600.0, "1h 0m 0s"),
        ("humanizeDuration", 0.0012, "1.2ms"),
        ("humanizeDuration", math.inf, "+Inf"),
        ("humanizeDuration", 1e20, "-106751991167300d -15h -30m -8s"),
        ("humanizePercentage", 0.12345, "12.35%"),
        ("humanizeTimestamp", 1435065584.128, "2015-06-23 13:19:44.128 +0000 UTC"),
        ("humanizeTimestamp", -0.0015, "1969-12-31 23:59:59.999 +0000 UTC"),
        ("humanizeTimestamp", math.nan, "NaN"),
    ],
)
def test_a_number_is_written_for_a_person(function, value, expected):
    assert expanded(f"{{{{ {function} $value }}}}", value) == expected


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{{ query `bad` }}", "error calling query: it burns"),
        (
            "{{ query `none` | first }}",
            "error calling first: first() called on vector with no elements",
        ),
        (
            "{{ value nil }}",
            "error calling value: runtime error: invalid memory address or nil pointer dereference",
        ),
        ("{{ humanize true }}", "error calling humanize: can't convert bool to float"),
        (
            "{{ humanize `x` }}",
            'error calling humanize: strconv.ParseFloat: parsing "x": invalid syntax',
        ),
        (
            "{{ humanize `1e999` }}",
            'error calling humanize: strconv.ParseFloat: parsing "1e999": value out of range',
        ),
        ("{{ toTime `nan` }}", "error calling toTime: value is NaN or Inf"),
        (
            "{{ toTime 1e30 }}",
            "1e+30 cannot be represented as a nanoseconds timestamp since it overflows int64",
        ),
        (
            "{{ parseDuration `x` }}",
            'error calling parseDuration: not a valid duration string: "x"',
        ),
        ("{{ parseDuration `` }}", "error calling parseDuration: empty duration string"),
        ("{{ match `(` `` }}", "error calling match: error parsing regexp: missing closing ): `(`"),
        (
            "{{ reReplaceAll `*` `` `` }}",
            "error parsing regexp: missing argument to repetition operator: `*`",
        ),
        (
            "{{ range $i, $e := (args (args 1)) }}{{ end }}{{ .x }}",
            "can't evaluate field x in type struct {",
        ),
    ],
)
def test_an_annotation_that_fails_says_so_in_its_text(text, message):
    said = expanded(text)
    assert said.startswith("<error expanding template: error executing template __alert_Down: ")
    assert message in said
    assert said.endswith(">")


def test_a_value_too_deep_to_print_fails_the_annotation():
    text = "{{ $x := 1 }}{{ range $e := (slice `" + "" + "` 0) | printf `%s` | args }}{{ end }}"
    text += "{{ $x = args $x $x }}" * 60 + "{{ $x }}"
    assert "nested too deeply" in expanded(text)


@pytest.mark.parametrize(
    "text",
    [
        "{{ printf `" + "%1000000[1]d" * 20 + "` 1 }}",
        "{{ $x := args" + " 1" * 20 + " }}{{ printf `%1000000v` $x }}",
        "{{ $x := printf `%5000d` 1 }}{{ reReplaceAll `` $x $x }}",
        "{{ $x := args" + " 1" * 20 + " }}{{ range $x }}{{ $y := printf `%999999d` 1 }}{{ end }}",
    ],
)
def test_an_annotation_cannot_make_texts_without_end(text):
    assert "of more than 2097152 characters" in expanded(text)


def test_a_text_that_is_no_template_says_so_in_the_annotation():
    said = (
        'error parsing template __alert_Down: template: __alert_Down:2: function "tmpl" not defined'
    )
    assert expanded("a\n{{ tmpl `x` . }}") == f"<error expanding template: {said}>"


def test_a_query_without_an_answer_is_asked_for():
    with pytest.raises(NeedMore, match="up == 0") as caught:
        expanded("{{ query `up == 0` }}")
    assert caught.value.expressions == ("up == 0",)


@pytest.mark.parametrize(("text", "where"), [("{{ nope }}", "1:4"), ("a\n {{ nope }}", "2:5")])
def test_a_rules_template_is_refused_at_its_own_line_and_column(text, where):
    with pytest.raises(InvalidError) as caught:
        check_annotation(text)
    assert caught.value.where == where


def test_a_rules_template_that_parses_is_accepted():
    assert check_annotation("{{ $labels.host }} {{ $value | humanize }}").defined == {}


def test_a_byte_of_a_string_is_a_uint8():
    assert type_of(Byte(5)) == "uint8"
