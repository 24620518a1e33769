"""The trail gives every entry once, newest first, to admins. On every store."""

from __future__ import annotations

import pytest
from tests.contract.commands.labs import ADMIN, ANN, VIC, add_prompt

from llm_research_lab.api.schemas import AuditPage
from llm_research_lab.audit import Origin, created, deleted
from llm_research_lab.commands import audit
from llm_research_lab.commands.paging import Page
from llm_research_lab.storage.relational import audit_log
from llm_research_lab.vocabulary import DeniedError, InvalidError

ANN_S = Origin("ann", "192.0.2.1", "curl")
BOB_S = Origin("bob")


@pytest.fixture
def written(lab):
    def write(c):
        for at, entry in enumerate(
            (
                created(0, ANN_S, "prompt", "pr_1", {"n": 1}),
                created(1, BOB_S, "prompt", "pr_2"),
                deleted(2, ANN_S, "key", "key_1"),
                created(3, ANN_S, "key", "key_2"),
            )
        ):
            assert audit_log.append(c, entry) == at + 1

    lab.database.write_now(write)
    return lab


async def ids(lab, **filters):
    found = await audit.listing(lab, ADMIN, Page(), filters)
    return [int(one["id"]) for one in found["items"]]


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        ({}, [4, 3, 2, 1]),
        ({"user_id": None, "action": None}, [4, 3, 2, 1]),
        ({"user_id": "ann"}, [4, 3, 1]),
        ({"action": "create", "user_id": "ann"}, [4, 1]),
        ({"resource_type": "key"}, [4, 3]),
        ({"resource_type": "prompt", "resource_id": "pr_2"}, [2]),
        ({"outcome": "failure"}, []),
        ({"since": 1, "until": 3}, [3, 2]),
    ],
)
async def test_filters_choose_entries(written, filters, expected):
    assert await ids(written, **filters) == expected


async def test_entries_are_shown_as_the_api_and_the_spec_say(written):
    found = await audit.listing(written, ADMIN, Page(), {"resource_id": "pr_1"})
    AuditPage.model_validate(found)
    [entry] = found["items"]
    assert entry == {
        "id": "1",
        "timestamp": "1970-01-01T00:00:00.000Z",
        "user_id": "ann",
        "action": "create",
        "resource_type": "prompt",
        "resource_id": "pr_1",
        "source_ip": "192.0.2.1",
        "user_agent": "curl",
        "outcome": "success",
        "metadata": {"event_type": "resource_created", "n": 1},
    }


async def test_pages_give_every_entry_once(written):
    first = await audit.listing(written, ADMIN, Page(limit=3), {"user_id": "ann"})
    assert first["next_cursor"] is None
    first = await audit.listing(written, ADMIN, Page(limit=2), {"user_id": "ann"})
    rest = await audit.listing(written, ADMIN, Page(first["next_cursor"], 2), {"user_id": "ann"})
    assert [one["id"] for one in first["items"] + rest["items"]] == ["4", "3", "1"]
    with pytest.raises(InvalidError):
        await audit.listing(written, ADMIN, Page(first["next_cursor"]), {"user_id": "bob"})


async def test_others_than_admins_are_denied_and_the_denial_is_in_the_trail(lab):
    for who in (ANN, VIC):
        with pytest.raises(DeniedError):
            await audit.listing(lab, who, Page(), {})
    assert len(await ids(lab, outcome="failure", resource_type="audit")) == 2


async def test_an_entry_stands_exactly_when_its_change_does(lab):
    def refuse(connection):
        audit_log.append(connection, created(0, ANN_S, "prompt", "pr_x"))
        raise RuntimeError("after the entry")

    with pytest.raises(RuntimeError):
        await lab.database.write(refuse)
    assert await ids(lab) == []
    await add_prompt(lab)
    assert len(await ids(lab)) == 1
