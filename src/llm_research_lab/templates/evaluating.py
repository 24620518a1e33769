"""A pipeline gives a value; what it cannot give fails in Go's words, at the node looked at last.

Source: Go, text/template/exec.go (what it gives, and what it says).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NoReturn

from llm_research_lab.templates.builtins import BUILTINS
from llm_research_lab.templates.durations import Duration
from llm_research_lab.templates.errors import CallError, ExecutionError, place
from llm_research_lab.templates.nodes import (
    Body,
    Bool,
    Chain,
    Command,
    Dot,
    Field,
    Identifier,
    Nil,
    Node,
    Number,
    Operand,
    Pipe,
    String,
    Variable,
)
from llm_research_lab.templates.values import (
    ANY,
    MISSING,
    MOST_CHARACTERS,
    Function,
    Record,
    can_be_nil,
    element,
    methods_of,
    truth,
    type_of,
)
from llm_research_lab.vocabulary.quoting import quote

Place = Operand | Command | Node
_START = Dot(0)
_INT64 = 1 << 63
_SAID = {"string": "string", "bool": "bool", "float64": "float", "int": "integer"} | {
    Duration.go_type: "integer"
}


@dataclass(frozen=True, slots=True)
class Limits:
    """What a rendering may take: nodes walked, templates in each other, bytes written."""

    steps: int = 200_000
    depth: int = 20
    output_bytes: int = 1 << 20


@dataclass(frozen=True, slots=True)
class Page:
    """A text that templates are read from, and its name in messages."""

    name: str
    text: str


@dataclass(frozen=True, slots=True)
class Source:
    """What a template may use, and where each stands: on its own page, or on the first."""

    page: Page
    defined: Mapping[str, Body]
    functions: Mapping[str, Function]
    limits: Limits
    pages: Mapping[str, Page] = field(default_factory=dict)


@dataclass(slots=True)
class Run:
    """What has been written, how much has been done, and how much text functions have made."""

    parts: list[str] = field(default_factory=list)
    written: int = 0
    steps: int = 0
    made: int = 0


@dataclass(slots=True)
class Evaluation:
    """One template on its way: its variables, newest last, and the node looked at last."""

    source: Source
    name: str
    variables: list[tuple[str, Any]]
    run: Run
    node: Place = _START

    def fail(self, message: str) -> NoReturn:
        """End the rendering with Go's message about the node."""
        page = self.source.pages.get(self.name, self.source.page)
        line, column = place(page.text, self.node.at)
        reason = f"executing {quote(self.name)} at <{self.node}>: {message}"
        said = f"template: {page.name}:{line}:{column}: {reason}"
        raise ExecutionError(said, page.name, f"{line}:{column + 1}", reason)

    def step(self) -> None:
        """Count a step."""
        self.run.steps += 1
        if self.run.steps > self.source.limits.steps:
            self.fail(f"exceeded maximum steps ({self.source.limits.steps})")

    # --- pipelines and variables

    def pipe(self, pipe: Pipe, dot: Any) -> Any:
        """Give the value of the pipeline, and its variables that value."""
        self.node = pipe
        self.step()
        value: Any = MISSING
        for command in pipe.commands:
            value = self.command(command, dot, value)
        for name in pipe.names:
            if pipe.assigns:
                self.assign(name, value)
            else:
                self.variables.append((name, value))
        return value

    def assign(self, name: str, value: Any) -> None:
        """Give the newest variable of the name another value."""
        for at in range(len(self.variables) - 1, -1, -1):
            if self.variables[at][0] == name:
                self.variables[at] = (name, value)
                return
        self.fail(f"undefined variable: {name}")

    def variable(self, name: str) -> Any:
        """Give the value of the newest variable of the name; ``$x := $x`` has none yet."""
        for known, value in reversed(self.variables):
            if known == name:
                return value
        return self.fail(f"undefined variable: {name}")

    # --- commands

    def command(self, command: Command, dot: Any, final: Any) -> Any:
        """Give the value of a command; `final` is what the pipeline hands on."""
        first, arguments = command.words[0], command.words[1:]
        if isinstance(first, Field | Variable | Chain):
            return self.fields(first, dot, arguments, final)
        if isinstance(first, Identifier):
            return self.function(first, command, dot, arguments, final)
        if not isinstance(first, Pipe):
            self.node = first
        self.check_alone(first, arguments, final)
        if isinstance(first, Nil):
            self.fail("nil is not a command")
        return self.plain(first, dot)

    def check_alone(self, word: Operand, arguments: Sequence[Operand], final: Any) -> None:
        """What is no function takes no argument."""
        if arguments or final is not MISSING:
            self.fail(f"can't give argument to non-function {word}")

    def plain(self, node: Operand, dot: Any) -> Any:
        """Give the value of what has no argument."""
        if isinstance(node, Pipe):
            return self.pipe(node, dot)
        if isinstance(node, Identifier):
            return self.function(node, node, dot, (), MISSING)
        if isinstance(node, Field | Variable | Chain):
            return self.fields(node, dot, (), MISSING)
        self.node = node
        if isinstance(node, Dot | Nil):
            return dot if isinstance(node, Dot) else None
        return self.ideal(node)

    def ideal(self, node: Bool | String | Number) -> Any:
        """Give a constant where nothing says of what type."""
        if not isinstance(node, Number):
            return node.value
        if isinstance(node.ideal, int) and node.ideal >= _INT64:
            self.fail(f"{node} overflows int")
        return node.ideal

    # --- fields

    def fields(
        self,
        node: Field | Variable | Chain,
        dot: Any,
        arguments: Sequence[Operand],
        final: Any,
    ) -> Any:
        """Follow the fields; the last one may be a method that takes the arguments."""
        self.node = node
        if isinstance(node, Field):
            value = dot
        elif isinstance(node, Variable):
            value = self.variable(node.name)
        else:
            value = self.plain(node.inner, dot)
        if not node.names:
            self.check_alone(node, arguments, final)
            return value
        named = ""
        for name in node.names[:-1]:
            holder, value = value, self.field(node, value, named, name, dot, (), MISSING)
            named = ANY if isinstance(holder, Mapping) and type_of(holder).endswith(ANY) else ""
        return self.field(node, value, named, node.names[-1], dot, arguments, final)

    def field(  # noqa: PLR0917 - where it is, of what, which, and what it takes
        self,
        node: Operand,
        holder: Any,
        named: str,
        name: str,
        dot: Any,
        arguments: Sequence[Operand],
        final: Any,
    ) -> Any:
        """Give a field of the value, or what its method gives; `named` is its type's name."""
        if holder is None:
            if named:
                self.fail(f"nil pointer evaluating {named}.{name}")
            return None
        given = bool(arguments) or final is not MISSING
        methods = methods_of(holder)
        if name in methods:
            return self.call(node, name, methods[name], dot, arguments, final)
        if isinstance(holder, Record) and name in holder.fields:
            if given:
                self.fail(f"{name} has arguments but cannot be invoked as function")
            return holder.fields[name]
        if not isinstance(holder, Mapping):
            self.fail(f"can't evaluate field {name} in type {named or type_of(holder)}")
        if given:
            self.fail(f"{name} is not a method but has arguments")
        return element(holder, name)

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
        self.node = node
        own = self.source.functions.get(node.name)
        if own is None and node.name in ("and", "or"):
            return self.decide(node.name, dot, arguments, final)
        return self.call(whole, node.name, own or BUILTINS[node.name], dot, arguments, final)

    def decide(self, name: str, dot: Any, arguments: Sequence[Operand], final: Any) -> Any:
        """And, or: stop at the argument that decides."""
        self.check_count(name, BUILTINS[name], len(arguments), final)
        value: Any = None
        for argument in arguments:
            value = self.argument(argument, dot, ANY)
            if truth(value) == (name == "or"):
                return value
        return value if final is MISSING else final

    def check_count(self, name: str, function: Function, count: int, final: Any) -> None:
        """As many arguments as there are parameters, or at least."""
        got, wanted = count + (final is not MISSING), len(function.parameters)
        if function.variadic and got < wanted - 1:
            wrong = f"want at least {wanted - 1} got {count}"
        elif not function.variadic and got != wanted:
            wrong = f"want {wanted} got {got}"
        else:
            return
        self.fail(f"wrong number of args for {name}: {wrong}")

    def call(  # noqa: PLR0917 - where it is, what is called, and with what
        self,
        whole: Place,
        name: str,
        function: Function,
        dot: Any,
        arguments: Sequence[Operand],
        final: Any,
    ) -> Any:
        """Call a function with arguments that fit its parameters."""
        self.step()
        self.check_count(name, function, len(arguments), final)
        last = len(function.parameters) - 1
        values = [
            self.argument(argument, dot, function.parameters[min(at, last)])
            for at, argument in enumerate(arguments)
        ]
        if final is not MISSING:
            values.append(self.fitting(final, function.parameters[min(len(values), last)]))
        try:
            return self.counted(function.call(*values))
        except CallError as error:
            said = str(error)
        self.node = whole
        return self.fail(f"error calling {name}: {said}")

    def counted(self, value: Any) -> Any:
        """Count the text that functions make: all of them no more than one may."""
        if isinstance(value, str):
            self.run.made += len(value)
            if self.run.made > MOST_CHARACTERS:
                raise CallError(f"texts of more than {MOST_CHARACTERS} characters")
        return value

    def argument(self, node: Operand, dot: Any, expected: str) -> Any:
        """Give an argument's value, which must fit the Go type."""
        self.node = node
        if isinstance(node, Nil):
            if not can_be_nil(expected):
                self.fail(f"cannot assign nil to {expected}")
            return None
        if isinstance(node, Bool | Number | String):
            return self.constant(node, expected)
        return self.fitting(self.plain(node, dot), expected)

    def fitting(self, value: Any, expected: str) -> Any:
        """Refuse a value that does not fit."""
        if expected == ANY or type_of(value) in (expected, f"*{expected}"):
            return value
        if value is not None:
            self.fail(f"wrong type for value; expected {expected}; got {type_of(value)}")
        if not can_be_nil(expected):
            self.fail(f"invalid value; expected {expected}")
        return None

    def constant(self, node: Bool | Number | String, expected: str) -> Any:
        """Give a constant as the type that is expected."""
        if expected == ANY:
            return self.ideal(node)
        value: Any = None
        if isinstance(node, Number):
            value = {"float64": node.real, "int": node.integer}.get(expected)
            if expected == Duration.go_type and node.integer is not None:
                value = Duration(node.integer)
        elif type_of(node.value) == expected:
            value = node.value
        if value is None and expected in _SAID:
            self.fail(f"expected {_SAID[expected]}; found {node}")
        if value is None:
            self.fail(f"can't handle {node} for arg of type {expected}")
        return value
