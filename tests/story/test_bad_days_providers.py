"""A provider that misbehaves fails what it must, by kind, and no more; what may pass is asked again."""

from __future__ import annotations

from collections import Counter
from decimal import Decimal

import pytest
from tests.servers.bad_days import begin, check_whole, ended, lab, ran, sow, until
from tests.servers.openai_server import OpenAIServer, Reply, refused_url


class Counting(OpenAIServer):
    """Counts how many requests are being answered at once."""

    inside = 0
    most = 0

    async def _answer(self, reply, reader, writer):
        self.inside += 1
        self.most = max(self.most, self.inside)
        try:
            return await super()._answer(reply, reader, writer)
        finally:
            self.inside -= 1


@pytest.fixture(scope="module")
def one(tmp_path_factory):
    with lab(tmp_path_factory.mktemp("providers") / "data") as found:
        yield found


def asked(one, name, url, rows=1, **limits):
    """Run an experiment against the server."""
    entry = {
        "provider": "openai",
        "id": "scripted",
        "base_url": url,
        "limits": {"attempts": 2, "concurrency": 2, **limits},
        "price": {"input_usd_per_million": "1", "output_usd_per_million": "10"},
    }
    with one.client() as client:
        found = ran(client, sow(client, name, rows, entry))
    check_whole(one.root / "lab.db", found["id"], rows)
    return found


DOWN = {
    "slow": ([Reply(delay_ms=30_000)], {"timeout_seconds": 0.3}, "timeout", 2),
    "slow to the end": ([Reply(body_pause_ms=30_000)], {"timeout_seconds": 0.3}, "timeout", 2),
    "another format": ([Reply(body=b'{"hello": "world"}')], {}, "garbage", 2),
    "no JSON": ([Reply(body=b"<html>busy</html>")], {}, "garbage", 2),
    "no HTTP": ([Reply(raw=b"SSH-2.0-OpenSSH_9.2\r\n")], {}, "unavailable", 2),
    "cut mid-answer": ([Reply(cut=20)], {}, "unavailable", 2),
    "429 for ever": ([Reply(status=429)], {}, "rate_limited", 2),
    "500 for ever": ([Reply(status=500)], {}, "unavailable", 2),
    "400": ([Reply(status=400)], {}, "refused", 1),
    "401": ([Reply(status=401)], {}, "refused", 1),
    "403": ([Reply(status=403)], {}, "refused", 1),
    "404": ([Reply(status=404)], {}, "refused", 1),
}


@pytest.mark.parametrize("name", DOWN)
def test_a_provider_that_stays_bad_fails_the_sample_by_its_kind_after_its_attempts(one, name):
    replies, limits, kind, attempts = DOWN[name]
    with OpenAIServer(*replies) as server:
        found = asked(one, "stays", server.url, **limits)
        assert len(server.requests) == attempts
    assert found["status"] == "failed"
    assert found["summary"]["failures"] == {kind: 1}
    [result] = found["results"]
    assert (result["failure"]["kind"], result["attempts"]) == (kind, attempts)
    assert (result["answer"], result["scores"]) == (None, {})


def test_a_refused_connection_is_unavailable(one):
    found = asked(one, "refused", refused_url())
    assert found["summary"]["failures"] == {"unavailable": 1}
    assert found["results"][0]["attempts"] == 2


GOOD = Reply(text="row 0")
PASSES = {
    "one 500": [Reply(status=500), GOOD],
    "500, 502, 503": [Reply(status=500), Reply(status=502), Reply(status=503), GOOD],
    "429 without a wish": [Reply(status=429), GOOD],
    "garbage once": [Reply(body=b"{"), GOOD],
    "cut once": [Reply(cut=10), GOOD],
    "slow once": [Reply(delay_ms=30_000), GOOD],
}


UNPAID = {"one 500", "500, 502, 503", "429 without a wish"}
"""An error's status is not charged for. The others may have been worked on and paid for: against
the cap they count at their ceiling."""


@pytest.mark.parametrize("name", PASSES)
def test_what_passes_is_answered_by_one_more_attempt_each(one, name):
    replies = PASSES[name]
    with OpenAIServer(*replies) as server:
        found = asked(one, "passes", server.url, attempts=5, timeout_seconds=1)
        assert len(server.requests) == len(replies)
    assert (found["status"], found["failed"]) == ("completed", 0), found["reason"]
    [result] = found["results"]
    assert (result["answer"], result["attempts"]) == ("row 0", len(replies))
    assert result["scores"] == {"exact": 1.0}
    assert result["cost_usd"] == "0.000017"  # of the one that answered: 7 in, 1 out
    spent, price = Decimal(found["cost_usd"]), Decimal(result["cost_usd"])
    assert spent == price if name in UNPAID else spent > price


@pytest.mark.parametrize("wish", [("Retry-After", "2"), ("retry-after-ms", "2000")])
def test_a_429s_wish_is_waited_for(one, wish):
    with Timed(Reply(status=429, headers=(wish,)), GOOD) as server:
        found = asked(one, "wish", server.url)
    assert found["failed"] == 0
    assert found["results"][0]["attempts"] == 2
    first, second = server.times
    assert 2.0 <= second - first < 6.0


class Timed(OpenAIServer):
    """Notes when each request came."""

    def __init__(self, *replies):
        super().__init__(*replies)
        self.times = []

    async def _answer(self, reply, reader, writer):
        self.times.append(self._loop.time())
        return await super()._answer(reply, reader, writer)


def test_of_many_samples_each_fails_or_is_answered_by_itself(one):
    """Every third request is refused for good: as many samples fail, and no other."""
    replies = [Reply(status=404) if n % 3 == 2 else GOOD for n in range(30)]
    with OpenAIServer(*replies) as server:
        found = asked(one, "mixed", server.url, rows=30)
        assert len(server.requests) == 30
    assert (found["status"], found["done"], found["failed"]) == ("completed", 30, 10)
    assert found["summary"]["failures"] == {"refused": 10}
    assert Counter(r["attempts"] for r in found["results"]) == {1: 30}


def test_a_key_that_was_refused_works_after_a_retry(one):
    with OpenAIServer(Reply(status=401), Reply(status=401), GOOD) as server, one.client() as client:
        entry = {"provider": "openai", "id": "m", "base_url": server.url, "limits": {"attempts": 2}}
        found = ran(client, sow(client, "mended", 2, entry))
        assert (found["status"], found["failed"]) == ("failed", 2)
        again = client.post(f"/v1/experiments/{found['id']}/retry")
        assert again.status_code == 200, again.text
        after = ended(client, found["id"])
        assert (after["status"], after["failed"], after["done"]) == ("completed", 0, 2)
        assert len(server.requests) == 4
    check_whole(one.root / "lab.db", found["id"], 2)


@pytest.mark.timeout(180)
@pytest.mark.long
def test_a_provider_that_was_down_is_left_alone_and_then_used_again(one):
    """Five failures open the breaker for half a minute; one probe closes it."""
    down = [Reply(status=503)] * 5
    with Timed(*down, GOOD) as server:
        found = asked(one, "down", server.url, rows=12, attempts=6, concurrency=1)
        assert len(server.requests) == 5 + 12
    assert found["failed"] == 0
    assert sum(r["attempts"] for r in found["results"]) == 5 + 12
    assert server.times[5] - server.times[4] > 25


def test_all_runners_together_keep_to_the_concurrency_of_the_entry(tmp_path):
    """Two runners, and three calls at once are three: as the server counts them."""
    rows, width = 60, 3
    with (
        Counting(Reply(text="x", delay_ms=60)) as server,
        lab(tmp_path / "data", "api", "runner", "runner") as two,
        two.client() as client,
    ):
        until(lambda: len(list((two.root / "run").glob("runner-*.json"))) == 2)
        limits = {"concurrency": width, "attempts": 2}
        entry = {"provider": "openai", "id": "m", "base_url": server.url, "limits": limits}
        body = {**sow(client, "shared", rows, entry), "use_cache": False}
        ids = [begin(client, body) for _ in range(2)]
        for experiment_id in ids:
            found = ended(client, experiment_id)
            assert (found["status"], found["failed"]) == ("completed", 0), found["reason"]
            check_whole(two.root / "lab.db", experiment_id, rows)
        assert len(server.requests) == 2 * rows
        assert server.most == width
        assert len(workers(two.root)) == 2, "one of the runners had nothing to do"


def workers(root):
    """Who held a chunk."""
    import sqlite3
    from contextlib import closing

    with closing(sqlite3.connect(root / "lab.db")) as connection:
        return {row[0] for row in connection.execute("SELECT DISTINCT worker FROM chunks")}


@pytest.mark.long
def test_all_runners_together_keep_to_the_requests_of_a_minute(tmp_path):
    """600 a minute are ten a second, whoever asks."""
    rows = 40
    with (
        Timed(Reply(text="x")) as server,
        lab(tmp_path / "data", "api", "runner", "runner") as two,
        two.client() as client,
    ):
        limits = {"concurrency": 8, "requests_per_minute": 600}
        entry = {"provider": "openai", "id": "m", "base_url": server.url, "limits": limits}
        found = ran(client, sow(client, "paced", rows, entry))
        assert found["failed"] == 0
    times = sorted(server.times)
    assert len(times) == rows
    assert times[-1] - times[0] >= (rows - 10 - 1) / 10 - 0.3
