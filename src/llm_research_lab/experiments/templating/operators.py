"""What a template's syntax does, as functions over plain values that charge the budget.

Every expression that is not a literal is rewritten into one of these (see `grammar`), so that
nothing in a template touches Python's own attributes, operators or calls.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from operator import add, floordiv, mod, mul, neg, pos, sub, truediv
from typing import Any

from jinja2 import Undefined, pass_context
from jinja2.exceptions import SecurityError, UndefinedError
from jinja2.runtime import Context, LoopContext

from llm_research_lab.experiments.templating.budget import BITS, ITERATIONS, Budget, LimitError
from llm_research_lab.experiments.templating.plain import PLAIN, text

BUDGET = "_budget"
_LOOP = frozenset(
    {"index", "index0", "revindex", "revindex0", "first", "last", "length", "previtem", "nextitem"}
)
_SEQUENCES = (list, tuple, dict, str)


def budget_of(context: Context) -> Budget:
    """Find the budget of the rendering that this context belongs to."""
    budget: Budget = context.parent[BUDGET]
    return budget


@pass_context
def read(context: Context, value: Any) -> Any:
    """Charge a value that an expression reads or has made."""
    context.parent[BUDGET].measure(value)
    return value


@pass_context
def written(context: Context, value: Any) -> str:
    """Write a value into the output."""
    output: str = context.parent[BUDGET].write(text(value))
    return output


@pass_context
def each(context: Context, values: Any, cost: int) -> Iterator[Any]:
    """Iterate over plain values; every round costs what the loop's body holds."""
    if not isinstance(values, (*_SEQUENCES, range)):
        raise TypeError(f"cannot loop over {kind_of(values)}")
    return _rounds(budget_of(context), values, cost)


def _rounds(budget: Budget, values: Any, cost: int) -> Iterator[Any]:
    for value in values:
        budget.spend(cost)
        yield value


@pass_context
def item(context: Context, value: Any, key: Any) -> Any:
    """Return a field, an element, or a fact of the loop; else an undefined value."""
    if isinstance(value, LoopContext):
        return _loop_fact(value, key)
    if isinstance(value, Undefined):
        raise UndefinedError(f"{value._undefined_name!r} is undefined")  # noqa: SLF001 - its name
    if isinstance(value, _SEQUENCES):
        try:
            return value[key]
        except (LookupError, TypeError):
            pass
    return context.environment.undefined(obj=value, name=key)


def _loop_fact(loop: LoopContext, key: Any) -> Any:
    if key not in _LOOP:
        raise SecurityError(f"loop.{key} is not available")
    return getattr(loop, key)


def slice_of(value: Any, start: Any, stop: Any, step: Any) -> Any:
    """Return ``value[start:stop:step]`` of a text or list."""
    if not isinstance(value, (str, list, tuple)):
        raise TypeError(f"cannot take a slice of {kind_of(value)}")
    return value[start:stop:step]


@pass_context
def concatenated(context: Context, first: Any, *rest: Any) -> str:
    """Join the texts of all operands: ``a ~ b``."""
    texts = [text(value) for value in (first, *rest)]
    budget_of(context).room(sum(map(len, texts)))
    return "".join(texts)


@pass_context
def numbers(context: Context, stop: Any, *more: Any) -> range:
    """``range`` with whole numbers and at most 100,000 of them."""
    values = range(stop, *more)
    if (values.stop - values.start) // values.step > ITERATIONS:
        raise LimitError(f"a range of more than {ITERATIONS:,} numbers")
    budget_of(context).measure(values)
    return values


@pass_context
def added(context: Context, left: Any, right: Any) -> Any:
    """Add numbers, or join two texts or two lists."""
    if type(left) is type(right) and isinstance(left, (str, list)):
        budget_of(context).room(len(left) + len(right))
        return left + right
    return add(_number(left), _number(right))


@pass_context
def multiplied(context: Context, left: Any, right: Any) -> Any:
    """Multiply numbers, or repeat a text or list."""
    if isinstance(left, (str, list)) and isinstance(right, int):
        size = len(left) * max(right, 0)
        budget_of(context).room(size)
        budget_of(context).spend(size if isinstance(left, list) else 1)
        return left * right
    return _bounded(mul(_number(left), _number(right)))


def raised(base: Any, exponent: Any) -> Any:
    """Raise a number to a power; a whole result has at most 1,024 bits."""
    base, exponent = _number(base), _number(exponent)
    if isinstance(base, int) and isinstance(exponent, int):
        least_bits = (base.bit_length() - 1) * exponent + 1
        if abs(base) > 1 and least_bits > BITS:
            raise LimitError(f"a number of more than {BITS:,} bits")
    return _bounded(base**exponent)


def _bounded(value: Any) -> Any:
    if isinstance(value, int) and value.bit_length() > BITS:
        raise LimitError(f"a number of more than {BITS:,} bits")
    if isinstance(value, complex):
        raise TypeError("not a real number")
    return value


def _number(value: Any) -> Any:
    if isinstance(value, (int, float)):
        return value
    raise TypeError(f"{kind_of(value)} is not a number")


def kind_of(value: Any) -> str:
    """Name a value's kind to a person; raises for an undefined one, which says what is missing."""
    if isinstance(value, PLAIN):
        return {"str": "text", "NoneType": "null", "dict": "object", "list": "list"}.get(
            type(value).__name__, type(value).__name__
        )
    return str(value) if not isinstance(value, LoopContext) else "loop"


def _arithmetic(operate: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    def operated(left: Any, right: Any) -> Any:
        return operate(_number(left), _number(right))

    return operated


def _sign(operate: Callable[[Any], Any]) -> Callable[[Any], Any]:
    return lambda value: operate(_number(value))


def _divisible(value: Any, by: Any) -> bool:
    return bool(_number(value) % _number(by) == 0)


NUMBER_TESTS: dict[str, Callable[..., bool]] = {
    "odd": lambda value: not _divisible(value, 2),
    "even": lambda value: _divisible(value, 2),
    "divisibleby": _divisible,
}
"""Of numbers alone. Jinja2's own apply ``%`` to anything: to a text it is a format."""

OPERATORS: dict[str, Callable[..., Any]] = {
    "_read": read,
    "_each": each,
    "_item": item,
    "_slice": slice_of,
    "_concat": concatenated,
    "_range": numbers,
    "_add": added,
    "_mul": multiplied,
    "_pow": raised,
    "_sub": _arithmetic(sub),
    "_div": _arithmetic(truediv),
    "_floordiv": _arithmetic(floordiv),
    "_mod": _arithmetic(mod),
    "_neg": _sign(neg),
    "_pos": _sign(pos),
}
"""Names that begin with an underscore cannot be written in a template."""
