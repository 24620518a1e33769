"""A mutant is one small change that a careless hand could make: another sign, one more, one less.

Left alone: annotations, decorators, imports, texts, ``__all__``, what only a type checker runs.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass

SWAPS: dict[type[ast.AST], tuple[type[ast.AST], ...]] = {
    ast.Lt: (ast.LtE, ast.GtE),
    ast.LtE: (ast.Lt, ast.Gt),
    ast.Gt: (ast.GtE, ast.LtE),
    ast.GtE: (ast.Gt, ast.Lt),
    ast.Eq: (ast.NotEq,),
    ast.NotEq: (ast.Eq,),
    ast.Is: (ast.IsNot,),
    ast.IsNot: (ast.Is,),
    ast.In: (ast.NotIn,),
    ast.NotIn: (ast.In,),
    ast.And: (ast.Or,),
    ast.Or: (ast.And,),
    ast.Add: (ast.Sub,),
    ast.Sub: (ast.Add,),
    ast.Mult: (ast.FloorDiv,),
    ast.FloorDiv: (ast.Mult,),
    ast.Div: (ast.Mult,),
    ast.Mod: (ast.FloorDiv,),
    ast.BitAnd: (ast.BitOr,),
    ast.BitOr: (ast.BitAnd,),
}
SKIPPED_FIELDS = {"annotation", "returns", "decorator_list", "type_comment", "bases"}


@dataclass(frozen=True, slots=True, order=True)
class Mutant:
    """The bytes from `start` to `end` of a file, written otherwise."""

    file: str
    line: int
    start: int
    end: int
    text: str

    def applied(self, source: bytes) -> bytes:
        """The file with the change."""
        return source[: self.start] + self.text.encode() + source[self.end :]

    def diff(self, source: bytes) -> str:
        """The change as a person reads it: one line taken out, one put in, blanks run together."""
        first = source.rfind(b"\n", 0, self.start) + 1
        last = (source.find(b"\n", self.end) + 1 or len(source) + 1) - 1
        old = source[first:last]
        new = source[first : self.start] + self.text.encode() + source[self.end : last]
        at = f"{self.file}:{self.line}"
        return "\n".join(
            [at, *(f"{s} {' '.join(t.decode().split())}" for s, t in (("-", old), ("+", new)))]
        )


def mutants_of(file: str, source: bytes) -> list[Mutant]:
    """Every mutant of a file, in its order; each of them is a program that parses."""
    lines = [0]
    for line in source.splitlines(keepends=True):
        lines.append(lines[-1] + len(line))
    found = set()
    for node, other in _changes(ast.parse(source)):
        start = lines[node.lineno - 1] + node.col_offset
        end = lines[(node.end_lineno or 0) - 1] + (node.end_col_offset or 0)
        text = ast.unparse(ast.fix_missing_locations(other))
        bare = isinstance(other, ast.Constant | ast.stmt)
        found.add(Mutant(file, node.lineno, start, end, text if bare else f"({text})"))
    return sorted(found)


def _changes(node: ast.AST) -> Iterator[tuple[ast.expr | ast.stmt, ast.AST]]:
    """What stands there, and what could stand there, depth first."""
    if _left_alone(node):
        return
    for test in _conditions(node):
        yield test, ast.UnaryOp(ast.Not(), test)
    if isinstance(node, ast.expr):
        yield from ((node, other) for other in _expressions(node))
    if isinstance(node, ast.stmt):
        yield from ((node, other) for other in _statements(node))
    for name, value in ast.iter_fields(node):
        if name not in SKIPPED_FIELDS:
            for child in value if isinstance(value, list) else [value]:
                if isinstance(child, ast.AST):
                    yield from _changes(child)


def _conditions(node: ast.AST) -> Iterator[ast.expr]:
    """What a branch is chosen by, where no swap of a sign turns it round already."""
    match node:
        case (
            ast.If(test)
            | ast.While(test)
            | ast.IfExp(test)
            | ast.match_case(guard=ast.expr() as test)
        ):
            tests = [test]
        case ast.comprehension(ifs=tests):
            pass
        case _:
            return
    yield from (t for t in tests if not isinstance(t, ast.Compare | ast.UnaryOp | ast.Constant))


def _left_alone(node: ast.AST) -> bool:
    """Formatted texts (their places are wrong before 3.12), ``__all__``, a type checker's block."""
    match node:
        case ast.JoinedStr() | ast.Import() | ast.ImportFrom():
            return True
        case (
            ast.Assign(targets=[ast.Name(id="__all__")]) | ast.If(test=ast.Name(id="TYPE_CHECKING"))
        ):
            return True
        case _:
            return False


def _expressions(node: ast.expr) -> Iterator[ast.AST]:
    """Other signs, one more, one less, the other truth."""
    match node:
        case ast.Compare(left, operators, rest):
            for i, operator in enumerate(operators):
                for swap in SWAPS[type(operator)]:
                    yield ast.Compare(left, [*operators[:i], swap(), *operators[i + 1 :]], rest)  # type: ignore[list-item]
        case ast.BoolOp(operator, values):
            yield from (ast.BoolOp(s(), values) for s in SWAPS[type(operator)])  # type: ignore[arg-type]
        case ast.BinOp(left, operator, right):
            yield from (ast.BinOp(left, s(), right) for s in SWAPS.get(type(operator), ()))  # type: ignore[arg-type]
        case ast.UnaryOp(ast.Not(), operand):
            yield operand
        case ast.Constant(bool() as value):
            yield ast.Constant(not value)
        case ast.Constant(int() | float() as value):
            yield from (ast.Constant(value + 1), ast.Constant(value - 1))


def _statements(node: ast.stmt) -> Iterator[ast.AST]:
    """Nothing done, or nothing handed back."""
    match node:
        case ast.Expr(ast.Constant()):
            return
        case (
            ast.Expr() | ast.AugAssign() | ast.Raise() | ast.Continue() | ast.Break() | ast.Delete()
        ):
            yield ast.Pass()
        case ast.Assign(targets=[ast.Subscript() | ast.Attribute()]):
            yield ast.Pass()
        case ast.Return(value) if value and not (
            isinstance(value, ast.Constant) and value.value is None
        ):
            yield ast.Return(ast.Constant(None))
