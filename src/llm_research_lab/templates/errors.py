"""What is wrong with a template has a line and a column, as Go counts them.

Source: Go, text/template/parse (lines from one, columns in bytes).
"""

from __future__ import annotations

from llm_research_lab.vocabulary.errors import InvalidError


def place(text: str, at: int) -> tuple[int, int]:
    """Give the line, from one, and the bytes before character `at` in it, from nought."""
    start = text.rfind("\n", 0, at) + 1
    return text.count("\n", 0, at) + 1, len(text[start:at].encode("utf-8", "replace"))


def refusal(text: str, at: int, message: str, fix: str) -> InvalidError:
    """Make the error of a text that is no template; its place is ``line:column``, from one."""
    line, column = place(text, at)
    return InvalidError(f"{line}:{column + 1}", "a template of Go's text/template", message, fix)


class ExecutionError(Exception):
    """A template that failed as it was carried out; its text is Go's, place included.

    `page` is the text that it failed in, `where` the ``line:column`` in it from one, `reason` why.
    """

    def __init__(self, message: str, page: str = "", where: str = "", reason: str = "") -> None:
        super().__init__(message)
        self.page = page
        self.where = where
        self.reason = reason or message


class CallError(Exception):
    """What a function has against its arguments; the template fails with it."""
