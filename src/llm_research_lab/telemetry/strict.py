"""Under ``LAB_STRICT_SIGNALS=1``, which tests set, a signal that breaks its declaration raises."""

from __future__ import annotations

import os

STRICT = os.environ.get("LAB_STRICT_SIGNALS") == "1"
"""Otherwise it is counted in ``telemetry_refused_total``. Read once, at import."""
