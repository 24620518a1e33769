"""Install the servers and tools that tests compare with, from the distribution's own packages.

Standard library only. Says what it installs; where it may not, it says what is missing: the tests
that need it then fail under CI and skip elsewhere, with the reason.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys

NEEDED = {
    "promtool": ("prometheus", "checks and scrapes our metrics as a real Prometheus does"),
    "amtool": ("prometheus-alertmanager", "routes as the lab must; its server is there too"),
    "chromium": ("chromium", "opens reports as people do"),
    "cc": ("gcc", "builds the clock that a test sets back under a running lab"),
}
"""By the command that must be there: Debian's package, and what tests do with it."""


def missing() -> dict[str, tuple[str, str]]:
    """What is not on the PATH."""
    return {command: why for command, why in NEEDED.items() if shutil.which(command) is None}


def installer() -> list[str] | None:
    """What runs apt-get with the right to install, if anything does."""
    if shutil.which("apt-get") is None:
        return None
    if os.geteuid() == 0:
        return ["apt-get"]
    allowed = shutil.which("sudo") and subprocess.run(
        ["sudo", "-n", "true"], capture_output=True, check=False
    )
    return ["sudo", "-n", "apt-get"] if allowed and allowed.returncode == 0 else None


def main() -> int:
    """Install what is missing; 0 whatever came of it, since the tests will say."""
    absent = missing()
    if not absent:
        return 0
    for command, (package, why) in absent.items():
        print(f"The tests want {command} (Debian's package {package}): it {why}.", flush=True)
    apt = installer()
    if apt is None:
        print("It cannot be installed from here: install it, or let those tests be skipped.")
        return 0
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    packages = sorted({package for package, _ in absent.values()})
    print(f"Installing {', '.join(packages)} with apt-get …", flush=True)
    subprocess.run([*apt, "update", "-qq"], env=environment, stdout=subprocess.DEVNULL, check=False)
    wanted = [*apt, "install", "-y", "-qq", "--no-install-recommends", *packages]
    subprocess.run(wanted, env=environment, stdout=subprocess.DEVNULL, check=False)
    for command in missing():
        print(f"{command} is still not there: its tests fail under CI and are skipped elsewhere.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
