"""A template writes text from a value, within bounds.

Source: Go, text/template/exec.go (what it writes, and what it says).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from llm_research_lab.templates.builtins import printable
from llm_research_lab.templates.errors import CallError
from llm_research_lab.templates.evaluating import Evaluation, Run, Source
from llm_research_lab.templates.nodes import (
    Action,
    Body,
    If,
    Invoke,
    Leave,
    Pipe,
    Range,
    Text,
    With,
)
from llm_research_lab.templates.printing import show
from llm_research_lab.templates.values import (
    Function,
    Record,
    is_sequence,
    sorted_items,
    truth,
    type_of,
)
from llm_research_lab.vocabulary.quoting import quote

_NESTED = 120
"""Bodies in each other, over all templates: what the interpreter's stack bears."""


class _LeaveError(Exception):
    """A break or a continue on its way to the loop."""

    def __init__(self, *, goes_on: bool) -> None:
        super().__init__()
        self.goes_on = goes_on


def execute(source: Source, body: Body, data: Any, *, name: str | None = None) -> str:
    """Carry the body out with the data as its dot. Raises ExecutionError."""
    run = Run()
    _Writer(
        Evaluation(source, source.page.name if name is None else name, [("$", data)], run), 0, 0
    ).walk(body, data)
    return "".join(run.parts)


class _Writer:
    """Writes the bodies of one template; `depth` others, and `nested` bodies, wait for it."""

    def __init__(self, state: Evaluation, depth: int, nested: int) -> None:
        self.state = state
        self.depth = depth
        self.nested = nested

    def walk(self, body: Body, dot: Any) -> None:
        """Carry out the nodes, one after the other."""
        self.nested += 1
        if self.nested > _NESTED:
            self.state.fail(f"exceeded maximum nesting ({_NESTED})")
        for node in body:
            self.state.node = node
            match node:
                case Text():
                    self.write(node.text)
                case Action():
                    self.action(node, dot)
                case If() | With():
                    self.choose(node, dot)
                case Range():
                    self.repeat(node, dot)
                case Invoke():
                    self.invoke(node, dot)
                case Leave():
                    raise _LeaveError(goes_on=node.goes_on)
        self.nested -= 1

    def write(self, text: str) -> None:
        """Write text."""
        self.state.step()
        run, limit = self.state.run, self.state.source.limits.output_bytes
        run.written += len(text.encode("utf-8", "replace"))
        if run.written > limit:
            self.state.fail(f"exceeded maximum output ({limit} bytes)")
        run.parts.append(text)

    def action(self, node: Action, dot: Any) -> None:
        """Write the pipeline's value, where no variable takes it."""
        value = self.state.pipe(node.pipe, dot)
        if node.pipe.names:
            return
        self.state.node = node
        if isinstance(value, Function):
            self.state.fail(f"can't print {node} of type {type_of(value)}")
        self.write(self.shown(value))

    def shown(self, value: Any) -> str:
        """Write a value as an action does: what a pointer points to, not the pointer."""
        if isinstance(value, Record) and value.go_type.startswith("*") and value.text is None:
            value = Record(value.go_type[1:], value.fields)
        try:
            return show(printable(value))
        except CallError as error:
            said = str(error)
        return self.state.fail(said)

    def choose(self, node: If | With, dot: Any) -> None:
        """Carry out one of the bodies."""
        reach = len(self.state.variables)
        value = self.state.pipe(node.pipe, dot)
        if truth(value):
            self.walk(node.body, value if isinstance(node, With) else dot)
        elif node.otherwise is not None:
            self.walk(node.otherwise, dot)
        del self.state.variables[reach:]

    def repeat(self, node: Range, dot: Any) -> None:
        """Carry out the body for each element."""
        reach = len(self.state.variables)
        holder = self.state.pipe(node.pipe, dot)
        empty = True
        for key, value in self.elements(holder):
            empty = False
            self.state.step()
            self.bind(node.pipe, key, value)
            if not self.goes_on(node.body, value):
                break
        if empty and node.otherwise is not None:
            self.walk(node.otherwise, dot)
        del self.state.variables[reach:]

    def goes_on(self, body: Body, dot: Any) -> bool:
        """Carry out a loop's body; say whether the next element has its turn."""
        reach, nested = len(self.state.variables), self.nested
        try:
            self.walk(body, dot)
        except _LeaveError as leave:
            return leave.goes_on
        finally:
            self.nested = nested
            del self.state.variables[reach:]
        return True

    def bind(self, pipe: Pipe, key: Any, value: Any) -> None:
        """Give the loop's variables the element, and its key where there are two."""
        values = (value,) if len(pipe.names) == 1 else (key, value)
        for name, one in zip(pipe.names, values, strict=False):
            self.state.assign(name, one)

    def elements(self, holder: Any) -> Iterator[tuple[Any, Any]]:
        """Give keys and values of what is walked."""
        if holder is None:
            return iter(())
        if isinstance(holder, Mapping):
            return iter(sorted_items(holder))
        if not is_sequence(holder):
            self.state.fail(f"range can't iterate over {show(holder)}")
        return iter(enumerate(holder))

    def invoke(self, node: Invoke, dot: Any) -> None:
        """Carry out a template by its name; it sees no variables of this one."""
        state = self.state
        body = state.source.defined.get(node.name)
        if body is None:
            state.fail(f"template {quote(node.name)} not defined")
        if self.depth >= state.source.limits.depth:
            state.fail(f"exceeded maximum template depth ({state.source.limits.depth})")
        value = None if node.pipe is None else state.pipe(node.pipe, dot)
        inner = replace(state, name=node.name, variables=[("$", value)])
        _Writer(inner, self.depth + 1, self.nested).walk(body, value)
