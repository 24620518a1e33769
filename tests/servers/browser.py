"""A real Chromium, the distribution's own, driven as a person would."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager

from playwright.sync_api import Page, sync_playwright
from tests.servers.absent import absent


@contextmanager
def opened(address: str, **settings: object) -> Iterator[Page]:
    """Open a page; an error of its script, and a request to anywhere else, fails the test."""
    command = shutil.which("chromium")
    if command is None:
        absent("chromium is not here: scripts/servers.py installs it")
    troubles: list[str] = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=command, args=["--no-sandbox"])
        page = browser.new_page(**settings)
        page.on("pageerror", lambda error: troubles.append(f"error: {error}"))
        page.on(
            "console",
            lambda said: troubles.append(f"said: {said.text}") if said.type == "error" else None,
        )
        page.on(
            "request",
            lambda asked: troubles.append(f"asked: {asked.url}") if asked.url != address else None,
        )
        page.goto(address)
        yield page
        browser.close()
    assert troubles == []
