"""A template is a tree; each node prints as Go prints it in its messages.

`at` is the character where Go's messages say that the node is.

Source: Go, text/template/parse/node.go.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Dot:
    """The value that the dot stands for."""

    at: int

    def __str__(self) -> str:
        return "."


@dataclass(frozen=True, slots=True)
class Nil:
    """The constant nil."""

    at: int

    def __str__(self) -> str:
        return "nil"


@dataclass(frozen=True, slots=True)
class Bool:
    """A boolean."""

    at: int
    value: bool

    def __str__(self) -> str:
        return "true" if self.value else "false"


@dataclass(frozen=True, slots=True)
class Number:
    """A number: what it is as an integer and as a float, None where it is none.

    `ideal` is what it is where nothing says which.
    """

    at: int
    text: str
    integer: int | None
    real: float | None
    ideal: int | float

    def __str__(self) -> str:
        return self.text


@dataclass(frozen=True, slots=True)
class String:
    """A string: `quoted` as it is written, `value` as it reads."""

    at: int
    quoted: str
    value: str

    def __str__(self) -> str:
        return self.quoted


@dataclass(frozen=True, slots=True)
class Field:
    """Fields of the dot: ``.a.b``."""

    at: int
    names: tuple[str, ...]

    def __str__(self) -> str:
        return "".join(f".{name}" for name in self.names)


@dataclass(frozen=True, slots=True)
class Variable:
    """A variable, and fields of it: ``$x.a``; its name has the dollar."""

    at: int
    name: str
    names: tuple[str, ...] = ()

    def __str__(self) -> str:
        return self.name + "".join(f".{name}" for name in self.names)


@dataclass(frozen=True, slots=True)
class Identifier:
    """The name of a function."""

    at: int
    name: str

    def __str__(self) -> str:
        return self.name


@dataclass(frozen=True, slots=True)
class Chain:
    """Fields of what parentheses hold: ``(f x).a``."""

    at: int
    inner: Operand
    names: tuple[str, ...]

    def __str__(self) -> str:
        inner = f"({self.inner})" if isinstance(self.inner, Pipe) else str(self.inner)
        return inner + "".join(f".{name}" for name in self.names)


@dataclass(frozen=True, slots=True)
class Command:
    """A function or a value, and arguments."""

    at: int
    words: tuple[Operand, ...]

    def __str__(self) -> str:
        return " ".join(f"({word})" if isinstance(word, Pipe) else str(word) for word in self.words)


@dataclass(frozen=True, slots=True)
class Pipe:
    """Commands, each the next one's last argument; what comes out may go to variables."""

    at: int
    names: tuple[str, ...]
    assigns: bool
    commands: tuple[Command, ...]

    def __str__(self) -> str:
        sign = " = " if self.assigns else " := "
        names = ", ".join(self.names) + sign if self.names else ""
        return names + " | ".join(map(str, self.commands))


Operand = Dot | Nil | Bool | Number | String | Field | Variable | Identifier | Chain | Pipe


@dataclass(frozen=True, slots=True)
class Text:
    """Text that is written as it is."""

    at: int
    text: str

    def __str__(self) -> str:
        return self.text


@dataclass(frozen=True, slots=True)
class Action:
    """A pipeline whose value is written, unless variables take it."""

    at: int
    pipe: Pipe

    def __str__(self) -> str:
        return f"{{{{{self.pipe}}}}}"


@dataclass(frozen=True, slots=True)
class If:
    """One of two bodies, by the truth of the pipeline."""

    at: int
    pipe: Pipe
    body: Body
    otherwise: Body | None


@dataclass(frozen=True, slots=True)
class With:
    """As `If`, and in the body the dot is the pipeline's value."""

    at: int
    pipe: Pipe
    body: Body
    otherwise: Body | None


@dataclass(frozen=True, slots=True)
class Range:
    """The body for each element, or the other where there are none."""

    at: int
    pipe: Pipe
    body: Body
    otherwise: Body | None

    def __str__(self) -> str:
        return f"{{{{range {self.pipe}}}}}"


@dataclass(frozen=True, slots=True)
class Invoke:
    """A template of that name, with the pipeline's value as its dot."""

    at: int
    name: str
    pipe: Pipe | None

    def __str__(self) -> str:
        quoted = '"' + self.name.replace("\\", "\\\\").replace('"', '\\"') + '"'
        pipe = f" {self.pipe}" if self.pipe else ""
        return f"{{{{template {quoted}{pipe}}}}}"


@dataclass(frozen=True, slots=True)
class Leave:
    """Leaves the loop, or goes on with its next element."""

    at: int
    goes_on: bool


Node = Text | Action | If | With | Range | Invoke | Leave
Body = tuple[Node, ...]
