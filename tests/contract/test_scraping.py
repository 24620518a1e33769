"""Scraping: loops over a real HTTP server, into the store's twin."""

import asyncio
import base64
import json
import shutil
import ssl
import subprocess
from contextlib import asynccontextmanager
from dataclasses import replace
from itertools import pairwise

import pytest
from tests.servers.absent import absent
from tests.servers.exposition_server import exposition

from llm_research_lab.scrape.configuration import read_configuration
from llm_research_lab.scrape.fetching import Fetcher, FetchError
from llm_research_lab.scrape.jobs import Configuration, Credentials, Files, Group, Job, Tls
from llm_research_lab.scrape.scraping import Scraper, Setting, next_due
from llm_research_lab.scrape.targets import Target
from llm_research_lab.storage.timeseries import MemorySeries
from llm_research_lab.vocabulary import UnavailableError
from llm_research_lab.vocabulary.matchers import Matcher

FOREVER = 1 << 60


@pytest.fixture
def target():
    with exposition() as exposed:
        yield exposed


class Run:
    """A scraper with its store, and the scrapes so far in a queue."""

    def __init__(self, store=None):
        self.store = MemorySeries() if store is None else store
        self.queue = asyncio.Queue()
        self.scraper = Scraper(Setting(self.store, observe=self.queue.put_nowait))

    async def apply(self, *jobs):
        await self.scraper.apply(Configuration(jobs=jobs))

    async def next(self, accepts=lambda _: True):
        while True:
            one = await asyncio.wait_for(self.queue.get(), 10)
            if accepts(one):
                return one

    def samples(self, name, **labels):
        matchers = [Matcher("__name__", "=", name)]
        matchers += [Matcher(key, "=", value) for key, value in labels.items()]
        found = []
        for columns in self.store.select(matchers, -FOREVER, FOREVER):
            stale = None if columns.stale is None else columns.stale[0].tolist()
            values = columns.values[0].tolist()
            marks = [False] * len(values) if stale is None else stale
            found += ["stale" if mark else one for one, mark in zip(values, marks, strict=True)]
        return found


@asynccontextmanager
async def running(*jobs, store=None):
    run = Run(store)
    try:
        await run.apply(*jobs)
        yield run
    finally:
        await run.scraper.stop()


def job(*addresses, **given):
    fields = {"name": "j", "interval_ms": 100, "timeout_ms": 90, "groups": (Group(addresses),)}
    return Job(**{**fields, **given})


async def test_a_target_is_scraped_on_and_on_at_its_phase(target):
    async with running(job(target.address, align=True)) as run:
        times = [(await run.next()).time_ms for _ in range(3)]
        assert all(one < two for one, two in pairwise(times))
        assert run.samples("a", job="j", instance=target.address)[:2] == [1, 1]
        assert run.samples("up")[:2] == [1, 1]
        (shown,) = run.scraper.targets()
    assert shown["health"] == "up"
    assert shown["scrapeUrl"] == f"http://{target.address}/metrics"
    assert shown["lastScrape"] > "2000"
    assert target.seen[0][1]["Accept"].startswith("application/openmetrics-text")
    assert target.seen[0][1]["X-Prometheus-Scrape-Timeout-Seconds"] == "0.09"


def test_a_target_is_due_at_its_offset_once():
    one = Target((), "", 1_000, 500, 300)
    assert next_due(one, 5_000, None) == 5_300
    assert next_due(one, 5_300, None) == 5_300
    assert next_due(one, 5_300, 5_300) == 6_300
    assert next_due(one, 5_301, 5_300) == 6_300


async def test_a_series_that_vanishes_and_a_target_that_fails_leave_markers(target):
    target.body = b"a 1\nb 1\n"
    async with running(job(target.address)) as run:
        await run.next()
        target.body = b"a 1\n"
        await run.next(lambda one: one.counts.kept == 1)
        assert run.samples("b")[-1] == "stale"
        target.status = 500
        failed = await run.next(lambda one: one.error)
        assert "500" in failed.error
        assert run.samples("a")[-1] == "stale"
        assert run.samples("up")[-1] == 0
        (shown,) = run.scraper.targets()
        assert shown["health"] == "down"
        assert "500" in shown["lastError"]
        target.status = 200
        await run.next(lambda one: not one.error)
        assert run.samples("a")[-1] == 1


async def test_a_target_that_goes_leaves_markers_and_a_stopped_scraper_leaves_none(target):
    async with running(job(target.address)) as run:
        await run.next()
        await run.apply()
        assert run.samples("a")[-1] == "stale"
        assert run.samples("up")[-1] == "stale"
        assert run.scraper.targets() == []
        await run.apply(job(target.address))
        await run.next(lambda one: not one.error)
    assert run.samples("a")[-1] == 1


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"wait_seconds": 0.3}, "within 0.09 s"),
        ({"body": b"a one\n"}, "1:3"),
        ({"body": b"a 1\n" * 1_000}, "body_size_limit"),
        ({"status": 404}, "404"),
    ],
)
async def test_what_fails_a_scrape_is_told(target, change, word):
    for name, value in change.items():
        setattr(target, name, value)
    with_bound = job(target.address, bounds=replace(job().bounds, body_bytes=2_000))
    async with running(with_bound) as run:
        assert word in (await run.next()).error


async def test_a_target_that_is_not_there_fails_and_a_bad_address_too():
    async with running(job("127.0.0.1:1", "a b:1")) as run:
        first, second = await run.next(), await run.next()
        assert first.error
        assert second.error
        assert run.samples("up", instance="127.0.0.1:1")[0] == 0


async def test_more_targets_than_the_bound_are_all_refused(target):
    bounds = replace(job().bounds, targets=1)
    async with running(job(target.address, "127.0.0.1:1", bounds=bounds)) as run:
        assert "target_limit" in (await run.next()).error
        assert target.seen == []


async def test_we_prove_ourselves_and_a_secrets_file_is_read_at_each_scrape(target, tmp_path):
    secret = tmp_path / "secret"
    secret.write_text("one\n")
    basic = Credentials("Basic", "u", "p")
    bearer = Credentials("Bearer", secret_file=str(secret))
    async with running(job(target.address, credentials=basic, headers=(("X-A", "b"),))) as run:
        await run.next()
        told = target.seen[-1][1]
        assert told["Authorization"] == "Basic " + base64.b64encode(b"u:p").decode()
        assert told["X-A"] == "b"
        await run.apply(job(target.address, credentials=bearer))
        await run.next(lambda _: target.seen[-1][1]["Authorization"] == "Bearer one")
        secret.write_text("two")
        await run.next(lambda _: target.seen[-1][1]["Authorization"] == "Bearer two")
        secret.unlink()
        assert "secret" in (await run.next(lambda one: one.error)).error


async def test_a_redirect_is_followed_unless_the_job_says_no(target):
    target.location = "/other"
    async with running(job(target.address)) as run:
        assert (await run.next()).error is None
        await run.apply(job(target.address, follow_redirects=False, compression=False))
        assert "302" in (await run.next(lambda one: one.error)).error
        assert target.seen[-1][1]["Accept-Encoding"] == "identity"


async def test_a_changed_job_goes_on_without_a_gap(target):
    async with running(job(target.address)) as run:
        await run.next()
        before = run.scraper.targets()[0]["lastScrape"]
        await run.apply(job(target.address))
        assert run.scraper.targets()[0]["lastScrape"] >= before
        await run.apply(job(target.address, interval_ms=50, timeout_ms=50, honor_labels=True))
        await run.next(lambda one: one.target.interval_ms == 50)
        assert "stale" not in run.samples("a")
        assert "stale" not in run.samples("up")


async def test_a_file_of_targets_is_followed(target, tmp_path):
    file, other = tmp_path / "t.json", tmp_path / "other"
    file.write_text("[]")
    watched = job(files=(Files((str(file),), 20),), groups=())
    async with running(watched) as run:
        assert run.scraper.targets() == []
        other.write_text(json.dumps([{"targets": [target.address, "x/y"], "labels": {"l": "m"}}]))
        other.replace(file)
        assert (await run.next()).target.labels[2] == ("l", "m")
        assert "x/y" in run.scraper.errors()[0]
        assert run.scraper.targets()[0]["discoveredLabels"]["__meta_filepath"] == str(file)
        other.write_text("[{]")
        other.replace(file)
        while not any("t.json" in one for one in run.scraper.errors()):
            await run.next()
        file.unlink()
        while run.scraper.targets():  # noqa: ASYNC110 - nothing tells of it
            await asyncio.sleep(0.01)
        assert run.samples("a")[-1] == "stale"


async def test_a_store_that_refuses_ends_no_loop(target):
    class Full(MemorySeries):
        def append(self, _batch):
            raise UnavailableError("disk", "room", "none", "make room")

    async with running(job(target.address), store=Full()) as run:
        for _ in range(2):
            assert "disk" in (await run.next()).refused


async def test_metadata_and_dropped_targets_are_shown(target):
    target.body = b"# TYPE a counter\n# HELP a h\n# HELP b only\na 1\n"
    text = f"""
scrape_configs:
- job_name: j
  scrape_interval: 100ms
  static_configs: [{{targets: ["{target.address}", "drop:1"]}}]
  relabel_configs: [{{source_labels: [__address__], regex: drop.*, action: drop}}]
"""
    configuration, _ = read_configuration(text)
    async with running(*configuration.jobs) as run:
        await run.next()
        assert run.scraper.metadata() == {
            "a": [{"type": "counter", "help": "h", "unit": ""}],
            "b": [{"type": "unknown", "help": "only", "unit": ""}],
        }
        (dropped,) = run.scraper.dropped()
        assert dropped["discoveredLabels"]["__address__"] == "drop:1"


async def test_a_missing_certificate_changes_nothing(target):
    async with running(job(target.address)) as run:
        with pytest.raises(OSError, match="No such file"):
            await run.apply(job(target.address, tls=Tls(ca_file="/nowhere")))
        assert (await run.next()).error is None


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    """A certificate of its own for the name `lab`, and its key."""
    openssl = shutil.which("openssl")
    if openssl is None:
        absent("openssl is not here: `apt-get install openssl`")
    directory = tmp_path_factory.mktemp("tls")
    cert, key = directory / "cert.pem", directory / "key.pem"
    options = (
        "req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=lab -addext subjectAltName=DNS:lab"
    )
    subprocess.run(
        [openssl, *options.split(), "-keyout", key, "-out", cert], check=True, capture_output=True
    )
    return str(cert), str(key)


async def test_a_certificate_is_checked_against_the_files_and_the_name(certificate):
    cert, key = certificate
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=cert)
    context.load_cert_chain(cert, key)
    context.verify_mode = ssl.CERT_REQUIRED
    ours = Tls(ca_file=cert, cert_file=cert, key_file=key, server_name="lab")
    slow = {"scheme": "https", "interval_ms": 2_000, "timeout_ms": 2_000, "align": True}
    with exposition(context) as target:
        for tls, works in [
            (ours, True),
            (replace(ours, server_name="other"), False),
            (replace(ours, server_name="", insecure_skip_verify=True), True),
            (replace(ours, ca_file=""), False),
            (replace(ours, cert_file=""), False),
        ]:
            fetcher = Fetcher(job(target.address, tls=tls, **slow))
            asked = Target((), f"https://{target.address}/metrics", 2_000, 2_000, 0)
            try:
                if works:
                    assert (await fetcher.fetch(asked)).body == b"a 1\n"
                else:
                    with pytest.raises(FetchError):
                        await fetcher.fetch(asked)
            finally:
                await fetcher.close()
