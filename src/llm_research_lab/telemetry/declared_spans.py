"""A span that is not as declared is counted and goes no further; under test it is an error."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from llm_research_lab.signals.spans import check_span
from llm_research_lab.telemetry.strict import STRICT

if TYPE_CHECKING:
    from llm_research_lab.signals import Declaration
    from llm_research_lab.telemetry.spans import Span


def admission(
    declaration: Declaration, refused: Callable[[], None], *, strict: bool = STRICT
) -> Callable[[Span], bool]:
    """Give what a Tracer asks of each kept span: whether it is as declared.

    `refused` is called for one that is not; with `strict` ValueError says what is wrong with it.
    """

    def admitted(span: Span) -> bool:
        declared, _, _ = span.name.partition(" ")  # "chat gpt-4o" is declared as "chat"
        findings = check_span(declaration, declared, span.attributes)
        if findings and strict:
            raise ValueError("; ".join(f"{one.where}: {one.message}" for one in findings))
        if findings:
            refused()
        return not findings

    return admitted
