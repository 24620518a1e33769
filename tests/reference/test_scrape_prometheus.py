"""The same targets, by the same prometheus.yml, scraped by us and by the real Prometheus."""

import asyncio
import math
import subprocess
import time
from itertools import groupby

from tests.servers.exposition_server import TEXT, exposition
from tests.servers.prometheus_server import found, prometheus

from llm_research_lab.scrape.configuration import read_configuration
from llm_research_lab.scrape.remote import ReadQuery, decode_read_response, encode_read
from llm_research_lab.scrape.scraping import Scraper, Setting
from llm_research_lab.storage.timeseries import MemorySeries
from llm_research_lab.vocabulary.labels import label
from llm_research_lab.vocabulary.matchers import Matcher

OM = "application/openmetrics-text; version=1.0.0; charset=utf-8"

TEXTS = {
    "plain": 'a 1\nb{x="1"} 2.5\nc{x="1",y="ü\\n\\"\\\\"} -3e-7\nd{} +Inf\ne NaN\nf -Inf\n',
    "lead_blank": " a 1\n",
    "lead_tab": '\ta{x="1"} 1\n',
    "mid_blanks": "a  \t 2\n",
    "mid_blanks_labels": 'a{x="1"} \t 2\n',
    "brace_blank": 'c {x="1"} 3\n',
    "inner_blanks": 'c{ x = "1" , y="2" ,} 3\n',
    "empty_line": "\n\na 1\n\n",
    "blank_line": "a 1\n \n",
    "no_comma": 'd{x="1" y="2"} 4\n',
    "two_commas": 'd{x="1",,} 4\n',
    "end_blank": "a 1 \na 1 5 \n",
    "comments": "# x\n#\n#HELP\n# HELP a\n# TYPE a gauge\na 1\n# HELP a b c\n# TYPE\n",
    "unfinished": "a 1",
    "attached": 'a{x="1"}2\n',
    "empty": "",
    "empty_value": 'a{x=""} 1\n',
    "conflict": 'a{job="x",instance="y",exported_job="z"} 1\n',
    "empty_job": 'a{job=""} 1\n',
    "twice": "a 1\na 2\n",
    "escape": 'a{x="\\q\\n"} 1\n',
    "hash": 'a{x="# {}"} 1\n',
    "colons": "a:b:c 1\n:d 2\n",
    "typeless": "# TYPE a thing\na 1\n",
    "no_value": "a\n",
    "bad_value": "a 1_0\n",
    "nan_sign": "a +nan\n",
    "hexadecimal": "a 0x1p3\n",
    "overflow": "a 1e999\n",
    "carriage": "a 1\r\n",
    "bad_time": "a 1 1.5\n",
    "extra": "a 1 1 1\n",
    "digit": "1a 1\n",
    "dash": "a-b 1\n",
    "label_twice": 'a{x="1",x="2"} 1\n',
    "unclosed": 'a{x="1" 1\n',
    "unquoted": "a{x=1} 1\n",
    "late_error": "a 1\nb 2\nc d\n",
    "dropped": "dropped 1\na 2\n",
    "many": "".join(f'a{{x="{index}"}} {index}\n' for index in range(60)),
    "long_label": 'a{x="' + "y" * 101 + '"} 1\n',
    "many_labels": "a{" + ",".join(f'l{index}="1"' for index in range(12)) + "} 1\n",
}

OPENMETRICS = {
    "om": '# TYPE a counter\n# UNIT b_s s\n# HELP a x\na_total 1\na_created 5\nb_s{x="1"} 2\n# EOF\n',
    "om_exemplar": 'a_bucket{le="1"} 3 # {t="1"} 0.5\na_bucket{le="2"} 3 # {} 0.5 1.25\n# EOF\n',
    "om_no_end": "a 1\n",
    "om_after": "# EOF\na 1\n",
    "om_blank": "\n# EOF\n",
    "om_comment": "# x\n# EOF\n",
    "om_blanks": "a  1\n# EOF\n",
    "om_trailing": "a 1 \n# EOF\n",
    "om_untyped": "# TYPE a untyped\n# EOF\n",
    "om_unit": "# UNIT a s\na 1\n# EOF\n",
    "om_commas": 'a{x="1" y="2"} 1\n# EOF\n',
    "om_comma": 'a{x="1",} 1\n# EOF\n',
    "om_space": 'a{x="1", y="2"} 1\n# EOF\n',
    "om_bad_exemplar": 'a_bucket{le="1"} 3 # {t="1"}\n# EOF\n',
    "om_tail": 'a 1 # {t="1"} 1 1 1\n# EOF\n',
    "om_infinite": "a 1 +Inf\n# EOF\n",
    "om_no_newline": "a 1\n# EOF",
}

RULES = "[{source_labels: [__name__], regex: dropped, action: drop}]"
LIMITS = "sample_limit: 50, label_limit: 10, label_value_length_limit: 100"
REFUSED_LATER = {"lead_blank", "lead_tab"}
"""Prometheus reads these, counts them, and then finds a name that begins with a blank."""
REPORTS = {"up", "scrape_samples_scraped", "scrape_samples_post_metric_relabeling"}


def configured(address):
    jobs = []
    for job, more in (("theirs", "honor_labels: true"), ("ours", "honor_labels: false")):
        groups = [
            f"{{targets: ['{address}'], labels: {{__metrics_path__: /{case}, case: {case}}}}}"
            for case in (*TEXTS, *OPENMETRICS)
        ]
        jobs.append(
            f"- {{job_name: {job}, scrape_interval: 3s, {more}, {LIMITS}, "
            f"metric_relabel_configs: {RULES}, static_configs: [{', '.join(groups)}]}}"
        )
    return "global: {evaluation_interval: 1h}\nscrape_configs:\n" + "\n".join(jobs)


def comparable(columns):
    """By labels the first value of each series; a report but that of series added and of time."""
    got = {}
    for one in columns:
        for row, labels in enumerate(one.labels):
            name = label(labels, "__name__")
            if name.startswith("scrape_") and (
                name not in REPORTS or label(labels, "case") in REFUSED_LATER
            ):
                continue
            got[labels] = one.values[row, 0]
    return got


def ours(text):
    async def run():
        store = MemorySeries()
        seen = set()
        done = asyncio.Event()

        def observe(observed):
            seen.add(observed.target)
            if len(seen) == 2 * (len(TEXTS) + len(OPENMETRICS)):
                done.set()

        configuration, findings = read_configuration(text)
        assert findings == ()
        scraper = Scraper(Setting(store, observe=observe))
        await scraper.apply(configuration)
        try:
            await asyncio.wait_for(done.wait(), 30)
        finally:
            await scraper.stop()
        return comparable(store.select([Matcher("case", "!=", "")], -(1 << 60), 1 << 60))

    return asyncio.run(run())


def read_from(server, matcher):
    """All samples of the series that the matcher accepts, by remote read."""
    query = ReadQuery((matcher,), 0, int(time.time() * 1000) + 600_000)
    answer = server.client.post(
        f"{server.url}/api/v1/read",
        content=encode_read([query]),
        headers={"Content-Encoding": "snappy", "X-Prometheus-Remote-Read-Version": "0.1.0"},
    )
    assert answer.status_code == 200, answer.text
    (columns,) = decode_read_response(answer.content)
    return columns


def theirs(text, directory):
    """What Prometheus has when each target was scraped."""
    with prometheus(directory, text) as server:
        for _ in range(30):
            time.sleep(0.5)
            columns = read_from(server, Matcher("case", "!=", ""))
            got = comparable(columns)
            if sum(label(one, "__name__") == "up" for one in got) == 2 * (
                len(TEXTS) + len(OPENMETRICS)
            ):
                return got
    raise AssertionError("not all targets were scraped")


def test_what_is_stored_is_what_the_real_prometheus_stores(tmp_path):
    found("prometheus")
    with exposition() as target:
        target.paths = {
            **{f"/{case}": (body.encode(), TEXT) for case, body in TEXTS.items()},
            **{f"/{case}": (body.encode(), OM) for case, body in OPENMETRICS.items()},
        }
        text = configured(target.address)
        right, got = theirs(text, tmp_path / "p"), ours(text)
    different = {
        labels: (got.get(labels), right.get(labels))
        for labels in {*got, *right}
        if not same(got.get(labels), right.get(labels))
    }
    shown = "\n".join(f"{dict(labels)}: {pair}" for labels, pair in sorted(different.items()))
    assert not different, f"ours, theirs:\n{shown}"


PHASES = [
    (b"a 1\nb 1\nown 1 %d\n", 200),
    (b"a 1\n", 200),
    (b"a 2\nb 2\n", 200),
    (b"a 3\n", 500),
    (b"a 4\nc one\n", 200),
    (b"a 5\nc 1\n", 200),
]


async def through_phases(target, text, store):
    """Scrape while the target changes, two intervals and more each time."""
    configuration, _ = read_configuration(text)
    scraper = Scraper(Setting(store))
    for index, (body, status) in enumerate(PHASES):
        target.body = body % int(time.time() * 1000) if b"%d" in body else body
        target.status = status
        if index == 0:
            await scraper.apply(configuration)
        await asyncio.sleep(1.3)
    await scraper.stop()


def story(columns):
    """By name and labels the values in order, each run of equal ones once."""
    found = {}
    for one in columns:
        for row, labels in enumerate(one.labels):
            if label(labels, "__name__") in {"scrape_duration_seconds", "scrape_series_added"}:
                continue
            values = one.values[row].tolist()
            stale = [False] * len(values) if one.stale is None else one.stale[row].tolist()
            shown = ["stale" if mark else value for value, mark in zip(values, stale, strict=True)]
            found[labels] = [value for value, _ in groupby(shown)]
    return found


def test_series_end_where_the_real_prometheus_ends_them(tmp_path):
    found("prometheus")
    store = MemorySeries()
    with exposition() as target:
        target.body, target.status = PHASES[0][0] % int(time.time() * 1000), 200
        text = (
            "scrape_configs:\n- {job_name: j, scrape_interval: 500ms, "
            f"static_configs: [{{targets: ['{target.address}']}}]}}\n"
        )
        with prometheus(tmp_path / "p", text) as server:
            end = time.monotonic() + 20  # its discovery takes five seconds to tell its scraper
            while not target.seen and time.monotonic() < end:
                time.sleep(0.05)
            asyncio.run(through_phases(target, text, store))
            right = story(read_from(server, Matcher("job", "=", "j")))
    got = story(store.select([Matcher("job", "=", "j")], -(1 << 60), 1 << 60))
    assert got == right
    ends = next(values for labels, values in got.items() if label(labels, "__name__") == "a")
    assert ends == [1, 2, "stale", 5]


def same(one, two):
    if one is None or two is None:
        return one is two
    return one == two or (math.isnan(one) and math.isnan(two))


def test_promtool_takes_the_files_that_we_take(tmp_path):
    promtool = found("promtool")
    for index, (text, good) in enumerate(CONFIGURATIONS):
        path = tmp_path / f"{index}.yml"
        path.write_text(text)
        answer = subprocess.run(
            [promtool, "check", "config", "--syntax-only", path],
            check=False,
            capture_output=True,
            text=True,
        )
        configuration, findings = read_configuration(text, str(tmp_path))
        assert (configuration is not None) == good, (text, findings)
        assert (answer.returncode == 0) == good, (text, answer.stderr)


CONFIGURATIONS = [
    ("global: {scrape_interval: 15s, external_labels: {a: 1}}", True),
    ("scrape_configs: [{job_name: a, scrape_timeout: 2m}]", False),
    ("scrape_configs: [{job_name: a}, {job_name: a}]", False),
    ("scrape_configs: [{job_name: a, relabel_configs: [{regex: '('}]}]", False),
    (
        "scrape_configs: [{job_name: a, relabel_configs: [{action: hashmod, target_label: b}]}]",
        False,
    ),
    (
        "scrape_configs: [{job_name: a, relabel_configs: [{action: labelmap, regex: 'x_(.*)'}]}]",
        True,
    ),
    ("scrape_configs: [{job_name: a, relabel_configs: [{action: KEEP, regex: 1}]}]", True),
    ("scrape_configs: [{job_name: a, basic_auth: {username: a}, bearer_token: b}]", False),
    ("scrape_configs: [{job_name: a, body_size_limit: 10MB}]", True),
    ("scrape_configs: [{job_name: a, body_size_limit: ten}]", False),
    ("scrape_configs: [{job_name: a, dns_sd_configs: [{names: [b], type: A}]}]", False),
    ("scrape_configs: [{job_name: a, file_sd_configs: [{files: [b.txt]}]}]", False),
    ("scrape_configs: [{job_name: a, file_sd_configs: [{files: ['b/*.json']}]}]", True),
    ("# lab: align_scrapes: true\nscrape_configs: [{job_name: a}]", True),
    ("nonsense: 1", False),
]
