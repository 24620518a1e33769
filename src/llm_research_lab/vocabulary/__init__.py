"""The language that all rooms speak: instants, names, canonical values, findings, errors."""

from llm_research_lab.vocabulary.canonical import canonical, digest
from llm_research_lab.vocabulary.errors import (
    ConflictError,
    DeniedError,
    Finding,
    InvalidError,
    LabError,
    NotFoundError,
    TooLargeError,
    UnauthenticatedError,
    UnavailableError,
)
from llm_research_lab.vocabulary.instants import Instant, rfc3339
from llm_research_lab.vocabulary.names import Reference, checked_name, parse_reference
from llm_research_lab.vocabulary.price import Price, usd_text

__all__ = [
    "ConflictError",
    "DeniedError",
    "Finding",
    "Instant",
    "InvalidError",
    "LabError",
    "NotFoundError",
    "Price",
    "Reference",
    "TooLargeError",
    "UnauthenticatedError",
    "UnavailableError",
    "canonical",
    "checked_name",
    "digest",
    "parse_reference",
    "rfc3339",
    "usd_text",
]
