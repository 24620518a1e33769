"""Something slow on the event loop shows as a timer that it woke late."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from llm_research_lab.telemetry.instruments import Instruments

EVERY_SECONDS = 0.1
"""Ten timers a second cost nothing, and see each slow piece of 100 ms."""


async def watch_loop(instruments: Instruments) -> None:
    """Observe the lag of this loop until cancelled."""
    lag = instruments.histogram("event_loop_lag_seconds")[()]
    loop = asyncio.get_running_loop()
    while True:
        wanted = loop.time() + EVERY_SECONDS
        await asyncio.sleep(EVERY_SECONDS)
        lag.observe(max(0.0, loop.time() - wanted))
