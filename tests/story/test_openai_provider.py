"""Each bad day of a provider over HTTP has one kind of failure; one call is one request."""

from __future__ import annotations

import asyncio
import json
import logging
import time
import traceback
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from tests.servers.openai_server import OpenAIServer, Reply, refused_url

from llm_research_lab.experiments.model_entry import ModelEntry
from llm_research_lab.experiments.result import Message, Usage
from llm_research_lab.models import Call, ProviderError, provider_for

SECRET = "sk-never-seen-4711"
ASKED = (Message("system", "be short"), Message("user", "capital of France?"))


@pytest.fixture
def key(tmp_path):
    file = tmp_path / "key"
    file.write_text(SECRET + "\n")
    return f"file:{file}"


async def ask(url, secret=None, **more):
    """The answer, or the error, of one call through a provider of its own."""
    provider = provider_for(ModelEntry("openai", "m", base_url=url, secret=secret))
    try:
        return await provider.complete(Call("m", ASKED, **more))
    except ProviderError as error:
        return error
    finally:
        await provider.close()


async def failure(*replies, secret=None, **more):
    """The error of a call that is answered so, made with one request and no more."""
    with OpenAIServer(*replies) as server:
        error = await ask(server.url, secret, **more)
        assert isinstance(error, ProviderError), error
        assert len(server.requests) == 1
    return error


async def test_a_call_is_one_request_in_the_format_with_the_key(key):
    with OpenAIServer() as server:
        answer = await ask(server.url, key, parameters={"temperature": 0, "max_tokens": 5})
        (request,) = server.requests
    assert (answer.text, answer.usage) == ("Paris", Usage(7, 1))
    assert (request.method, request.path) == ("POST", "/v1/chat/completions")
    assert request.headers["authorization"] == f"Bearer {SECRET}"
    assert request.headers["accept-encoding"] == "identity"
    assert request.body == {
        "model": "m",
        "messages": [
            {"role": "system", "content": "be short"},
            {"role": "user", "content": "capital of France?"},
        ],
        "max_tokens": 5,
        "temperature": 0,
    }


async def test_without_a_secret_no_key_is_sent():
    with OpenAIServer() as server:
        await ask(server.url + "/")
        (request,) = server.requests
    assert "authorization" not in request.headers
    assert request.path == "/v1/chat/completions"


async def test_a_secret_that_is_missing_sends_nothing():
    with OpenAIServer() as server:
        error = await ask(server.url, "env:D_NO_SUCH_KEY")
        assert (error.kind, error.final) == ("missing_secret", True)
        assert server.connections == 0


@pytest.mark.parametrize("status", [400, 401, 403, 404, 422])
async def test_a_refusal_is_final(status):
    error = await failure(Reply(status=status))
    assert (error.kind, error.final) == ("refused", True)
    assert f"status {status}: scripted {status}" in error.got


async def test_a_prompt_that_does_not_fit_is_too_long():
    body = json.dumps({"error": {"code": "context_length_exceeded", "message": "8192"}}).encode()
    error = await failure(Reply(status=400, body=body))
    assert (error.kind, error.final) == ("too_long", True)


async def test_a_redirect_is_refused_and_not_followed():
    with OpenAIServer() as other:
        location = ("Location", other.url + "/chat/completions")
        error = await failure(Reply(status=307, headers=(location,)))
        assert other.connections == 0
    assert (error.kind, error.final) == ("refused", True)


async def test_too_many_requests_may_be_asked_again_without_a_wish():
    error = await failure(Reply(status=429))
    assert (error.kind, error.final, error.retry_after_ms) == ("rate_limited", False, None)


@pytest.mark.parametrize(
    ("headers", "wish"),
    [
        ((("Retry-After", "7"),), 7000),
        ((("retry-after-ms", "250"), ("Retry-After", "7")), 250),
        (
            (
                ("Date", "Thu, 01 Jan 2026 12:00:00 GMT"),
                ("Retry-After", "Thu, 01 Jan 2026 12:00:09 GMT"),
            ),
            9000,
        ),
    ],
)
@pytest.mark.parametrize("status", [429, 503])
async def test_the_providers_wish_is_handed_on(status, headers, wish):
    error = await failure(Reply(status=status, headers=headers))
    assert error.retry_after_ms == wish


async def test_a_date_without_the_servers_own_is_counted_from_now():
    date = format_datetime(datetime.now(UTC) + timedelta(seconds=30), usegmt=True)
    error = await failure(Reply(status=429, headers=(("Retry-After", date),)))
    assert 28_000 <= error.retry_after_ms <= 30_000


@pytest.mark.parametrize("status", [500, 502, 503, 529])
async def test_a_broken_server_may_be_asked_again(status):
    error = await failure(Reply(status=status))
    assert (error.kind, error.final) == ("unavailable", False)


@pytest.mark.parametrize(
    "reply",
    [
        Reply(body=b"<html>hello</html>"),
        Reply(body=b""),
        Reply(body=b'{"choices": []}'),
        Reply(status=204, body=b""),
        Reply(usage={"prompt_tokens": -1}),
        Reply(body=b"\x1f\x8b", headers=(("Content-Encoding", "gzip"),)),
    ],
)
async def test_what_is_not_the_format_is_garbage(reply):
    error = await failure(reply)
    assert (error.kind, error.final) == ("garbage", False)


@pytest.mark.parametrize(
    "reply", [Reply(cut=20), Reply(cut=0), Reply(raw=b""), Reply(raw=b"SSH-2.0-OpenSSH_9\r\n\r\n")]
)
async def test_an_answer_that_is_cut_or_no_http_is_unavailable(reply):
    error = await failure(reply)
    assert (error.kind, error.final) == ("unavailable", False)


async def test_a_failure_whose_own_words_are_cut_keeps_its_kind():
    error = await failure(Reply(status=429, cut=5, headers=(("Retry-After", "1"),)))
    assert (error.kind, error.retry_after_ms) == ("rate_limited", 1000)


async def test_nobody_who_listens_is_unavailable():
    error = await ask(refused_url())
    assert (error.kind, error.final) == ("unavailable", False)


async def test_only_a_call_that_may_have_been_worked_on_may_be_charged():
    assert (await ask(refused_url())).unbilled
    assert (await failure(Reply(status=503))).unbilled
    assert not (await failure(Reply(cut=20))).unbilled
    assert not (await failure(Reply(delay_ms=30_000), timeout_seconds=0.3)).unbilled


@pytest.mark.parametrize(
    "reply",
    [Reply(delay_ms=30_000), Reply(header_pause_ms=200), Reply(body_pause_ms=30_000)],
    ids=["silence", "slow head", "slow body"],
)
async def test_the_time_limit_covers_the_whole_answer(reply):
    started = time.perf_counter()
    error = await failure(reply, timeout_seconds=0.3)
    assert (error.kind, error.final) == ("timeout", False)
    assert time.perf_counter() - started < 3


async def test_a_body_without_an_end_is_not_read_on():
    error = await failure(Reply(endless=True), timeout_seconds=30)
    assert (error.kind, error.got) == ("garbage", "a body of more than 10000000 bytes")


async def test_a_failures_body_without_an_end_is_not_read_on():
    error = await failure(Reply(status=500, endless=True), timeout_seconds=30)
    assert error.kind == "unavailable"
    assert len(str(error)) < 1000


async def test_a_grammar_is_refused_before_anything_is_sent():
    with OpenAIServer() as server:
        error = await ask(server.url, parameters={"grammar": 'root ::= "x"'})
        assert (error.kind, error.final, error.got) == ("refused", True, "grammar")
        assert server.connections == 0


async def test_what_json_cannot_carry_is_refused_before_anything_is_sent():
    with OpenAIServer() as server:
        error = await ask(server.url, parameters={"seed": 2**70})
        assert (error.kind, error.final) == ("refused", True)
        assert server.connections == 0


@pytest.mark.parametrize(
    "reply",
    [
        Reply(status=401, body=json.dumps({"error": {"message": f"bad key {SECRET}"}}).encode()),
        Reply(status=500, body=f"Authorization: Bearer {SECRET}".encode()),
        Reply(status=500, headers=(("X-Echo", SECRET),)),
        Reply(raw=f"Bearer {SECRET}\r\n\r\n".encode()),
        Reply(body=SECRET.encode()),
        Reply(cut=3),
    ],
)
async def test_the_secret_is_in_no_error_log_or_repr(reply, key, caplog):
    caplog.set_level(logging.DEBUG)
    with OpenAIServer(reply) as server:
        provider = provider_for(ModelEntry("openai", "m", base_url=server.url, secret=key))
        with pytest.raises(ProviderError) as caught:
            await provider.complete(Call("m", ASKED))
        assert server.requests[0].headers["authorization"] == f"Bearer {SECRET}"
        # httpcore's own debug lines hold what the server sends, never what we do.
        logged = [one.getMessage() for one in caplog.records if "receive" not in one.getMessage()]
        for text in (str(caught.value), repr(caught.value), repr(provider), *logged):
            assert SECRET not in text
        await provider.close()


async def test_the_secret_is_no_local_variable_of_a_traceback(key):
    error = await failure(Reply(status=500), secret=key)
    frames = list(traceback.walk_tb(error.__traceback__))
    ours = [frame for frame, _ in frames if "llm_research_lab" in frame.f_code.co_filename]
    assert ours
    assert not [frame for frame in ours if SECRET in repr(frame.f_locals)]


async def test_a_rotated_key_is_taken_after_a_401(key, tmp_path):
    with OpenAIServer(Reply(status=401), Reply()) as server:
        provider = provider_for(ModelEntry("openai", "m", base_url=server.url, secret=key))
        with pytest.raises(ProviderError):
            await provider.complete(Call("m", ASKED))
        (tmp_path / "key").write_text("sk-new")
        await provider.complete(Call("m", ASKED))
        assert server.requests[1].headers["authorization"] == "Bearer sk-new"
        await provider.close()


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
async def test_a_proxy_of_the_environment_is_not_asked_for_loopback(host, monkeypatch):
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, refused_url())
    with OpenAIServer() as server:
        assert (await ask(server.url.replace("127.0.0.1", host))).text == "Paris"


async def test_a_proxy_of_the_environment_is_asked_for_the_rest(monkeypatch):
    with OpenAIServer(Reply(text="by proxy")) as proxy:
        monkeypatch.setenv("HTTP_PROXY", proxy.url.removesuffix("/v1"))
        assert (await ask("http://models.invalid/v1")).text == "by proxy"
        assert proxy.requests[0].path == "http://models.invalid/v1/chat/completions"


async def test_connections_are_kept_for_the_next_call():
    with OpenAIServer() as server:
        provider = provider_for(ModelEntry("openai", "m", base_url=server.url))
        for _ in range(5):
            await provider.complete(Call("m", ASKED))
        assert (len(server.requests), server.connections) == (5, 1)
        await provider.close()


async def test_a_cancelled_call_leaves_the_server():
    with OpenAIServer(Reply(delay_ms=30_000)) as server:
        task = asyncio.create_task(ask(server.url))
        async with asyncio.timeout(5):
            while not server.requests:  # noqa: ASYNC110 - it runs in a thread of its own
                await asyncio.sleep(0.01)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        async with asyncio.timeout(5):
            while not server.dropped:  # noqa: ASYNC110 - the same
                await asyncio.sleep(0.01)
