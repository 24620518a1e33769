"""What cannot be escaped has a place, where a rule of HTML, CSS or JavaScript is broken."""

from __future__ import annotations


class MisplacedError(Exception):
    """Text, or an action, that cannot stand there; at character `at` of what was read."""

    def __init__(self, message: str, at: int = 0) -> None:
        super().__init__(message)
        self.message = message
        self.at = at


class EscapingError(Exception):
    """A page that cannot be escaped, at character `at` of the text of the template `name`."""

    def __init__(self, message: str, name: str, at: int) -> None:
        super().__init__(message)
        self.message = message
        self.name = name
        self.at = at
