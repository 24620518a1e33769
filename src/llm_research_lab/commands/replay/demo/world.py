"""The world of the quarter: its instants, its traffic, its chance; everything follows the seed."""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from llm_research_lab.commands.replay.demo.episodes import EPISODES
from llm_research_lab.promql.values import Flags, Floats, Times
from llm_research_lab.vocabulary import Instant

START_MS: Instant = 1_769_990_400_000
"""Monday, 2 February 2026, 00:00 UTC."""

DAYS = 90
SEED = 20_260_202
STEP_MS = 60_000
"""Between two scrapes. Source: Prometheus's default of scrape_interval."""

DAY_MS = 86_400_000
SATURDAY = 5


@dataclass(frozen=True)
class World:
    """`days` from the start, scraped each minute; two worlds of one seed are equal, byte for byte.

    Shapes: N instants; masks bool [N], rates a minute float64 [N].
    """

    days: int = DAYS
    seed: int = SEED

    @cached_property
    def times(self) -> Times:
        """All instants of a scrape."""
        return START_MS + np.arange(self.days * DAY_MS // STEP_MS, dtype=np.int64) * STEP_MS

    def chance(self, name: str) -> np.random.Generator:
        """Give a stream of chance of one's own, so that one series more changes no other."""
        return np.random.Generator(np.random.PCG64([self.seed, zlib.crc32(name.encode())]))

    def during(self, name: str) -> Flags:
        """Say where an episode is."""
        (found,) = (one for one in EPISODES if one.name == name)
        mask = np.zeros(len(self.times), np.bool_)
        for start, end in found.spans:
            mask |= (self.times >= start) & (self.times < end)
        return mask

    @cached_property
    def hours(self) -> Floats:
        """Hours since the start."""
        return (self.times - START_MS) / 3_600_000

    @cached_property
    def busy(self) -> Floats:
        """How busy people are, from 0.08 in a night to about 1 at a weekday's noon."""
        hour, day = self.hours % 24, self.hours // 24 % 7
        by_day = 0.08 + 0.92 * np.exp(-(((hour - 14.0) / 4.5) ** 2))
        by_week = np.where(day >= SATURDAY, 0.25, 1.0)
        wander = np.repeat(
            self.chance("wander").normal(1.0, 0.08, self.days * 24), DAY_MS // STEP_MS // 24
        )
        return np.asarray(by_day * by_week * wander * np.where(self.during("quiet"), 0.004, 1.0))

    def deployed(self, nth: int) -> Flags:
        """Say at which scrapes an instance has been restarted by a deploy just before.

        Tuesdays and Thursdays at 14:00, one instance after the other, two minutes each.
        """
        mask = np.zeros(len(self.times), np.bool_)
        for day in range(self.days):
            if day % 7 in {1, 3}:
                mask[day * 1440 + 14 * 60 + 2 * nth] = True
        return mask

    def after(self, moments: Flags, minutes: int) -> Flags:
        """Say where a moment is less than so many minutes ago."""
        return np.convolve(moments, np.ones(minutes))[: len(moments)] > 0
