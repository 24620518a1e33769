"""A template writes text from a value, within bounds; what fails says where, in Go's words.

Source: Go, text/template/exec.go (what it does, and what it says).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NoReturn

from llm_research_lab.templates.builtins import BUILTINS, printable
from llm_research_lab.templates.errors import CallError, ExecutionError, place
from llm_research_lab.templates.nodes import (
    Action,
    Body,
    Bool,
    Chain,
    Command,
    Dot,
    Field,
    Identifier,
    If,
    Invoke,
    Leave,
    Nil,
    Node,
    Number,
    Operand,
    Pipe,
    Range,
    String,
    Text,
    Variable,
    With,
)
from llm_research_lab.templates.printing import quote, show
from llm_research_lab.templates.values import (
    ANY,
    MISSING,
    Function,
    Record,
    can_be_nil,
    element,
    is_sequence,
    sorted_items,
    truth,
    type_of,
)

Place = Operand | Command | Node


@dataclass(frozen=True, slots=True)
class Limits:
    """What a rendering may take: nodes walked, templates in each other, bytes written."""

    steps: int = 200_000
    depth: int = 20
    output_bytes: int = 1 << 20


@dataclass(frozen=True, slots=True)
class Source:
    """A template's text and name, as messages need them."""

    name: str
    text: str
    defined: Mapping[str, Body]
    functions: Mapping[str, Function]
    limits: Limits = field(default_factory=Limits)


class _LeaveError(Exception):
    """A break or a continue on its way to the loop."""

    def __init__(self, goes_on: bool) -> None:
        super().__init__()
        self.goes_on = goes_on


@dataclass(slots=True)
class _Run:
    """What has been written, and how much may still be done."""

    parts: list[str] = field(default_factory=list)
    written: int = 0
    steps: int = 0


def execute(source: Source, body: Body, data: Any, *, name: str | None = None) -> str:
    """Carry the body out with the data as its dot. Raises ExecutionError."""
    state = _State(source, name or source.name, [("$", data)], _Run())
    state.walk(body, data)
    return "".join(state.run.parts)


@dataclass(slots=True)
class _State:
    """One template on its way: its variables, newest last."""

    source: Source
    name: str
    variables: list[tuple[str, Any]]
    run: _Run
    depth: int = 0

    def fail(self, node: Place, message: str) -> NoReturn:
        """End the rendering with Go's message about the node."""
        line, column = place(self.source.text, node.at)
        where = f"{self.source.name}:{line}:{column}"
        raise ExecutionError(
            f"template: {where}: executing {quote(self.name)} at <{node}>: {message}"
        )

    def step(self, node: Place) -> None:
        """Count a step."""
        self.run.steps += 1
        if self.run.steps > self.source.limits.steps:
            self.fail(node, f"exceeded maximum steps ({self.source.limits.steps})")

    def write(self, node: Place, text: str) -> None:
        """Write text."""
        self.run.written += len(text.encode("utf-8", "replace"))
        if self.run.written > self.source.limits.output_bytes:
            self.fail(node, f"exceeded maximum output ({self.source.limits.output_bytes} bytes)")
        self.run.parts.append(text)

    # --- bodies

    def walk(self, body: Body, dot: Any) -> None:
        """Carry out the nodes, one after the other."""
        for node in body:
            match node:
                case Text():
                    self.run.steps += 1
                    self.write(Dot(node.at), node.text)
                case Action():
                    self.action(node, dot)
                case If() | With():
                    self.choose(node, dot)
                case Range():
                    self.repeat(node, dot)
                case Invoke():
                    self.invoke(node, dot)
                case Leave():
                    raise _LeaveError(node.goes_on)

    def action(self, node: Action, dot: Any) -> None:
        """Write the pipeline's value, where no variable takes it."""
        value = self.pipe(node.pipe, dot)
        if node.pipe.names:
            return
        if isinstance(value, Function):
            self.fail(node, f"can't print {node} of type {type_of(value)}")
        self.write(node, _shown(value))

    def choose(self, node: If | With, dot: Any) -> None:
        """Carry out one of the bodies."""
        reach = len(self.variables)
        value = self.pipe(node.pipe, dot)
        if truth(value):
            self.walk(node.body, value if isinstance(node, With) else dot)
        elif node.otherwise is not None:
            self.walk(node.otherwise, dot)
        del self.variables[reach:]

    def repeat(self, node: Range, dot: Any) -> None:
        """Carry out the body for each element."""
        reach = len(self.variables)
        holder = self.pipe(node.pipe, dot)
        inner = len(self.variables)
        empty = True
        for key, value in self.elements(node, holder):
            empty = False
            self.step(node.pipe)
            self.bind(node.pipe, key, value)
            try:
                self.walk(node.body, value)
            except _LeaveError as leave:
                if not leave.goes_on:
                    break
            finally:
                del self.variables[inner:]
        if empty and node.otherwise is not None:
            self.walk(node.otherwise, dot)
        del self.variables[reach:]

    def bind(self, pipe: Pipe, key: Any, value: Any) -> None:
        """Give the loop's variables the element, and its key where there are two."""
        values = (value,) if len(pipe.names) == 1 else (key, value)
        for name, one in zip(pipe.names, values, strict=False):
            self.set(name, one)

    def elements(self, node: Range, holder: Any) -> Iterator[tuple[Any, Any]]:
        """Give keys and values of what is walked."""
        if holder is None:
            return iter(())
        if isinstance(holder, Mapping):
            return iter(sorted_items(holder))
        if is_sequence(holder):
            return iter(enumerate(holder))
        self.fail(node, f"range can't iterate over {show(holder)}")

    def invoke(self, node: Invoke, dot: Any) -> None:
        """Carry out a template by its name; it sees no variables of this one."""
        body = self.source.defined.get(node.name)
        if body is None:
            self.fail(node, f"template {quote(node.name)} not defined")
        if self.depth >= self.source.limits.depth:
            self.fail(node, f"exceeded maximum template depth ({self.source.limits.depth})")
        value = None if node.pipe is None else self.pipe(node.pipe, dot)
        inner = _State(self.source, node.name, [("$", value)], self.run, self.depth + 1)
        inner.walk(body, value)

    # --- pipelines

    def pipe(self, pipe: Pipe, dot: Any) -> Any:
        """Give the value of the pipeline, and its variables that value."""
        self.step(pipe)
        value: Any = MISSING
        for command in pipe.commands:
            value = self.command(command, dot, value)
        for name in pipe.names:
            if pipe.assigns:
                self.set(name, value)
            else:
                self.variables.append((name, value))
        return value

    def set(self, name: str, value: Any) -> None:
        """Give the newest variable of the name another value."""
        for at in range(len(self.variables) - 1, -1, -1):
            if self.variables[at][0] == name:
                self.variables[at] = (name, value)
                return

    def variable(self, node: Variable) -> Any:
        """Give the value of the newest variable of the name."""
        for name, value in reversed(self.variables):
            if name == node.name:
                return value
        self.fail(node, f"undefined variable: {node.name}")

    def command(self, command: Command, dot: Any, final: Any) -> Any:
        """Give the value of a command; `final` is what the pipeline hands on."""
        first, arguments = command.words[0], command.words[1:]
        match first:
            case Field() | Variable() | Chain():
                return self.fields(first, dot, arguments, final)
            case Identifier():
                return self.function(first, command, dot, arguments, final)
            case Pipe():
                self.check_alone(first, first, arguments, final)
                return self.pipe(first, dot)
        self.check_alone(first, first, arguments, final)
        if isinstance(first, Nil):
            self.fail(first, "nil is not a command")
        return self.plain(first, dot)

    def plain(self, node: Operand, dot: Any) -> Any:
        """Give the value of what needs no argument."""
        match node:
            case Dot():
                return dot
            case Bool() | String():
                return node.value
            case Number():
                if isinstance(node.ideal, int) and node.ideal >= 1 << 63:
                    self.fail(node, f"{node} overflows int")
                return node.ideal
            case Nil():
                return None
            case Pipe():
                return self.pipe(node, dot)
            case Identifier():
                return self.function(node, node, dot, (), MISSING)
            case _:
                return self.fields(node, dot, (), MISSING)

    def check_alone(
        self, node: Place, word: Operand, arguments: Sequence[Operand], final: Any
    ) -> None:
        """What is no function takes no argument."""
        if arguments or final is not MISSING:
            self.fail(node, f"can't give argument to non-function {word}")

    # --- fields

    def fields(self, node: Operand, dot: Any, arguments: Sequence[Operand], final: Any) -> Any:
        """Follow the fields; the last one may be a method that takes the arguments."""
        match node:
            case Field():
                value = dot
                names = node.names
            case Variable():
                value, names = self.variable(node), node.names
                if not names:
                    self.check_alone(node, node, arguments, final)
                    return value
            case Chain():
                if isinstance(node.inner, Nil):  # pragma: no cover - the parser refuses it
                    self.fail(node, "indirection through explicit nil")
                value, names = self.argument(node.inner, dot, ""), node.names
            case _:  # pragma: no cover - plain() gives the others
                raise AssertionError
        for name in names[:-1]:
            value = self.field(node, value, name, dot, (), MISSING)
        return self.field(node, value, names[-1], dot, arguments, final)

    def field(
        self,
        node: Operand,
        holder: Any,
        name: str,
        dot: Any,
        arguments: Sequence[Operand],
        final: Any,
    ) -> Any:
        """Give a field of the value, or what its method gives."""
        if holder is None:
            return None
        with_arguments = bool(arguments) or final is not MISSING
        if isinstance(holder, Record):
            if name in holder.methods:
                return self.call(node, name, holder.methods[name], dot, arguments, final)
            if name in holder.fields:
                if with_arguments:
                    self.fail(node, f"{name} has arguments but cannot be invoked as function")
                return holder.fields[name]
        elif isinstance(holder, Mapping):
            if with_arguments:
                self.fail(node, f"{name} is not a method but has arguments")
            return element(holder, name)
        self.fail(node, f"can't evaluate field {name} in type {type_of(holder)}")

    # --- functions

    def function(
        self,
        node: Identifier,
        whole: Place,
        dot: Any,
        arguments: Sequence[Operand],
        final: Any,
    ) -> Any:
        """Give what the function of that name gives."""
        own = self.source.functions.get(node.name)
        if own is None and node.name in ("and", "or"):
            return self.decide(node, whole, dot, arguments, final)
        return self.call(
            whole, node.name, own or BUILTINS[node.name], dot, arguments, final, node=node
        )

    def decide(
        self,
        node: Identifier,
        whole: Place,
        dot: Any,
        arguments: Sequence[Operand],
        final: Any,
    ) -> Any:
        """And, or: stop at the argument that decides."""
        self.check_count(node, node.name, BUILTINS[node.name], len(arguments), final)
        value: Any = None
        for argument in arguments:
            value = self.argument(argument, dot, ANY)
            if truth(value) == (node.name == "or"):
                return value
        return value if final is MISSING else final

    def check_count(
        self, node: Place, name: str, function: Function, count: int, final: Any
    ) -> None:
        """As many arguments as there are parameters, or at least."""
        got = count + (final is not MISSING)
        wanted = len(function.parameters)
        if function.variadic and got < wanted - 1:
            self.fail(
                node, f"wrong number of args for {name}: want at least {wanted - 1} got {count}"
            )
        if not function.variadic and got != wanted:
            self.fail(node, f"wrong number of args for {name}: want {wanted} got {got}")

    def call(
        self,
        whole: Place,
        name: str,
        function: Function,
        dot: Any,
        arguments: Sequence[Operand],
        final: Any,
        *,
        node: Place | None = None,
    ) -> Any:
        """Call a function with arguments that fit its parameters."""
        self.step(whole)
        self.check_count(node or whole, name, function, len(arguments), final)
        last = len(function.parameters) - 1
        values = [
            self.argument(argument, dot, function.parameters[min(at, last)])
            for at, argument in enumerate(arguments)
        ]
        if final is not MISSING:
            expected = function.parameters[min(len(values), last)]
            values.append(self.fitting(whole, final, expected))
        try:
            return function.call(*values)
        except CallError as error:
            self.fail(whole, f"error calling {name}: {error}")

    def argument(self, node: Operand, dot: Any, expected: str) -> Any:
        """Give an argument's value, which must fit the Go type; ``""`` asks for none."""
        match node:
            case Bool() | Number() | String():
                return self.constant(node, expected)
            case Nil():
                if not can_be_nil(expected):
                    self.fail(node, f"cannot assign nil to {expected}")
                return None
        value = self.plain(node, dot)
        return value if not expected else self.fitting(node, value, expected)

    def fitting(self, node: Place, value: Any, expected: str) -> Any:
        """Refuse a value that does not fit."""
        if expected == ANY or type_of(value) == expected:
            return value
        if value is None:
            if can_be_nil(expected):
                return None
            self.fail(node, f"invalid value; expected {expected}")
        self.fail(node, f"wrong type for value; expected {expected}; got {type_of(value)}")

    def constant(self, node: Bool | Number | String, expected: str) -> Any:
        """Give a constant as the type that is expected."""
        if expected in (ANY, ""):
            return self.plain(node, None)
        if expected == "string" and isinstance(node, String):
            return node.value
        if expected == "bool" and isinstance(node, Bool):
            return node.value
        if expected == "float64" and isinstance(node, Number) and node.real is not None:
            return node.real
        if expected == "int" and isinstance(node, Number) and node.integer is not None:
            return node.integer
        said = {"string": "string", "bool": "bool", "float64": "float", "int": "integer"}
        if expected not in said:
            self.fail(node, f"can't handle {node} for arg of type {expected}")
        self.fail(node, f"expected {said[expected]}; found {node}")


def _shown(value: Any) -> str:
    """Write a value as an action does: what a pointer points to, not the pointer."""
    if isinstance(value, Record) and value.go_type.startswith("*") and value.text is None:
        value = Record(value.go_type[1:], value.fields)
    return show(printable(value))
