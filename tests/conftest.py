"""Hypothesis's two sizes: minutes in `make test`, thousands of cases in `make test-long`."""

import os

from hypothesis import HealthCheck, settings

os.environ.setdefault("LAB_STRICT_SIGNALS", "1")  # what breaks its declaration is an error here

quiet = [HealthCheck.too_slow]  # two cores are shared by all workers
settings.register_profile("short", max_examples=50, deadline=None, suppress_health_check=quiet)
settings.register_profile("long", max_examples=2000, deadline=None, suppress_health_check=quiet)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "short"))
