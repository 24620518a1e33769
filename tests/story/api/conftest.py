"""One served lab for a file of tests; each test names its own things."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from tests.servers.api_server import ServedApi, serving


@pytest.fixture(scope="module")
def api(tmp_path_factory) -> Iterator[ServedApi]:
    with serving(tmp_path_factory.mktemp("api") / "lab") as found:
        yield found
