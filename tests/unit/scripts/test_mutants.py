"""A mutant is one small change of a program, and still a program."""

from __future__ import annotations

import ast
import importlib.util
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def mutants():
    spec = importlib.util.spec_from_file_location("mutants", ROOT / "scripts/mutants.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    yield module
    del sys.modules[spec.name]


def texts(mutants, source):
    """The program after each change, without its blanks."""
    data = source.encode()
    changed = (one.applied(data).decode() for one in mutants.mutants_of("a.py", data))
    return [ast.unparse(ast.parse(one)) for one in changed]


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("a < b", {"a <= b", "a >= b"}),
        ("a >= b", {"a > b", "a < b"}),
        ("a == b", {"a != b"}),
        ("a is None", {"a is not None"}),
        ("a in b", {"a not in b"}),
        ("a < b <= c", {"a <= b <= c", "a >= b <= c", "a < b < c", "a < b > c"}),
        ("a and b or c", {"(a and b) and c", "(a or b) or c"}),
        ("not a", {"a"}),
        ("a + b", {"a - b"}),
        ("a // b", {"a * b"}),
        ("a & b", {"a | b"}),
        ("a @ b", set()),
        ("a + b * c", {"a - b * c", "a + b // c"}),
        ("7", {"8", "6"}),
        ("-1.5", {"-2.5", "-0.5"}),
        ("True", {"False"}),
        ("None", set()),
        ("'text'", set()),
        ("f'{a + 1}'", set()),
    ],
)
def test_an_expression_is_changed_one_sign_at_a_time(mutants, source, expected):
    assert set(texts(mutants, f"x = {source}")) == {f"x = {one}" for one in expected}


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("if a: b", {"if not a:\n    b", "if a:\n    pass"}),
        ("if not a: x = b", {"if a:\n    x = b"}),
        ("x = [a for a in b if a]", {"x = [a for a in b if not a]"}),
        ("x = a if b else c", {"x = a if not b else c"}),
        ("match a:\n case b if c: x = b", {"match a:\n    case b if not c:\n        x = b"}),
        ("while a: break", {"while not a:\n    break", "while a:\n    pass"}),
        ("a()", {"pass"}),
        ("a[b] = c", {"pass"}),
        ("a += b", {"pass"}),
        ("def a(): return b", {"def a():\n    return None"}),
        ("def a(): return None", set()),
        ("def a(): raise b", {"def a():\n    pass"}),
    ],
)
def test_a_statement_is_turned_round_or_does_nothing(mutants, source, expected):
    assert set(texts(mutants, source)) == expected


@pytest.mark.parametrize(
    "source",
    [
        "'''What it says.'''",
        "__all__ = [a + b]",
        "from a import b",
        "if TYPE_CHECKING:\n    a()",
        "@a(frozen=True)\nclass B: pass",
        "a: B | C",
        "def a(b: C | D) -> E | F: x = b",
    ],
)
def test_what_does_not_run_is_left_alone(mutants, source):
    assert texts(mutants, source) == []


def test_the_change_is_where_the_code_stands_whatever_the_letters_before_it(mutants):
    source = "x = 'äöü', a < b\ny = (\n    a\n    < 'ß'\n)\n".encode()
    told = [one.diff(source) for one in mutants.mutants_of("a.py", source)]
    assert told == [
        "a.py:1\n- x = 'äöü', a < b\n+ x = 'äöü', (a <= b)",
        "a.py:1\n- x = 'äöü', a < b\n+ x = 'äöü', (a >= b)",
        "a.py:3\n- a < 'ß'\n+ (a <= 'ß')",
        "a.py:3\n- a < 'ß'\n+ (a >= 'ß')",
    ]


@pytest.mark.parametrize("room", ["oncall", "alerting", "stories/replay"])
def test_each_mutant_of_the_house_is_another_program(mutants, room):
    file = max((ROOT / "src/llm_research_lab" / room).rglob("*.py"))
    source = file.read_bytes()
    as_it_is = ast.dump(ast.parse(source))
    found = mutants.mutants_of(file.name, source)
    assert found
    assert all(ast.dump(ast.parse(one.applied(source))) != as_it_is for one in found)
