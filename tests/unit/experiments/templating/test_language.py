"""The templates of prompts and targets: what the language has, it does as Jinja2 does."""

from __future__ import annotations

import pytest

from llm_research_lab.experiments.templating import Template
from llm_research_lab.vocabulary import InvalidError

ROW = {
    "name": "Ann",
    "n": 7,
    "x": 2.5,
    "yes": True,
    "none": None,
    "list": [3, 1, 2, 3],
    "object": {"b": 1, "a": "é"},
    "people": [{"name": "Ann", "age": 3}, {"name": "Ben", "age": 5}],
    "Capital City": "Rome",
    "lines": "one\ntwo\n\nthree",
}

WRITTEN = [
    # values are written the plain way
    ("plain", "plain"),
    ("{{ name }}{{ n }} {{ x }} {{ yes }} [{{ none }}]", "Ann7 2.5 true []"),
    ("{{ list }}{{ object }}", '[3,1,2,3]{"a":"é","b":1}'),
    ('{{ row["Capital City"] }} {{ row.name }}', "Rome Ann"),
    ("{{ (1, 'a') }}", '[1,"a"]'),
    ("line\n", "line\n"),
    # fields, elements, slices
    ("{{ object.a }}{{ object['b'] }}{{ people[1].age }}{{ name[0] }}", "é15A"),
    ("{{ list[1:3] }}{{ name[::-1] }}{{ list[:-1] }}", "[1,2]nnA[3,1,2]"),
    ("{{ list[-1] }}", "3"),
    # arithmetic
    ("{{ n + 1 }} {{ n - 1 }} {{ n * 2 }} {{ n / 2 }} {{ n // 2 }} {{ n % 4 }}", "8 6 14 3.5 3 3"),
    ("{{ 2 ** 10 }} {{ 2 ** -1 }} {{ -n }} {{ +n }} {{ 0.5 ** 2 }}", "1024 0.5 -7 7 0.25"),
    ("{{ name + '!' }}{{ [1] + [2] }}{{ 'ab' * 2 }}{{ [0] * 2 }}", "Ann![1,2]abab[0,0]"),
    ("{{ 'x' * -1 }}{{ name ~ n ~ none }}", "Ann7"),
    ("{{ 2 ** 1023 > 1 }}", "true"),
    # conditions
    ("{% if n > 5 and not none %}big{% elif n %}small{% else %}none{% endif %}", "big"),
    ("{{ 'a' if n == 8 else 'b' }}{{ 'gone' if n == 8 }}", "b"),
    ("{{ 1 < n < 9 }}{{ 'nn' in name }}{{ 4 not in list }}", "truetruetrue"),
    ("{{ n is odd }}{{ n is even }}{{ n is divisibleby 7 }}{{ 8 is even }}", "truefalsetruetrue"),
    ("{{ x is number }}{{ name is string }}{{ list is sequence }}", "truetruetrue"),
    ("{{ none is none }}{{ gone is defined }}{{ gone is undefined }}", "truefalsetrue"),
    # loops
    ("{% for i in list %}{{ loop.index }}:{{ i }} {% endfor %}", "1:3 2:1 3:2 4:3 "),
    ("{% for i in [] %}x{% else %}empty{% endfor %}", "empty"),
    ("{% for k in object %}{{ k }}{% endfor %}{% for c in name %}{{ c }}.{% endfor %}", "baA.n.n."),
    ("{% for i in range(6) if i is odd %}{{ i }}{% endfor %}", "135"),
    ("{% for k, v in object | items %}{{ k }}={{ v }};{% endfor %}", "b=1;a=é;"),
    (
        (
            "{% for i in 'abc' %}{{ loop.first }}{{ loop.last }}{{ loop.revindex }}"
            "{{ loop.length }}{{ loop.index0 }}{{ loop.revindex0 }} {% endfor %}"
        ),
        "truefalse3302 falsefalse2311 falsetrue1320 ",
    ),
    (
        "{% for i in [1,2] %}{{ loop.nextitem | d('-') }}{{ loop.previtem | d('-') }}{% endfor %}",
        "2--1",
    ),
    (
        "{{ range(3) | list }}{{ range(1, 9, 3) | list }}{{ range(3, 0, -1) | list }}",
        "[0,1,2][1,4,7][3,2,1]",
    ),
    ("{{ range(5, 1) | list }}", "[]"),
    # names
    ("{% set a = n + 1 %}{{ a }}{% set b %}<{{ name }}>{% endset %}{{ b }}", "8<Ann>"),
    ("{% with a = 2 %}{{ a }}{% endwith %}", "2"),
    ("{# nothing #}{% raw %}{{ raw }}{% endraw %}", "{{ raw }}"),
    # filters
    (
        "{{ name | upper }}{{ name | lower }}{{ 'a b' | title }}{{ 'ab' | capitalize }}",
        "ANNannA BAb",
    ),
    (
        "{{ list | length }}{{ name | count }}{{ list | sum }}{{ list | max }}{{ list | min }}",
        "43931",
    ),
    ("{{ list | first }}{{ list | last }}{{ name | first }}{{ name | last }}", "33An"),
    (
        "{{ list | sort }}{{ list | sort(reverse=true) }}{{ list | unique }}",
        "[1,2,3,3][3,3,2,1][3,1,2]",
    ),
    ("{{ list | reverse }}{{ name | reverse }}", "[3,2,1,3]nnA"),
    ("{{ list | join('-') }}{{ people | join(',', attribute='name') }}", "3-1-2-3Ann,Ben"),
    ("{{ people | map('age') }}{{ people | map(attribute='name') }}", '[3,5]["Ann","Ben"]'),
    ("{{ name | replace('n', 'mm') }}{{ 'abc' | list }}", 'Ammmm["a","b","c"]'),
    ("{{ lines | indent }}|{{ 'a' | indent(2, first=true) }}", "one\n    two\n\n    three|  a"),
    ("{{ object | tojson }}{{ [1] | tojson(indent=2) }}", '{"a":"é","b":1}[\n  1\n]'),
    ("{{ gone | default('-') }}{{ '' | d('-', true) }}{{ '' | d('-') }}{{ gone | default }}", "--"),
    (
        "{{ 'abcdef' | truncate(4) }}{{ 'ab' | truncate(4) }}{{ 'abcd' | truncate(2, '') }}",
        "abc…abab",
    ),
    (
        "{{ 2.567 | round(1) }} {{ 2.1 | round(0, 'ceil') }} {{ 2.9 | round(method='floor') }}",
        "2.6 3.0 2.0",
    ),
    ("{{ '7' | int }}{{ '7.9' | int }}{{ 'x' | int }}{{ 'x' | int(4) }}{{ 2.9 | int }}", "77042"),
    ("{{ '2.5' | float }} {{ 'x' | float }} {{ none | float(1) }}", "2.5 0.0 1"),
    ("{{ ('9' * 401) | int }} {{ ('9' * 401) | float }} {{ '9' * 3 | int }}", "0 0.0 999"),
    ("{{ ' a ' | trim }}{{ 'xax' | trim('x') }}{{ -3 | abs }}{{ n | string }}", "aa37"),
    ("{{ 'a b  c' | wordcount }}", "3"),
    ("{{ [1, '1', 1.5, none, ''] | unique }}", '[1,"1",1.5,null,""]'),
    # methods
    ("{{ name.upper() }}{{ name.replace('n', 'm') }}{{ ','.join(['a', 'b']) }}", "ANNAmma,b"),
    (
        "{{ 'a,b'.split(',') }}{{ ' a '.strip() }}|{{ 'xa'.lstrip('x') }}{{ 'ax'.rstrip('x') }}",
        '["a","b"]a|aa',
    ),
    ("{{ name.startswith('A') }}{{ name.find('n') }}{{ name.count('n') }}", "true12"),
    ("{{ object.get('b') }}{{ object.get('z', 'no') }}{{ object.keys() }}", '1no["b","a"]'),
    ("{{ object.values() }}{{ object.items() }}", '[1,"é"][["b",1],["a","é"]]'),
]


@pytest.mark.parametrize(("source", "text"), WRITTEN)
def test_a_template_writes_what_jinja_would_the_plain_way(source, text):
    assert Template(source, "prompt").render(ROW) == text


REFUSED = [
    ("{% include 'x' %}", "include"),
    ("{% import 'x' as y %}", "import"),
    ("{% extends 'x' %}", "extends"),
    ("{% macro m() %}{% endmacro %}", "macro"),
    ("{% block b %}{% endblock %}", "block"),
    ("{% filter upper %}a{% endfilter %}", "filterblock"),
    ("{% call f() %}{% endcall %}", "callblock"),
    ("{% autoescape true %}a{% endautoescape %}", ""),
    ("{% set a.b = 1 %}", "nsref"),
    ("{% set a | upper %}x{% endset %}", "a filter without a value"),
    ("{% for i in x recursive %}{% endfor %}", "a recursive loop"),
    ("{{ x | attr('y') }}", "the filter attr"),
    ("{{ x | format(1) }}", "the filter format"),
    ("{{ x | _read }}", "the filter _read"),
    ("{{ x is callable }}", "the test callable"),
    ("{{ x is filter }}", "the test filter"),
    ("{{ x | join(*y) }}", "arguments with *"),
    ("{{ x is divisibleby(*y) }}", "arguments with *"),
    ("{{ x.lower(**y) }}", "arguments with *"),
    ("{{ range() }}", "range()"),
    ("{{ range(stop=3) }}", "range()"),
    ("{{ x() }}", "a call of x"),
    ("{{ x.format(1) }}", "a call of format"),
    ("{{ x.__class__.mro() }}", ""),
    ("{{ x[0]() }}", "a call of an expression"),
    ("{{ loop.cycle(1, 2) }}", "a call of cycle"),
    ("{{ ''.__class__ }}", "the name __class__"),
    ("{{ _budget }}", "the name _budget"),
    ("{% set _budget = 1 %}", "the name _budget"),
    ("{% for _b in x %}{% endfor %}", "the name _b"),
    ("{% with _b = 1 %}{% endwith %}", "the name _b"),
    ("{{ self }}", "the name self"),
    ("{{ caller() }}", "a call of caller"),
    ("{{ 1e999 }}", "a number that is too large"),
    ("{{ " + "9" * 400 + " }}", "a number that is too large"),
    (r"{{ '\ud800' }}", "half of a character"),
    ("\ud800", "half of a character"),
    ("{{ a", "unexpected end of template"),
    ("{{ 1 + }}", "unexpected"),
    ("{% nothing %}", "unknown tag"),
    ("{{ x.upper(a=1, a=2) }}", "keyword argument repeated"),
    ("x" * 65_537, "65,537"),
]


@pytest.mark.parametrize(("source", "got"), REFUSED)
def test_what_the_language_has_not_is_refused_before_any_row(source, got):
    with pytest.raises(InvalidError) as caught:
        Template(source, "prompt")
    assert caught.value.where.startswith("prompt")
    assert got.lower() in caught.value.got.lower()


FAILED = [
    ("{{ gone }}", "'gone' is undefined"),
    ("{{ gone.field }}", "'gone' is undefined"),
    ("{{ object.gone }}", "has no attribute 'gone'"),
    ("{{ object.gone.further }}", "'gone' is undefined"),
    ("{{ gone + 1 }}", "'gone' is undefined"),
    ("{{ gone | items }}", "'gone' is undefined"),
    ("{% for i in gone %}{% endfor %}", "'gone' is undefined"),
    ("{{ row['nothing'] }}", "has no attribute 'nothing'"),
    ("{{ list[9] }}", "has no element 9"),
    ("{{ object[[1]] }}", "has no element [1]"),
    ("{% for i in 5 %}{% endfor %}", "cannot loop over int"),
    ("{% for i in none %}{% endfor %}", "cannot loop over null"),
    ("{{ n[1:2] }}", "cannot take a slice of int"),
    ("{{ name - 1 }}", "text is not a number"),
    ("{{ object * 2 }}", "object is not a number"),
    ("{{ list - 1 }}", "list is not a number"),
    ("{{ -name }}", "text is not a number"),
    ("{{ name is odd }}", "text is not a number"),
    ("{{ name is divisibleby 2 }}", "text is not a number"),
    ("{{ n is divisibleby 0 }}", "ZeroDivisionError"),
    ("{{ n / 0 }}", "ZeroDivisionError"),
    ("{{ (-1) ** 0.5 }}", "not a real number"),
    ("{{ 1e308 * 10 }}", "inf is not a JSON number"),
    ("{{ 1e308 ** 2 }}", "OverflowError"),
    ("{{ ['nan' | float] }}", "nan is not a JSON number"),
    ("{{ {1: 2} }}", "Dict key must be str"),
    ("{{ 2 ** 63 * 2 ** 63 | list }}", "not iterable"),
    ("{{ [2 ** 64] }}", "64-bit"),
    ("{{ range(3) }}", "a template writes plain values, not range"),
    ("{{ n | items }}", "int has no items"),
    ("{{ n.upper() }}", "has no method upper"),
    ("{{ name.get('a') }}", "has no method get"),
    ("{{ object.upper() }}", "has no method upper"),
    ("{{ ','.join(['a'], 'b') }}", "TypeError"),
    ("{{ name | trim('" + "x" * 65 + "') }}", "more than 64 characters to strip"),
    ("{{ 'a' | indent(-1) }}", "an indent is 0 or more spaces"),
    ("{{ 'a' | indent(1.5) }}", "an indent is 0 or more spaces"),
    ("{{ 2 | round(0, 'up') }}", "KeyError"),
    ("{{ [] | first }}", "IndexError"),
    ("{{ [1, 'a'] | sort }}", "TypeError"),
    ("{% for i in [1] %}{{ loop }}{% endfor %}", "a template reads plain values, not LoopContext"),
    ("{% for i in [1] %}{{ loop['index'] }}{% endfor %}", "a template reads plain values"),
    ("{% for i in [1] %}{{ loop._iterable }}{% endfor %}x", "the name _iterable"),
    ("{% for i in [1] %}{{ loop.depth }}{% endfor %}", "loop.depth is not available"),
]


@pytest.mark.parametrize(("source", "got"), FAILED)
def test_what_a_row_cannot_give_is_said(source, got):
    with pytest.raises(InvalidError) as caught:
        Template(source, "prompt").render(ROW)
    assert got in caught.value.got


def test_a_failure_says_the_line():
    template = Template("one\ntwo {{ name }}\nthree {{ gone }}\nfour", "prompt")
    with pytest.raises(InvalidError, match="prompt, line 3: expected a defined value"):
        template.render(ROW)
    with pytest.raises(InvalidError, match="target, line 2: expected a Jinja2 template"):
        Template("one\n{{ 1 + }}", "target")
    with pytest.raises(InvalidError, match="target, line 3"):
        Template("one\n\n{{ x.__class__ }}", "target")


def test_a_failure_repeats_little_of_a_long_value():
    with pytest.raises(InvalidError) as caught:
        Template("{{ row[name] }}", "prompt").render({"name": "x" * 100_000})
    assert len(caught.value.got) <= 250


def test_what_is_no_plain_value_is_neither_read_nor_written():
    for value in ({1, 2}, b"bytes", object(), print):
        with pytest.raises(InvalidError, match="plain values"):
            Template("{{ it }}", "prompt").render({"it": value})


def test_a_row_is_read_through_any_mapping_and_is_not_changed():
    row = {"a": [1], "row": 2}
    assert Template("{% set a = a + [2] %}{{ a }}{{ row }}", "p").render(row) == "[1,2]2"
    assert row == {"a": [1], "row": 2}


def test_a_column_cannot_take_the_place_of_the_budget():
    with pytest.raises(InvalidError, match="steps of work"):
        Template(
            "{% for i in range(99999) %}{% for j in range(99999) %}{% endfor %}{% endfor %}", "p"
        ).render({"_budget": None})
