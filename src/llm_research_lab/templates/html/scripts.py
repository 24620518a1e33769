r"""JavaScript moves the context on: strings, template literals, regular expressions, comments.

Source: Go, html/template/transition.go (tJS…), js.go (nextJSCtx, isJSType); since Go 1.20.8 and
1.21.1 ``<!--``, ``-->`` and ``#!`` start comments, since 1.23 actions may stand in \`…\`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import replace

from llm_research_lab.templates.html.contexts import Context, Slash, State
from llm_research_lab.templates.html.errors import MisplacedError
from llm_research_lab.vocabulary.quoting import quote

_SPACE = "\f\n\r\t\v \xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a"
_SPACE += "\u2028\u2029\u202f\u205f\u3000\ufeff"
_BEFORE_REGEXP = frozenset(",<>=*%&|^?!~([:;{}")
_WORDS = """
break case continue delete do else finally in instanceof return throw try typeof void
"""
_REGEXP_WORDS = frozenset(_WORDS.split())
_LONGEST_WORD = max(map(len, _REGEXP_WORDS))
_LAST_WORD = re.compile(r"(?:\A|(?<=[^$0-9A-Z_a-z]))[$0-9A-Z_a-z]+\Z")
_PIECE = re.compile(r"//|/\*|<!--|-->|#!|[\"'`/{}]")
_OPENS = {
    '"': State.JS_DOUBLE,
    "'": State.JS_SINGLE,
    "`": State.JS_TEMPLATE,
    "//": State.JS_LINE_COMMENT,
    "/*": State.JS_BLOCK_COMMENT,
    "<!--": State.JS_OPEN_COMMENT,
    "-->": State.JS_CLOSE_COMMENT,
    "#!": State.JS_LINE_COMMENT,
}
_IN_STRING = {
    State.JS_DOUBLE: re.compile(r'\\(?:.|\Z)|"', re.DOTALL),
    State.JS_SINGLE: re.compile(r"\\(?:.|\Z)|'", re.DOTALL),
    # A slash of </script does not end the expression: it will be escaped.
    State.JS_REGEXP: re.compile(r"\\(?:.|\Z)|</script|[/\[\]]", re.DOTALL | re.IGNORECASE),
}
_IN_TEMPLATE = re.compile(r"\\(?:.|\Z)|\$\{|`", re.DOTALL)
_LINE_END = re.compile("[\n\r\u2028\u2029]")
_SHOWN = 32
_TYPES = """
application/ecmascript application/javascript application/json application/ld+json
application/x-ecmascript application/x-javascript module text/ecmascript text/javascript
text/javascript1.0 text/javascript1.1 text/javascript1.2 text/javascript1.3 text/javascript1.4
text/javascript1.5 text/jscript text/livescript text/x-ecmascript text/x-javascript
"""
_SCRIPT_TYPES = frozenset(_TYPES.split())


def is_script_type(mime: str) -> bool:
    """Whether a script element of this type holds JavaScript or JSON."""
    return mime.partition(";")[0].strip().lower() in _SCRIPT_TYPES


def next_slash(text: str, before: Slash) -> Slash:
    """Say what a slash after the text would start, by its last token."""
    text = text.rstrip(_SPACE)
    if not text:
        return before
    last = text[-1]
    if last in "+-":
        # An odd one of them is no ++ or --, so an operand follows.
        odd = (len(text) - len(text.rstrip(last))) % 2
        return Slash.REGEXP if odd else Slash.DIVISION
    if last == ".":
        return Slash.DIVISION if text[-2:-1] in set("0123456789") else Slash.REGEXP
    word = _LAST_WORD.search(text[-_LONGEST_WORD - 1 :])
    if last in _BEFORE_REGEXP or (word and word.group() in _REGEXP_WORDS):
        return Slash.REGEXP
    return Slash.DIVISION


def _script(context: Context, text: str) -> tuple[Context, int]:
    found = _PIECE.search(text)
    if found is None:
        return replace(context, slash=next_slash(text, context.slash)), len(text)
    piece, end = found.group(), found.end()
    context = replace(context, slash=next_slash(text[: found.start()], context.slash))
    if piece == "/":
        return _slash(context, text, found.start()), end
    if piece in "{}":
        return _brace(context, piece), end
    after = replace(context, state=_OPENS[piece])
    return replace(after, slash=Slash.REGEXP) if len(piece) == 1 else after, end


def _slash(context: Context, text: str, at: int) -> Context:
    if context.slash is Slash.UNKNOWN:
        said = quote(text[at : at + _SHOWN])
        raise MisplacedError(f"'/' could start a division or regexp: {said}", at)
    if context.slash is Slash.REGEXP:
        return replace(context, state=State.JS_REGEXP)
    return replace(context, slash=Slash.REGEXP)


def _brace(context: Context, piece: str) -> Context:
    """Count braces in an expression of a template literal; its last one goes back to it."""
    # Go 1.23 takes what stands before a brace for what decides after it; before that, as here.
    context = replace(context, slash=next_slash(piece, context.slash))
    if not context.braces:
        return context
    *outer, depth = context.braces
    depth += 1 if piece == "{" else -1
    if depth < 0:
        return replace(context, state=State.JS_TEMPLATE, braces=tuple(outer))
    return replace(context, braces=(*outer, depth))


def _string(context: Context, text: str) -> tuple[Context, int]:
    """Read a string or a regular expression, where a class in brackets may hold a slash."""
    brackets = False
    for found in _IN_STRING[context.state].finditer(text):
        piece = found.group()
        if piece == "\\":
            _unfinished("JS", text, found.start())
        if piece in "[]":
            brackets = piece == "["
        elif piece in "\"'/" and not brackets:
            return replace(context, state=State.JS, slash=Slash.DIVISION), found.end()
    if brackets:
        raise MisplacedError(f"unfinished JS regexp charset: {quote(text)}")
    return context, len(text)


def _unfinished(what: str, text: str, at: int) -> None:
    raise MisplacedError(f"unfinished escape sequence in {what} string: {quote(text)}", at)


def _template(context: Context, text: str) -> tuple[Context, int]:
    for found in _IN_TEMPLATE.finditer(text):
        piece = found.group()
        if piece == "\\":
            _unfinished("JS", text, found.start())
        if piece == "${":
            braces = (*context.braces, 0)
            return replace(context, state=State.JS, slash=Slash.REGEXP, braces=braces), found.end()
        if piece == "`":
            # Go leaves what it knew of slashes; after a value one divides.
            return replace(context, state=State.JS, slash=Slash.DIVISION), found.end()
    return context, len(text)


def _block_comment(context: Context, text: str) -> tuple[Context, int]:
    end = text.find("*/")
    return (context, len(text)) if end < 0 else (replace(context, state=State.JS), end + 2)


def _line_comment(context: Context, text: str) -> tuple[Context, int]:
    """Read up to the end of the line, which is no part of the comment."""
    found = _LINE_END.search(text)
    if found is None:
        return context, len(text)
    return replace(context, state=State.JS), found.start()


STEPS: Mapping[State, Callable[[Context, str], tuple[Context, int]]] = {
    State.JS: _script,
    State.JS_DOUBLE: _string,
    State.JS_SINGLE: _string,
    State.JS_REGEXP: _string,
    State.JS_TEMPLATE: _template,
    State.JS_BLOCK_COMMENT: _block_comment,
    State.JS_LINE_COMMENT: _line_comment,
    State.JS_OPEN_COMMENT: _line_comment,
    State.JS_CLOSE_COMMENT: _line_comment,
}
