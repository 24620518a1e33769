"""Nobody acts unknown or beyond the role, and every refusal is in the trail. On every store."""

from __future__ import annotations

import pytest
from tests.contract.commands.labs import ADMIN, ANN, BOB, NO_KEY, VIC, new_lab, read, trail

from llm_research_lab.commands import keys
from llm_research_lab.commands.access import authenticate, require
from llm_research_lab.security import key_of
from llm_research_lab.vocabulary import DeniedError, UnauthenticatedError

BODY = {"name": "laptop", "user": "ann", "role": "researcher"}


async def made_key(lab):
    return read(await keys.create(lab, ADMIN, BODY, NO_KEY))


async def test_a_key_speaks_for_its_user_and_role(lab):
    made = await made_key(lab)
    who = await authenticate(lab, made["secret"], "192.0.2.1", "curl")
    assert (who.principal.user, who.principal.role) == ("ann", "researcher")
    assert who.principal.key_id == made["id"]
    assert (who.source_ip, who.user_agent) == ("192.0.2.1", "curl")


async def test_the_first_use_from_an_address_is_a_login_and_the_next_is_none(lab):
    made = await made_key(lab)
    for address in ("192.0.2.1", "192.0.2.1", "192.0.2.2", "192.0.2.1"):
        await authenticate(lab, made["secret"], address, None)
    logins = await trail(lab, action="login")
    assert [one["source_ip"] for one in logins] == ["192.0.2.1", "192.0.2.2"]
    assert {one["resource_id"] for one in logins} == {made["id"]}


async def test_a_login_that_another_process_saw_is_not_written_again(tmp_path):
    one, other = new_lab(tmp_path / "lab", "files"), new_lab(tmp_path / "lab", "files")
    made = await made_key(one)
    for lab in (one, other, other):
        await authenticate(lab, made["secret"], "192.0.2.1", None)
    assert len(await trail(one, action="login")) == 1
    one.database.close()
    other.database.close()


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (None, "no key"),
        ("hello", "a text that is not a key"),
        (key_of(bytes(32)), "an unknown key"),
    ],
)
async def test_a_stranger_is_refused_and_the_trail_says_why(lab, text, reason):
    with pytest.raises(UnauthenticatedError) as refused:
        await authenticate(lab, text, "192.0.2.9", "x" * 5000, "/v1/keys")
    assert refused.value.got == reason
    [entry] = await trail(lab, action="access_denied")
    assert entry["user_id"] == "unknown"
    assert entry["resource_id"] == "/v1/keys"
    assert entry["metadata"] == {"event_type": "access_denied", "reason": reason}
    assert len(entry["user_agent"]) == 300


async def test_a_revoked_key_opens_nothing_from_then_on(lab):
    made = await made_key(lab)
    await authenticate(lab, made["secret"], "192.0.2.1", None)
    await keys.revoke(lab, ADMIN, made["id"])
    with pytest.raises(UnauthenticatedError) as refused:
        await authenticate(lab, made["secret"], "192.0.2.1", None)
    assert refused.value.got == "a revoked key"


async def test_what_the_role_holds_passes_and_leaves_no_entry(lab):
    await require(lab, ANN, "experiments.cancel", "experiment", "exp_1", "ann")
    await require(lab, VIC, "datasets.read", "dataset", "d", "ann")
    await require(lab, ADMIN, "experiments.cancel", "experiment", "exp_1", "ann")
    assert await trail(lab) == []


@pytest.mark.parametrize(
    ("who", "action", "owner", "word"),
    [
        (VIC, "datasets.create", None, "create"),
        (BOB, "experiments.cancel", "ann", "update"),
        (ANN, "keys.revoke", None, "delete"),
        (ANN, "models.create_with_secret", None, "create"),
        (ANN, "audit.read", None, "read"),
    ],
)
async def test_what_the_role_does_not_hold_is_denied_and_audited(lab, who, action, owner, word):
    with pytest.raises(DeniedError):
        await require(lab, who, action, "thing", "it" * 1000, owner)
    [entry] = await trail(lab)
    assert (entry["action"], entry["outcome"]) == (word, "failure")
    assert entry["user_id"] == who.principal.user
    assert entry["metadata"]["event_type"] == "authorization_failure"
    assert entry["metadata"]["required"] == action
    assert len(entry["resource_id"]) < 300
