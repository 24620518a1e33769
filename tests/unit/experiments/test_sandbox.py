"""A text with ``{{ column }}`` in it becomes a pure function of a row that always ends."""

from __future__ import annotations

import time
import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llm_research_lab.experiments.sandbox import compile_text, variables_of
from llm_research_lab.experiments.templating import TEXT_CHARACTERS
from llm_research_lab.experiments.templating.filters import FILTERS, METHODS
from llm_research_lab.experiments.templating.grammar import TESTS
from llm_research_lab.vocabulary import InvalidError

MEBI = "x" * TEXT_CHARACTERS
ROW = {"big": MEBI, "word": "abc", "n": 5, "list": list(range(20)), "deep": []}
for _ in range(900):
    ROW["deep"] = [ROW["deep"]]

FOREVER = "{% for i in range(99999) %}{% for j in range(99999) %}{% endfor %}{% endfor %}"

ATTACKS = {
    # attributes and formats
    "class": "{{ ''.__class__ }}",
    "class by key": "{{ ''['__class__'] }}",
    "class by computed key": "{{ ''['__cla' ~ 'ss__'] }}",
    "subclasses": "{{ ().__class__.__base__.__subclasses__() }}",
    "format": "{{ '{0.__class__}'.format(n) }}",
    "format_map": "{{ '{n}'.format_map(row) }}",
    "percent": "{{ '%s' % n }}",
    "percent by a test": "{{ '%999999999d' is odd }}",
    "percent by another test": "{{ '%999999999d' is even }}",
    "percent by divisibility": "{{ '%*d' is divisibleby [999999999, 1] }}",
    "globals": "{{ range.__globals__ }}",
    "loop's own": "{% for i in [1] %}{{ loop._iterator }}{% endfor %}",
    "namespace": "{{ namespace() }}",
    "cycler": "{{ cycler.__init__ }}",
    "config": "{{ config }}",
    "underscore by another letter": "{{ \uff3fbudget.work }}",
    # loops
    "long range": "{% for i in range(10**9) %}{% endfor %}",
    "range of a list": "{{ range(10**30) | list }}",
    "nested loops": FOREVER,
    "nested loops over text": "{% for a in big %}{% for b in big %}{% endfor %}{% endfor %}",
    "loop length": "{% for i in range(99999) %}{{ loop.length }}{{ big | length }}{% endfor %}",
    "loop with a condition": "{% for i in range(99999) if big | max == i %}{% endfor %}",
    "budget given back": "{{ 'a' | indent(-10**15) }}" + FOREVER,
    "budget made no number": "{{ 'a' | indent('nan' | float) }}" + FOREVER,
    "budget made infinite": "{{ 'a' | indent(-1e308 * 10) }}" + FOREVER,
    # numbers
    "power": "{{ 10 ** (10 ** 10) }}",
    "power of the longest literal": "{{ " + "9" * 300 + " ** 1024 }}",
    "power of a long text": "{{ ('9' * 400) | int ** 1024 }}",
    "power at compile time": "{{ (2 ** 10) ** (2 ** 30) }}",
    "powers in a row": "{% set a = 9 ** 300 %}{{ a * a * a * a }}",
    "digits": "{{ " + "9" * 60_000 + " }}",
    "negative power": "{{ (2 ** 1023) ** -(2 ** 1023) * 1e999 }}",
    # texts and lists
    "text times": "{{ 'x' * 10**10 }}",
    "text times at the edge": "{{ 'x' * 10**30 }}",
    "list times": "{{ [0] * 10**9 }}",
    "list of lists": "{{ [[0] * 1000] * 1000 }}",
    "doubling": "{% set a0 = 'x' * 1000 %}"
    + "".join(f"{{% set a{n + 1} = a{n} ~ a{n} %}}" for n in range(30)),
    "doubling by plus": "{% set a0 = [0] %}"
    + "".join(f"{{% set a{n + 1} = a{n} + a{n} %}}" for n in range(40)),
    "doubling by nesting": "{% set a0 = [0] %}"
    + "".join(f"{{% set a{n + 1} = [a{n}, a{n}] %}}" for n in range(40))
    + "{{ a40 }}",
    "doubling by blocks": "{% set x %}aaaa{% endset %}"
    + "{% set x %}{{ x }}{{ x }}{% endset %}" * 30,
    "replace": "{{ big | replace('x', big) }}",
    "replace of nothing": "{{ big.replace('', big) }}",
    "join": "{{ big | join(big) }}",
    "join by a method": "{{ big.join(big) }}",
    "indent": "{{ ('\\n' * 100000) | indent(100000) }}",
    "letters that grow": "{{ ('\u0390' * 1000000) | upper | length }}",
    "literal text": "{% for i in range(99999) %}" + "x" * 200 + "{% endfor %}",
    "escapes": "{% set z = '\\x00' * 1000000 %}{{ [z, z, z, z, z, z, z, z] | tojson | length }}",
    "output": "{{ big }}{{ big }}",
    "split": "{% for i in range(50) %}{{ big.split('x') | length }}{% endfor %}",
    "sort": "{% for i in range(50) %}{{ big | sort | length }}{% endfor %}",
    "letters one by one": "{% for i in range(90) %}{{ big | unique | length }}{% endfor %}",
    "sum of lists": "{{ ([[0]] * 1000) | sum([]) }}",
    # depth
    "deep value": "{{ deep }}",
    "deep value as JSON": "{{ deep | tojson }}",
    "deep sum": "{{ " + "+".join(["1"] * 9_000) + " }}",
    "deep filters": "{{ word" + "|lower" * 9_000 + " }}",
    "deep fields": "{{ word" + ".a" * 20_000 + " }}",
    "deep and": "{{ " + "1 and " * 9_000 + "1 }}",
    "deep if": "{{ " + "1 if 1 else " * 4_000 + "1 }}",
    "deep not": "{{ " + "not " * 9_000 + "1 }}",
    "deep parentheses": "{{ " + "(" * 9_000 + "1" + ")" * 9_000 + " }}",
    "deep lists": "{{ " + "[" * 9_000 + "]" * 9_000 + " }}",
    "deep blocks": "{% if 1 %}" * 200 + "{% endif %}" * 200,
    "deep loops": "{% for i in [1] %}" * 25 + "{% endfor %}" * 25,
    "recursion": "{% for i in list recursive %}{{ loop(list) }}{% endfor %}",
    "macro": "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}",
    # breaking the parser
    "open": "{{" * 30_000,
    "open blocks": "{%" * 30_000,
    "open comments": "{#" * 30_000,
    "dots": "{{ " + "1." * 30_000 + " }}",
    "blanks": "{{ " + " " * 60_000 + "}}",
}


@pytest.mark.parametrize("attack", ATTACKS.values(), ids=ATTACKS.keys())
def test_an_attack_ends_in_an_error_of_the_input_and_soon(attack):
    before = time.process_time()
    with pytest.raises(InvalidError) as caught:
        compile_text(attack, "prompt")(ROW)
    assert time.process_time() - before < 5  # a budget is below two seconds on a fast machine
    assert caught.value.where.startswith("prompt")
    assert len(str(caught.value)) < 2_000


def test_a_long_chain_of_conditions_renders_or_is_refused_soon():
    """Whether the interpreter's compiler takes it depends on its stack."""
    before = time.process_time()
    try:
        rendered = compile_text("{% if 0 %}" + "{% elif 0 %}" * 4_000 + "{% endif %}", "prompt")(
            ROW
        )
    except InvalidError as error:
        rendered = error.got
    assert rendered == "" or rendered.startswith("one that cannot be compiled")
    assert time.process_time() - before < 5


@pytest.mark.parametrize("name", ["percent by a test", "escapes", "join", "list of lists", "power"])
def test_an_attack_takes_little_memory(name):
    tracemalloc.start()
    with pytest.raises(InvalidError):
        compile_text(ATTACKS[name], "prompt")(ROW)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 50_000_000


def test_nothing_is_worked_out_before_there_is_a_row():
    render = compile_text("{{ 1 // 0 }}{{ 'x' | float }}", "prompt")
    with pytest.raises(InvalidError, match="ZeroDivisionError"):
        render({})


FRAGMENTS = st.sampled_from(
    [
        *("a", "b", "row", "gone", "loop", "n", "1", "0", "-1", "2.5", "'x'", "''", "[]", "{}"),
        *("[1, 'a']", "{'k': [1]}", "none", "true", "(1, 2)", "'%99999999d'", "'nan'", "1e308"),
        *("10**9", "range(3)", "row['a']", "a.k", "a[0]", "a[1:]", "a[n]", "b.items()"),
    ]
)
FILTER_NAMES = st.sampled_from(sorted(FILTERS))
TEST_NAMES = st.sampled_from(sorted(name for name in TESTS if name.isalpha()))
METHOD_NAMES = st.sampled_from(sorted(METHODS))
OPERATORS = st.sampled_from(
    ["+", "-", "*", "/", "//", "%", "**", "~", "==", "<", "in", "and", "or", "not in"]
)


def grown(inner):
    arguments = st.lists(inner, max_size=3).map(", ".join)
    return st.one_of(
        st.tuples(inner, OPERATORS, inner).map(lambda p: f"({' '.join(p)})"),
        st.tuples(inner, FILTER_NAMES, arguments).map(lambda p: f"({p[0]}|{p[1]}({p[2]}))"),
        st.tuples(inner, TEST_NAMES, arguments).map(lambda p: f"({p[0]} is {p[1]}({p[2]}))"),
        st.tuples(inner, METHOD_NAMES, arguments).map(lambda p: f"{p[0]}.{p[1]}({p[2]})"),
        st.tuples(inner, inner, inner).map(lambda p: f"({p[0]} if {p[1]} else {p[2]})"),
        st.tuples(inner, inner).map(lambda p: f"{p[0]}[{p[1]}]"),
        st.tuples(inner, inner, inner).map(lambda p: f"{p[0]}[{p[1]}:{p[2]}]"),
        inner.map(lambda p: f"(-{p})"),
    )


expressions = st.recursive(FRAGMENTS, grown, max_leaves=8)
templates = st.one_of(
    expressions.map(lambda e: f"{{{{ {e} }}}}"),
    st.tuples(expressions, expressions).map(
        lambda p: f"{{% for i in {p[0]} %}}{{{{ loop.index }}}}{{{{ {p[1]} }}}}{{% endfor %}}"
    ),
    st.tuples(expressions, expressions).map(lambda p: f"{{% set a = {p[0]} %}}{{{{ {p[1]} }}}}"),
    st.tuples(expressions, expressions).map(lambda p: f"{{% if {p[0]} %}}{p[1]}{{% endif %}}"),
)
values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner, max_size=4)
    ),
    max_leaves=6,
)
rows = st.fixed_dictionaries({"a": values, "b": values, "n": st.integers(-5, 5)})


def outcome(work):
    """What it gives, or the error of the input; any other error fails the test."""
    try:
        return work()
    except InvalidError as error:
        return error


@given(templates, rows)
def test_rendering_never_raises_anything_but_an_error_of_the_input(source, row):
    found = outcome(lambda: compile_text(source, "prompt")(row))
    if isinstance(found, InvalidError):
        assert found.where.startswith("prompt")
    else:
        assert len(found) <= TEXT_CHARACTERS
        assert compile_text(source, "prompt")(row) == found


@given(st.text(max_size=60) | st.text("{}%#|.()[]'\"0aex_ -+*~:,", max_size=60))
def test_compiling_never_raises_anything_but_an_error_of_the_input(source):
    found = outcome(lambda: compile_text(source, "prompt"))
    names = outcome(lambda: variables_of(source, "prompt"))
    assert isinstance(found, InvalidError) == isinstance(names, InvalidError)


@pytest.mark.parametrize(
    ("source", "columns"),
    [
        ("no columns", set()),
        ("{{ a }}{{ b | upper }}", {"a", "b"}),
        ("{{ a | default('x') }}{% if b is defined %}{{ b }}{% endif %}", set()),
        ("{{ row['Capital City'] }}{{ row.c }}", {"Capital City", "c"}),
        ("{{ row['a'] | default('x') }}{{ row.b is defined }}", set()),
        ("{{ row.get('a') }}{{ row.items() }}{{ row | tojson }}{{ row[a] }}", {"a"}),
        ("{{ row[0] }}", set()),
        ("{% set row = {'x': 1} %}{{ row.x }}", set()),
        ("{% set a = 1 %}{{ a }}{% for i in b %}{{ i }}{{ loop.index }}{% endfor %}", {"b"}),
        ("{{ range(n) | list }}", {"n"}),
        ("{{ a.row }}{{ a['b'] }}", {"a"}),
    ],
)
def test_the_columns_that_a_template_needs_are_known_before_any_row(source, columns):
    assert variables_of(source, "prompt") == columns


@given(st.dictionaries(st.sampled_from("abc"), values, min_size=3, max_size=3))
def test_the_order_of_the_columns_does_not_matter(row):
    render = compile_text("{{ a }} {{ b }} {{ c }} {{ row }}", "prompt")
    one = outcome(lambda: render(row))
    other = outcome(lambda: render(dict(reversed(list(row.items())))))
    assert str(one) == str(other)
