"""Draw the README's picture: the demonstration's report, as Chromium shows it."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from playwright.sync_api import sync_playwright

PICTURE = Path(__file__).resolve().parent.parent / "docs/reference/replay-demo.png"
WIDTH, HEIGHT = 1120, 1420


def main() -> None:
    """Replay the demonstration, and take the picture of what a person sees first."""
    command = shutil.which("chromium")
    if command is None:
        sys.exit("chromium is not here: python scripts/servers.py installs it")
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        report = Path(folder, "report.html")
        lab = str(Path(sys.executable).parent / "lab")
        subprocess.run([lab, "replay", "demo", "--report", str(report)], check=True)
        browser = playwright.chromium.launch(executable_path=command, args=["--no-sandbox"])
        page = browser.new_page(
            viewport={"width": WIDTH, "height": HEIGHT}, color_scheme="light", device_scale_factor=1
        )
        page.goto(report.as_uri())
        page.wait_for_selector("html[data-ready=yes]")
        page.screenshot(path=str(PICTURE))
        browser.close()
    print(PICTURE)


if __name__ == "__main__":
    main()
