"""A runner's process for the crash tests: says when it runs, notes each answer, ends when all is done.

Usage: python one_runner.py DATA_DIR ANSWERS
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from pathlib import Path

from sqlalchemy import func, select

from llm_research_lab.models import provider_for
from llm_research_lab.service.composition import open_lab
from llm_research_lab.service.runner import run_runner
from llm_research_lab.service.settings import Settings
from llm_research_lab.storage.relational.tables import experiments


class Noting:
    """Notes every answer before anybody else hears of it, in a file that survives the process."""

    def __init__(self, inner, file):
        self._inner, self._file = inner, file

    async def complete(self, call):
        if f"{call.model} {call.sample}" == os.environ.get("LAB_TEST_POISON"):
            os.kill(os.getpid(), signal.SIGKILL)
        answer = await self._inner.complete(call)
        os.write(self._file, f"{call.model} {call.sample}\n".encode())
        return answer

    async def close(self):
        await self._inner.close()


def unfinished(connection):
    query = select(func.count()).where(experiments.c.status.in_(("queued", "running")))
    return connection.execute(query).scalar_one()


async def all_done(lab):
    while await lab.database.read(unfinished):  # noqa: ASYNC110 - another process may end it
        await asyncio.sleep(0.02)


async def serve(lab, file):
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    make = lambda entry: Noting(provider_for(entry), file)  # noqa: E731 - one line says it
    runner = asyncio.create_task(run_runner(lab, stop, 5.0, provider_for=make))
    print("running", flush=True)
    done = asyncio.create_task(all_done(lab))
    asked = asyncio.create_task(stop.wait())
    await asyncio.wait((done, asked, runner), return_when=asyncio.FIRST_COMPLETED)
    stop.set()
    await runner


def main():
    file = os.open(sys.argv[2], os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    with open_lab(Settings(data_dir=Path(sys.argv[1]))) as lab:
        asyncio.run(serve(lab, file))


if __name__ == "__main__":
    main()
