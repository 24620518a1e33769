"""A template writes what Go's text/template writes, and fails with its words."""

from __future__ import annotations

import pytest

from llm_research_lab.templates import (
    CallError,
    ExecutionError,
    Function,
    Limits,
    Record,
    Records,
    StringMap,
    parse_template,
)
from llm_research_lab.templates.values import type_of


def refuse():
    raise CallError("no")


FUNCTIONS = {
    "double": Function(lambda value: 2 * value, ("int",)),
    "half": Function(lambda value: value / 2, ("float64",)),
    "upper": Function(lambda text: text.upper(), ("string",)),
    "flip": Function(lambda value: not value, ("bool",)),
    "keys": Function(lambda holder: sorted(holder or {}), ("map[string]string",)),
    "refuse": Function(refuse),
    "given": Function(lambda: Function(lambda *a: sum(a), ("int",), variadic=True)),
    "one": Function(lambda: Function(lambda a: a, ("int",))),
}
POINT = Record(
    "*lab.Point", {"X": 1, "Y": 2.5}, {"Sum": Function(lambda by: by * 3.5, ("float64",))}
)
DATA = {
    "s": "abc",
    "i": 5,
    "f": 1.5,
    "b": True,
    "n": None,
    "l": [1, "a", None],
    "m": StringMap({"b": "2", "a": "1"}),
    "p": POINT,
    "q": Record("lab.Point", {"X": 1}),
    "r": Records("lab.Points", (POINT, 5)),
    "fn": FUNCTIONS["double"],
}


def written(text, data=DATA, **limits):
    template = parse_template(text, functions=FUNCTIONS)
    return template.render(data, limits=Limits(**limits) if limits else None)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "{{ .s }}{{ .i }}{{ .f }}{{ .b }}{{ .n }}{{ .nope }}",
            "abc51.5true<no value><no value>",
        ),
        (
            "{{ .l }}{{ .m }}{{ .p }}{{ .q }}{{ .r }}",
            "[1 a <nil>]map[a:1 b:2]{1 2.5}{1}[0xc000000000 5]",
        ),
        ("{{ .m.nope }}|{{ .m.a }}|{{ .p.X }}|{{ .p.Sum 2 }}|{{ 2.0 | .p.Sum }}", "|1|1|7|7"),
        (
            "{{ range .l }}{{ . }},{{ end }}{{ range $k, $v := .m }}{{ $k }}={{ $v }};{{ end }}",
            "1,a,<no value>,a=1;b=2;",
        ),
        (
            "{{ range $v := .r }}{{ $v }}{{ end }}{{ range .n }}{{ else }}none{{ end }}",
            "{1 2.5}5none",
        ),
        ("{{ range $i, $_ := .l }}{{ if eq $i 1 }}{{ continue }}{{ end }}{{ $i }}{{ end }}", "02"),
        ("{{ range $i, $_ := .l }}{{ if eq $i 1 }}{{ break }}{{ end }}{{ $i }}{{ end }}", "0"),
        (
            "{{ $x := 1 }}{{ if true }}{{ $x = 3 }}{{ $x := 4 }}{{ $x }}{{ end }}{{ $x }}{{ $ | len }}",
            "4311",
        ),
        (
            "{{ with .p }}{{ .Y }}{{ end }}{{ with .n }}{{ else }}e{{ end }}{{ if .fn }}f{{ end }}",
            "2.5ef",
        ),
        (
            "{{ double 2 }}{{ double 2.0 }}{{ half 3 }}{{ upper `a` }}{{ flip true }}{{ .i | double }}",
            "441.5Afalse10",
        ),
        ("{{ keys .m }}{{ keys nil }}{{ keys .n }}", "[a b][][]"),
        ("{{ call given 1 2 }}{{ call given }}{{ call one 4 }}{{ call .fn 4 }}", "3048"),
        (
            "{{ and 1 0 2 }}{{ and 1 2 }}{{ or 0 `` `x` }}{{ or 0 `` }}{{ 3 | and 1 }}{{ 1 | or 0 }}",
            "02x31",
        ),
        ("{{ and .n (refuse) }}{{ or 1 (refuse) }}{{ not .n }}", "<no value>1true"),
        (
            "{{ eq 1 1 }}{{ ne 1 2 }}{{ lt `a` `b` }}{{ le 1 1 }}{{ gt 2 1 }}{{ ge 1 2 }}{{ eq 1 2 1 }}",
            "truetruetruetruetruefalsetrue",
        ),
        ("{{ eq nil .n }}{{ eq 1 nil }}{{ eq .p .p }}{{ eq true true }}", "truefalsetruetrue"),
        (
            "{{ index .l 1 }}{{ index .m `a` }}{{ index .m `z` }}{{ index .s 1 }}{{ index .l }}{{ index . `l` 0 }}",
            "a198[1 a <nil>]1",
        ),
        (
            "{{ slice .s 1 }}{{ slice .s 1 2 }}{{ slice .s }}{{ slice .l 1 }}{{ slice .l 0 1 1 }}",
            "bcbabc[a <nil>][1]",
        ),
        ("{{ len `ä` }}{{ len .l }}{{ len .m }}", "232"),
        (
            "{{ print 1 2 `a` `b` 3 4.5 nil }}|{{ println `a` 1 }}",
            "1 2a b3 4.5 <nil>|a 1\n".replace("a b", "ab"),
        ),
        (
            "{{ html `<a href='x'>&\"` }}{{ html 1 nil }}",
            "&lt;a href=&#39;x&#39;&gt;&amp;&#34;1 &lt;no value&gt;".replace("1 &lt;", "1&lt;"),
        ),
        (
            '{{ js `it\'s <b> & = "\\` }}{{ js "\\n" }}',
            "it\\'s \\u003Cb\\u003E \\u0026 \\u003D \\\"\\\\\\u000A",
        ),
        ("{{ urlquery `a b&c=ä/~` }}", "a+b%26c%3D%C3%A4%2F~"),
        ("{{ (index .l 0) }}{{ ($.p).X }}{{ (.p).Y }}{{ $.p.X }}", "112.51"),
    ],
)
def test_a_template_writes_what_go_writes(text, expected):
    assert written(text) == expected


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{{ .s.x }}", "<.s.x>: can't evaluate field x in type interface {}"),
        ("{{ .i 1 }}", "<.i>: i is not a method but has arguments"),
        ("{{ .p.X 1 }}", "<.p.X>: X has arguments but cannot be invoked as function"),
        ("{{ .p.Z }}", "<.p.Z>: can't evaluate field Z in type interface {}"),
        ("{{ .n.x }}x{{ $.l.y }}", "nil pointer evaluating interface {}.x"),
        ("{{ 1 2 }}", "<1>: can't give argument to non-function 1"),
        ("{{ nil }}", "<nil>: nil is not a command"),
        ("{{ .fn }}", "<{{.fn}}>: can't print {{.fn}} of type func"),
        ("{{ double `a` }}", "<`a`>: expected integer; found `a`"),
        ("{{ half true }}", "<true>: expected float; found true"),
        ("{{ upper 1 }}", "<1>: expected string; found 1"),
        ("{{ flip 1 }}", "<1>: expected bool; found 1"),
        ("{{ keys 1 }}", "<1>: can't handle 1 for arg of type map[string]string"),
        ("{{ double nil }}", "<nil>: cannot assign nil to int"),
        ("{{ double .n }}", "<.n>: invalid value; expected int"),
        ("{{ double .s }}", "<.s>: wrong type for value; expected int; got string"),
        ("{{ double 1 2 }}", "<double>: wrong number of args for double: want 1 got 2"),
        ("{{ printf }}", "<printf>: wrong number of args for printf: want at least 1 got 0"),
        ("{{ refuse }}", "<refuse>: error calling refuse: no"),
        ("{{ range 5 }}{{ end }}", "<5>: range can't iterate over 5"),
        ("{{ template `x` }}", '<{{template "x"}}>: template "x" not defined'),
        ("{{ $x := 1 }}{{ if 1 }}{{ $y = 1 }}{{ $y }}{{ end }}", "undefined variable: $y"),
        ("{{ if 1 }}{{ $y = 1 }}{{ end }}", "undefined variable: $y"),
        ("{{ 9223372036854775808 }}", "overflows int"),
        ("{{ eq 1 }}", "missing argument for comparison"),
        ("{{ eq 1 1.0 }}", "incompatible types for comparison"),
        ("{{ eq .m .m }}", "non-comparable type map[a:1 b:2]: map[string]string"),
        (
            "{{ eq .l .q }}",
            "non-comparable types [%!s(int=1) a <nil>]: []interface {}, lab.Point: {1}",
        ),
        ("{{ lt 1 `a` }}", "incompatible types for comparison"),
        ("{{ lt true true }}", "invalid type for comparison"),
        ("{{ lt nil 1 }}", "invalid type for comparison"),
        ("{{ index nil }}", "index of untyped nil"),
        ("{{ index .l 2 0 }}", "index of nil pointer"),
        ("{{ index .l 3 }}", "reflect: slice index out of range"),
        ("{{ index .l 4 }}", "index out of range: 4"),
        ("{{ index .l nil }}", "cannot index slice/array with nil"),
        ("{{ index .l `a` }}", "cannot index slice/array with type string"),
        ("{{ index .m 1 }}", "value has type int; should be string"),
        ("{{ index .m nil }}", "value is nil; should be of type string"),
        ("{{ index 5 1 }}", "can't index item of type int"),
        ("{{ slice nil }}", "slice of untyped nil"),
        ("{{ slice .l 1 2 3 4 }}", "too many slice indexes: 4"),
        ("{{ slice .s 1 2 3 }}", "cannot 3-index slice a string"),
        ("{{ slice 5 }}", "can't slice item of type int"),
        ("{{ slice .s 2 1 }}", "invalid slice index: 2 > 1"),
        ("{{ len 5 }}", "len of type int"),
        ("{{ len nil }}", "reflect: call of reflect.Value.Type on zero Value"),
        ("{{ call nil }}", "call of nil"),
        ("{{ call 5 }}", "non-function of type int"),
        ("{{ call .fn }}", "wrong number of args: got 0 want 1"),
        ("{{ call .fn `a` }}", "arg 0 has type string; should be int"),
    ],
)
def test_what_fails_says_where_in_gos_words(text, message):
    if "$y" in text:
        text = text.replace("{{ if 1 }}", "{{ if 1 }}{{ with $y := 2 }}{{ end }}")
    with pytest.raises(ExecutionError) as caught:
        written(text)
    said = str(caught.value)
    assert said.startswith("template: template:1:")
    assert message in said


def test_a_place_is_a_line_and_the_bytes_before_it():
    with pytest.raises(
        ExecutionError, match=r'^template: template:2:6: executing "x" at <\.a>: can'
    ):
        written('{{ define "x" }}\nä {{ .a }}{{ end }}{{ template "x" 5 }}')


@pytest.mark.parametrize(
    ("text", "limits", "message"),
    [
        (
            "{{ range .l }}{{ range $.l }}x{{ end }}{{ end }}",
            {"steps": 5},
            "exceeded maximum steps (5)",
        ),
        ("four{{ .i }}more", {"output_bytes": 5}, "<more>: exceeded maximum output (5 bytes)"),
        ("{{ .s }}{{ .s }}", {"output_bytes": 5}, "exceeded maximum output (5 bytes)"),
        (
            '{{ define "x" }}{{ template "x" }}{{ end }}{{ template "x" }}',
            {},
            "exceeded maximum template depth (20)",
        ),
    ],
)
def test_a_rendering_ends_at_its_limits(text, limits, message):
    with pytest.raises(ExecutionError) as caught:
        written(text, **limits)
    assert message in str(caught.value)


def test_the_deepest_template_renders_within_the_interpreters_stack():
    nested = "{{ if 1 }}" * 49 + "{{ template `x` }}" + "{{ end }}" * 49
    with pytest.raises(ExecutionError, match="exceeded maximum nesting"):
        written(
            "{{ define `x` }}"
            + nested.replace("`x`", "`y`")
            + "{{ end }}{{ define `y` }}"
            + nested
            + "{{ end }}{{ template `x` }}",
            depth=4,
        )


def test_fields_of_no_data_are_no_value():
    assert written("{{ .x.y }}", None) == "<no value>"


def test_a_defined_template_renders_by_its_name():
    template = parse_template('{{ define "x" }}<{{ . }}>{{ end }}', functions={}, name="all")
    assert template.render_defined("x", 5) == "<5>"
    with pytest.raises(ExecutionError, match='no template "y" associated with template "all"'):
        template.render_defined("y", 5)


def test_a_value_has_gos_type():
    values = [None, True, 1, 1.5, "a", {}, [], StringMap(), POINT, FUNCTIONS["refuse"]]
    assert [type_of(value) for value in values] == [
        "<nil>", "bool", "int", "float64", "string", "map[string]interface {}", "[]interface {}",
        "map[string]string", "*lab.Point", "func",
    ]  # fmt: skip
