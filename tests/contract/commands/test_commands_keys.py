"""A key is shown once; the first start makes one, whatever was left of the start before."""

from __future__ import annotations

import stat

import pytest
from sqlalchemy import select, update
from tests.contract.commands.labs import ADMIN, ANN, NO_KEY, key, read, rows_in, trail

from llm_research_lab.commands import keys
from llm_research_lab.commands.access import authenticate
from llm_research_lab.commands.paging import Page
from llm_research_lab.security import digest_of, is_key, key_of
from llm_research_lab.storage.relational import tables
from llm_research_lab.vocabulary import DeniedError, InvalidError, NotFoundError

BODY = {"name": "laptop", "user": "ann", "role": "researcher"}


async def test_a_secret_is_in_the_answer_and_in_no_store(lab):
    made = read(await keys.create(lab, ADMIN, BODY, key("k")))
    assert is_key(made["secret"])
    row = lab.database.read_now(lambda c: c.execute(select(tables.keys)).one())
    assert row.digest == digest_of(made["secret"])
    kept = lab.database.read_now(lambda c: c.execute(select(tables.idempotency)).one())
    assert made["secret"] not in f"{row} {kept} {await trail(lab)}"


async def test_a_replayed_creation_makes_nothing_and_shows_no_secret(lab):
    first = await keys.create(lab, ADMIN, BODY, key("k"))
    second = await keys.create(lab, ADMIN, BODY, key("k"))
    assert (first.status, second.status) == (201, 201)
    assert read(second) == {**read(first), "secret": None}
    assert rows_in(lab, tables.keys) == 1
    assert len(await trail(lab, action="create")) == 1


async def test_a_creation_is_audited_with_who_may_do_what(lab):
    made = read(await keys.create(lab, ADMIN, BODY, NO_KEY))
    [entry] = await trail(lab)
    assert (entry["user_id"], entry["resource_id"]) == ("root", made["id"])
    assert entry["metadata"] == {"event_type": "resource_created", **BODY}


async def test_only_an_admin_makes_lists_and_revokes(lab):
    with pytest.raises(DeniedError):
        await keys.create(lab, ANN, BODY, NO_KEY)
    with pytest.raises(DeniedError):
        await keys.listing(lab, ANN, Page())
    with pytest.raises(DeniedError):
        await keys.revoke(lab, ANN, "key_1")
    assert rows_in(lab, tables.keys) == 0
    assert len(await trail(lab, outcome="failure")) == 3


async def test_revoking_twice_changes_nothing_and_is_audited_once(lab):
    made = read(await keys.create(lab, ADMIN, BODY, NO_KEY))
    first = await keys.revoke(lab, ADMIN, made["id"])
    assert first["revoked_at"] is not None
    assert await keys.revoke(lab, ADMIN, made["id"]) == first
    assert "secret" not in first
    assert len(await trail(lab, action="delete")) == 1


async def test_revoking_what_is_not_there_says_so(lab):
    with pytest.raises(NotFoundError):
        await keys.revoke(lab, ADMIN, "key_nobody" * 1000)
    assert await trail(lab) == []


async def test_pages_give_every_key_once_newest_first(lab):
    made = [read(await keys.create(lab, ADMIN, BODY, NO_KEY))["id"] for _ in range(5)]
    seen, cursor = [], None
    while True:
        page = await keys.listing(lab, ADMIN, Page(cursor, 2))
        seen += [one["id"] for one in page["items"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert seen == made[::-1]


async def test_a_cursor_of_another_list_is_refused(lab):
    for _ in range(2):
        await keys.create(lab, ADMIN, BODY, NO_KEY)
    from llm_research_lab.commands import audit

    cursor = (await keys.listing(lab, ADMIN, Page(limit=1)))["next_cursor"]
    with pytest.raises(InvalidError):
        await audit.listing(lab, ADMIN, Page(cursor), {})


def _living(lab):
    return lab.database.read_now(
        lambda c: c.scalars(
            select(tables.keys.c.digest).where(tables.keys.c.revoked_at.is_(None))
        ).all()
    )


def _text(lab):
    return lab.directory.admin_key.read_text().strip()


async def test_the_first_start_writes_a_private_key_that_opens_the_lab(lab):
    assert keys.ensure_admin_key(lab)
    assert stat.S_IMODE(lab.directory.admin_key.stat().st_mode) == 0o600
    who = await authenticate(lab, _text(lab), "127.0.0.1", None)
    assert (who.principal.user, who.principal.role) == ("admin", "admin")
    [entry] = await trail(lab, action="create")
    assert (entry["user_id"], entry["source_ip"]) == ("system", "internal")


def test_the_second_start_makes_none(lab):
    keys.ensure_admin_key(lab)
    before = _text(lab)
    assert not keys.ensure_admin_key(lab)
    assert _text(lab) == before
    assert len(_living(lab)) == 1


def test_a_file_whose_row_a_crash_prevented_is_replaced(lab):
    lost = key_of(bytes(32))
    lab.directory.admin_key.write_text(lost)
    assert keys.ensure_admin_key(lab)
    assert _text(lab) != lost
    assert _living(lab) == [digest_of(_text(lab))]


def test_a_row_without_its_file_makes_a_new_key(lab):
    keys.ensure_admin_key(lab)
    lab.directory.admin_key.unlink()
    assert keys.ensure_admin_key(lab)
    assert digest_of(_text(lab)) in _living(lab)


@pytest.mark.parametrize("content", [b"", b"\xff\xfe", b"lab_short", b"x" * 10_000])
def test_a_file_that_holds_no_key_is_replaced(lab, content):
    lab.directory.admin_key.write_bytes(content)
    assert keys.ensure_admin_key(lab)
    assert _living(lab) == [digest_of(_text(lab))]


async def test_a_revoked_first_key_stays_revoked_while_an_admin_can_get_in(lab):
    keys.ensure_admin_key(lab)
    before = _text(lab)
    await keys.create(lab, ADMIN, {**BODY, "role": "admin"}, NO_KEY)
    _revoke(lab, digest_of(before))
    assert not keys.ensure_admin_key(lab)
    assert _text(lab) == before
    assert digest_of(before) not in _living(lab)


async def test_a_lab_without_a_living_admin_is_not_locked_for_good(lab):
    keys.ensure_admin_key(lab)
    before = _text(lab)
    await keys.create(lab, ADMIN, BODY, NO_KEY)
    _revoke(lab, digest_of(before))
    assert keys.ensure_admin_key(lab)
    assert _text(lab) != before
    assert digest_of(_text(lab)) in _living(lab)


def _revoke(lab, digest):
    lab.database.write_now(
        lambda c: c.execute(
            update(tables.keys).where(tables.keys.c.digest == digest).values(revoked_at=1)
        )
    )
