"""Hypothesis's two sizes: minutes in `make test`, thousands of cases in `make test-long`."""

import os

from hypothesis import HealthCheck, settings

os.environ.setdefault("LAB_STRICT_SIGNALS", "1")  # what breaks its declaration is an error here

quiet = [HealthCheck.too_slow]  # two cores are shared by all workers
settings.register_profile("short", max_examples=50, deadline=None, suppress_health_check=quiet)
settings.register_profile("long", max_examples=2000, deadline=None, suppress_health_check=quiet)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "short"))

LONGEST_FIRST = ("test_sample.py", "test_processes.py", "test_crashes.py", "story", "contract")
"""A worker takes a file at a time: the longest first, so that none waits for the last of them."""


def pytest_collection_modifyitems(items):
    """Put the files that take minutes before those that take milliseconds."""

    def place(item):
        path = str(item.path)
        return next((n for n, part in enumerate(LONGEST_FIRST) if part in path), len(LONGEST_FIRST))

    items.sort(key=place)
