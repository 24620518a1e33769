"""Samples on their way in or out: numbers in arrays, their series by number."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from llm_research_lab.promql.values import Flags, Floats, Times
from llm_research_lab.vocabulary.labels import Labels

Numbers = NDArray[np.int32]


@dataclass(slots=True)
class Numbering:
    """Every series has one number, from 0 in the order met."""

    labels: list[Labels] = field(default_factory=list)
    _numbers: dict[Labels, int] = field(default_factory=dict)

    def number(self, labels: Labels) -> int:
        """Give the series' number."""
        found = self._numbers.setdefault(labels, len(self.labels))
        if found == len(self.labels):
            self.labels.append(labels)
        return found


@dataclass(frozen=True, slots=True, eq=False)
class Samples:
    """Samples as a file has them, one an entry. Shapes: all of length N."""

    series: Numbers
    times: Times
    values: Floats
    stale: Flags
