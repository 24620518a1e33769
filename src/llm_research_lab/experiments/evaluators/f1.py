"""``f1``: how many words the answer and the target share."""

from __future__ import annotations

import re
from collections import Counter
from string import punctuation
from unicodedata import normalize

from llm_research_lab.documents.readers import flag
from llm_research_lab.experiments.evaluators.kind import (
    Kind,
    Option,
    Options,
    Render,
    Row,
    Score,
)

_PUNCTUATION = str.maketrans("", "", punctuation)
_ARTICLES = re.compile(r"\b(?:a|an|the)\b")


def tokens(text: str, *, normalised: bool) -> Counter[str]:
    """Count a text's words: as written, or in SQuAD's form."""
    text = normalize("NFC", text)
    if normalised:
        text = _ARTICLES.sub(" ", text.lower().translate(_PUNCTUATION))
    return Counter(text.split())


def f1(one: Counter[str], other: Counter[str]) -> float:
    """Give 2 * shared / (words of both): symmetric, 1 exactly for equal bags, two empty ones too.

    This is the harmonic mean of precision and recall, shared / answer and shared / target.
    """
    words = one.total() + other.total()
    return 2 * (one & other).total() / words if words else 1.0


def _f1(target: Render, options: Options, where: str) -> Score:  # noqa: ARG001 - as all kinds
    """From 0 to 1: the F1 of the words that answer and target share, each as often as in both.

    Normalised as SQuAD does, in this order: small letters, no ASCII punctuation, no `a`, `an`,
    `the`, words parted by blanks. When one of the two has no words left, it is 1 if the other has
    none either, else 0. `normalise: false` compares the words as they are written.

    Source: SQuAD 2.0's official evaluation script, `normalize_answer` and `compute_f1`. Ours also
    takes a letter and its accent for the accented letter.
    """
    normalised = options["normalise"]

    def score(answer: str, row: Row) -> float:
        wanted = tokens(target(row), normalised=normalised)
        return f1(tokens(answer, normalised=normalised), wanted)

    return score


F1 = Kind(_f1, (Option("normalise", True, "Whether words are compared in SQuAD's form.", flag),))
