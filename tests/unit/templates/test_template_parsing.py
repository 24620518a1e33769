"""A text is a template or is refused with line and column."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llm_research_lab.templates import ExecutionError, parse_template
from llm_research_lab.templates.nodes import Bool, Dot, Field, If, Invoke, Nil
from llm_research_lab.vocabulary.errors import InvalidError


def written(text, data=None):
    return parse_template(text, functions={}).render(data)


@pytest.mark.parametrize(
    ("text", "where", "got"),
    [
        ("{{", "1:3", "unclosed action"),
        ("a\nä {{ nope }}", "2:7", 'function "nope" not defined'),
        ("{{ }}", "1:4", "missing value for command"),
        ("{{ $x }}", "1:4", 'undefined variable "$x"'),
        ("{{ if 1 }}", "1:11", "unexpected EOF"),
        ("{{ end }}", "1:4", "unexpected {{end}}"),
        ("{{ if 1 }}{{ else }}{{ else }}{{ end }}", "1:24", "expected end; found {{else}}"),
        ("{{ break }}", "1:4", "{{break}} outside {{range}}"),
        ("{{ 1 | 2 }}", "1:8", "non executable command in pipeline stage 2"),
        ('{{ "a }}', "1:4", "unterminated quoted string"),
        ("{{ 'a }}", "1:4", "unterminated character constant"),
        ("{{ `a }}", "1:4", "unterminated raw quoted string"),
        ("{{ 'ab' }}", "1:4", "malformed character constant: 'ab'"),
        ("{{ (1 }}", "1:7", "unclosed left paren"),
        ("{{ 1) }}", "1:5", "unexpected right paren"),
        ("{{ 08 }}", "1:4", 'integer overflow: "08"'),
        ("{{ 1x }}", "1:4", 'bad number syntax: "1x"'),
        ("{{ 0x }}", "1:4", 'bad number syntax: "0x"'),
        ("{{ 18446744073709551616 }}", "1:4", 'integer overflow: "18446744073709551616"'),
        ("{{ 1e400 }}", "1:4", 'bad number syntax: "1e400"'),
        ("{{ .a. }}", "1:4", None),
        ('{{ "a".b }}', "1:7", 'unexpected . after term ""a""'),
        ("{{ $a, $b := 1 }}", "1:6", "too many declarations in command"),
        ("{{ range $a, 1 := . }}{{ end }}", "1:14", "range can only initialize variables"),
        ("{{ range $a, $b }}{{ end }}", "1:17", "range can only initialize variables"),
        ("{{ define x }}{{ end }}", "1:11", 'unexpected "x" in define clause'),
        ('{{ define "x" }}{{ else }}{{ end }}', "1:20", "unexpected {{else}} in define clause"),
        (
            '{{ define "x" }}a{{ end }}{{ define "x" }}b{{ end }}',
            "1:44",
            'multiple definition of template "x"',
        ),
        ("{{ /* c */ }}", "1:4", 'unexpected "/" in command'),
        ("{{/* c", "1:1", "unclosed comment"),
        ("{{/* c */ }}", "1:10", "comment ends before closing delimiter"),
        ("{{ ☺ }}", "1:4", "unrecognized character in action: U+263A"),
        ("{{ .a=b }}", "1:6", "bad character U+003D '='"),
        ("{{ : }}", "1:4", "expected :="),
        (r'{{ "\q" }}', "1:4", "invalid syntax"),
        (r'{{ "\777" }}', "1:4", "invalid syntax"),
        (r'{{ "\ud800" }}', "1:4", "invalid syntax"),
        ('{{ 1"x" }}', "1:5", 'unexpected "\\"x\\"" in operand'),
        ("{{ if 1 }}{{ end 1 }}", "1:18", 'unexpected "1" in end'),
        ('{{ template "a\\nbcdefghij" 1 2 3 }', "1:4", None),
        ("{{ " + "(" * 60 + "1" + ")" * 60 + " }}", "1:54", "more than 50 in each other"),
        ("x" * ((1 << 20) + 1), f"1:{(1 << 20) + 1}", "1048577 characters"),
        ("{{ template }}", "1:13", 'unexpected "}}" in template clause'),
        ("{{ aaaaaaaaaaaaaaa 1\n| nil.x }}", "1:4", 'function "aaaaaaaaaaaaaaa" not defined'),
        (
            "{{ template aaaaaaaaaaaaaaaa }}",
            "1:13",
            'unexpected "aaaaaaaaaa..." in template clause',
        ),
        ("{{ print if }}", "1:10", "unexpected <if> in command"),
    ],
)
def test_what_is_no_template_is_refused_where_it_is_wrong(text, where, got):
    with pytest.raises(InvalidError) as caught:
        parse_template(text, functions={})
    if got is not None:
        assert (caught.value.where, caught.value.got) == (where, got)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a {{- 1 -}} b", "a1b"),
        ("a{{/* c */}}b {{- /* c */ -}} c", "abc"),
        ("a\n{{- /* c */}} b", "a b"),
        ("{{\n1\n}}", "1"),
        (r'{{ "\x41\101\u00e4\U0001F600\n\"" }}', 'AAä😀\n"'),
        ("{{ `a\\n\r` }}", "a\\n"),
        (r"{{ 'a' }} {{ '\'' }} {{ '\xff' }} {{ '\101' }} {{ 'ä' }}", "97 39 255 65 228"),
        (
            "{{ 0x1F }} {{ 0o17 }} {{ 017 }} {{ 0b11 }} {{ 1_000 }} {{ -1 }} {{ +1 }}",
            "31 15 15 3 1000 -1 1",
        ),
        (
            "{{ 1.5 }} {{ .5 }} {{ 5. }} {{ 1e3 }} {{ 0x1p4 }} {{ 1e300 }}",
            "1.5 0.5 5 1000 16 1e+300",
        ),
        ("{{ if 0 }}a{{ else if 1 }}b{{ else }}c{{ end }}", "b"),
        ("{{ with 0 }}a{{ else with 2 }}{{ . }}{{ end }}", "2"),
        ("{{ with 0 }}a{{ else }}c{{ end }}{{ if 0 }}a{{ end }}", "c"),
        ('{{ block "b" 5 }}<{{ . }}>{{ end }}{{ template "b" 6 }}', "<5><6>"),
        ('{{ define "x" }} {{ end }}{{ define "x" }}b{{ end }}{{ template "x" }}', "b"),
        ('{{ define "x" }}b{{ end }}{{ define "x" }} {{ end }}{{ template "x" }}', "b"),
        ("{{ 1 | }}", "1"),
        ("{{ $x := 1 }}{{ $x = 2 }}{{ $x}}{{ $x|print }}", "22"),
        ("{{ print 1 2\t|print }}", "1 2"),
        ("}} {a} {{ `{{` }}", "}} {a} {{"),
        ("{{ ((1)) }}{{ print (print 1) | print }}", "11"),
    ],
)
def test_a_template_writes_what_go_writes(text, expected):
    assert written(text) == expected


def test_a_node_prints_as_go_prints_it():
    source = '{{ range $i, $e := (print .a "x" nil true 1.5 $ . | len).c }}{{ template "q\\"" . }}{{ end }}'
    with pytest.raises(ExecutionError, match="can't evaluate field c in type int"):
        written(source, {})
    parsed = parse_template(
        '{{ range $i, $e := . }}{{ template "q\\"" $e.a }}{{ template "q" }}{{ end }}', functions={}
    )
    loop = parsed.body[0]
    assert str(loop) == "{{range $i, $e := .}}"
    first, second = loop.body
    assert isinstance(first, Invoke)
    assert (str(first), str(second)) == ('{{template "q\\"" $e.a}}', '{{template "q"}}')
    action = parse_template(
        '{{ $x := 1 }}{{ $x = print .a (len "x").b.c nil true . | print }}', functions={}
    ).body[1]
    assert str(action) == '{{$x = print .a (len "x").b.c nil true . | print}}'
    assert (str(Dot(0)), str(Nil(0)), str(Bool(0, value=False)), str(Field(0, ("a",)))) == (
        ".",
        "nil",
        "false",
        ".a",
    )
    assert isinstance(parse_template("{{ if 1 }}{{ end }}", functions={}).body[0], If)


@given(st.text(alphabet=st.sampled_from("{}- $.|():=,\"`'abif end 01/*\n")))
def test_any_text_is_a_template_or_is_refused_with_its_place(text):
    try:
        parse_template(text, functions={})
    except InvalidError as error:
        line, column = map(int, error.where.split(":"))
        assert 1 <= line <= text.count("\n") + 1
        assert column >= 1
