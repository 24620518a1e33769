"""A lab over each kind of store."""

import pytest
from tests.contract.commands.labs import new_lab


@pytest.fixture(params=["memory", "files"])
def lab(request, tmp_path):
    made = new_lab(tmp_path / "lab", request.param)
    yield made
    made.database.close()
