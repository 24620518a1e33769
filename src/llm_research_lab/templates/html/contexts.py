"""A context is where in a page a piece of text stands: in which state a browser reads it.

Source: Go, html/template/context.go.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum, auto


class State(Enum):
    """What a browser is reading."""

    TEXT = auto()
    TAG = auto()
    ATTRIBUTE_NAME = auto()
    AFTER_NAME = auto()
    BEFORE_VALUE = auto()
    COMMENT = auto()
    RCDATA = auto()
    """The text of a textarea or a title."""
    ATTRIBUTE = auto()
    URL = auto()
    SRCSET = auto()
    META = auto()
    """The content of a meta element, where a URL may follow."""
    META_URL = auto()
    JS = auto()
    JS_DOUBLE = auto()
    JS_SINGLE = auto()
    JS_TEMPLATE = auto()
    JS_REGEXP = auto()
    JS_BLOCK_COMMENT = auto()
    JS_LINE_COMMENT = auto()
    JS_OPEN_COMMENT = auto()
    JS_CLOSE_COMMENT = auto()
    CSS = auto()
    CSS_DOUBLE = auto()
    CSS_SINGLE = auto()
    CSS_DOUBLE_URL = auto()
    CSS_SINGLE_URL = auto()
    CSS_URL = auto()
    CSS_BLOCK_COMMENT = auto()
    CSS_LINE_COMMENT = auto()
    DEAD = auto()
    """After a break or a continue: nothing gets there."""


class Delimiter(Enum):
    """What ends the value of the attribute."""

    NONE = ""
    DOUBLE = '"'
    SINGLE = "'"
    SPACE = " \t\n\f\r>"


class UrlPart(Enum):
    """How far a URL has been read."""

    NONE = auto()
    BEFORE_QUERY = auto()
    QUERY = auto()
    UNKNOWN = auto()


class Slash(Enum):
    """What a slash of JavaScript would start."""

    REGEXP = auto()
    DIVISION = auto()
    UNKNOWN = auto()


class Attribute(Enum):
    """What the value of the attribute is."""

    PLAIN = State.ATTRIBUTE
    SCRIPT = State.JS
    SCRIPT_TYPE = "type of a script"
    STYLE = State.CSS
    URL = State.URL
    SRCSET = State.SRCSET
    META = State.META

    @property
    def start(self) -> State:
        """The state at the start of the value."""
        return self.value if isinstance(self.value, State) else State.ATTRIBUTE


class Element(Enum):
    """An element whose body is no plain HTML, or whose attributes mean more."""

    NONE = ("", State.TEXT)
    SCRIPT = ("script", State.JS)
    STYLE = ("style", State.CSS)
    TEXTAREA = ("textarea", State.RCDATA)
    TITLE = ("title", State.RCDATA)
    META = ("meta", State.TEXT)


ELEMENTS = {element.value[0]: element for element in Element if element is not Element.NONE}

COMMENTS = frozenset(
    {
        State.COMMENT,
        State.JS_BLOCK_COMMENT,
        State.JS_LINE_COMMENT,
        State.JS_OPEN_COMMENT,
        State.JS_CLOSE_COMMENT,
        State.CSS_BLOCK_COMMENT,
        State.CSS_LINE_COMMENT,
    }
)
SCRIPT_LITERALS = frozenset({State.JS_DOUBLE, State.JS_SINGLE, State.JS_TEMPLATE, State.JS_REGEXP})
IN_TAG = frozenset(
    {State.TAG, State.ATTRIBUTE_NAME, State.AFTER_NAME, State.BEFORE_VALUE, State.ATTRIBUTE}
)


@dataclass(frozen=True, slots=True)
class Context:
    """Where a piece of text stands; the default is the start of a fragment of HTML.

    `braces` are those open in each expression inside template literals of JavaScript.
    """

    state: State = State.TEXT
    delimiter: Delimiter = Delimiter.NONE
    url: UrlPart = UrlPart.NONE
    slash: Slash = Slash.REGEXP
    attribute: Attribute = Attribute.PLAIN
    element: Element = Element.NONE
    braces: tuple[int, ...] = ()

    def __str__(self) -> str:
        """Name what is not as at the start."""
        said = [self.state.name]
        said += [f"in {self.delimiter.name} quotes"] if self.delimiter.value else []
        said += [part.name for part in (self.url, self.slash) if part.value > 1]
        said += [self.attribute.name] if self.attribute is not Attribute.PLAIN else []
        said += [self.element.name] if self.element is not Element.NONE else []
        return " ".join(said).lower().replace("_", " ")

    def nudged(self) -> Context:
        """Give the context of an action that stands right here: a name, or a value unquoted."""
        if self.state is State.TAG:
            return replace(self, state=State.ATTRIBUTE_NAME)
        if self.state is State.BEFORE_VALUE:
            start = self.attribute.start
            return replace(self, state=start, delimiter=Delimiter.SPACE, attribute=Attribute.PLAIN)
        if self.state is State.AFTER_NAME:
            return replace(self, state=State.ATTRIBUTE_NAME, attribute=Attribute.PLAIN)
        return self


DEAD = Context(State.DEAD)


def joined(first: Context, second: Context) -> Context | None:
    """Give the context after either branch; None where what follows would mean two things."""
    if State.DEAD in (first.state, second.state):
        return second if first.state is State.DEAD else first
    if first == second:
        return first
    if replace(first, url=second.url) == second:
        return replace(first, url=UrlPart.UNKNOWN)
    if replace(first, slash=second.slash) == second:
        return replace(first, slash=Slash.UNKNOWN)
    nudged = first.nudged(), second.nudged()
    return None if nudged == (first, second) else joined(*nudged)
