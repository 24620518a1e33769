"""prometheus.yml."""

import pytest

from llm_research_lab.scrape.configuration import read_configuration
from llm_research_lab.scrape.jobs import Bounds, Credentials, Files, Group, Names, Tls
from llm_research_lab.scrape.relabel import Relabel

WHOLE = """
global:
  scrape_interval: 30s
  scrape_timeout: 20s
  evaluation_interval: 15s
  rule_query_offset: 1s
  external_labels: {replica: 1, on: true}
  sample_limit: 7
rule_files: [rules/*.yml, /abs.yml]
alerting:
  alertmanagers: [{static_configs: [{targets: [a:9093]}]}]
remote_write: [{url: http://x}]
# lab: align_scrapes: true
scrape_configs:
  - job_name: plain
    static_configs: [{targets: ["a:1", "b:2"], labels: {x: y}}, {targets: [c:3]}]
  - job_name: full
    # lab: align_scrapes: false
    scrape_interval: 10s
    metrics_path: /m
    scheme: https
    params: {module: [a, b]}
    honor_labels: true
    honor_timestamps: false
    follow_redirects: false
    enable_compression: false
    body_size_limit: 10MB
    sample_limit: 1
    label_limit: 2
    label_name_length_limit: 3
    label_value_length_limit: 4
    target_limit: 5
    basic_auth: {username: u, password_file: p}
    tls_config: {ca_file: ca, cert_file: /c, key_file: k, server_name: s, insecure_skip_verify: true}
    http_headers: {X-A: {values: [b, c]}}
    relabel_configs:
      - {source_labels: [a, b], separator: "-", regex: 1, target_label: t, replacement: $1, action: Replace}
    metric_relabel_configs: [{action: hashmod, modulus: 2, target_label: t}]
    file_sd_configs: [{files: [t/*.json, u.yml], refresh_interval: 1m}]
    dns_sd_configs: [{names: [a.b]}, {names: [c], type: A, port: 80, refresh_interval: 5s}]
    kubernetes_sd_configs: [{role: pod}]
"""


def read(text):
    configuration, findings = read_configuration(text, "/etc/p")
    return configuration, [(one.where, one.law) for one in findings]


def test_a_whole_file_is_read_and_what_is_ignored_is_said():
    got, findings = read(WHOLE)
    assert [law for _, law in findings] == ["ignored"] * 3
    assert "11:3" in dict(findings)
    assert got.scrape_interval_ms == 30_000
    assert got.evaluation_interval_ms == 15_000
    assert got.query_offset_ms == 1_000
    assert got.external_labels == (("on", "true"), ("replica", "1"))
    assert got.rule_files == ("/etc/p/rules/*.yml", "/abs.yml")
    plain, full = got.jobs
    assert (plain.interval_ms, plain.timeout_ms, plain.align) == (30_000, 20_000, True)
    assert plain.groups == (Group(("a:1", "b:2"), (("x", "y"),), "0"), Group(("c:3",), (), "1"))
    assert plain.bounds == Bounds(samples=7)
    assert (full.interval_ms, full.timeout_ms, full.align) == (10_000, 10_000, False)
    assert (full.path, full.scheme, full.params) == ("/m", "https", (("module", ("a", "b")),))
    assert full.honor_labels
    assert (full.honor_timestamps, full.follow_redirects, full.compression) == (False,) * 3
    assert full.bounds == Bounds(10 << 20, 1, 2, 3, 4, 5)
    assert full.credentials == Credentials("Basic", "u", "", "/etc/p/p")
    assert full.tls == Tls("/etc/p/ca", "/c", "/etc/p/k", "s", insecure_skip_verify=True)
    assert full.headers == (("X-A", "b"), ("X-A", "c"))
    assert full.rules == (Relabel("replace", ("a", "b"), "-", "1", 0, "t", "$1"),)
    assert full.metric_rules == (Relabel("hashmod", modulus=2, target_label="t"),)
    assert full.files == (Files(("/etc/p/t/*.json", "/etc/p/u.yml"), 60_000),)
    assert full.names == (Names(("a.b",)), Names(("c",), "A", 80, 5_000))


def test_an_empty_file_asks_for_nothing():
    for text in ("", b"# nothing\n", "global:\nscrape_configs:\nrule_files:\n"):
        got, findings = read(text)
        assert (got.jobs, got.scrape_interval_ms, findings) == ((), 60_000, [])


def test_a_timeout_that_is_not_given_is_no_longer_than_the_interval():
    job = read("scrape_configs: [{job_name: a, scrape_interval: 3s}]")[0].jobs[0]
    assert job.timeout_ms == 3_000


@pytest.mark.parametrize(
    ("stated", "expected"),
    [
        ("bearer_token: t", Credentials("Bearer", secret="t")),
        ("bearer_token_file: t", Credentials("Bearer", secret_file="/etc/p/t")),
        ("authorization: {credentials: t}", Credentials("Bearer", secret="t")),
        ("authorization: {type: X, credentials_file: t}", Credentials("X", secret_file="/etc/p/t")),
        ("basic_auth: {username: u, password: t}", Credentials("Basic", "u", "t")),
    ],
)
def test_credentials_are_of_one_kind_and_never_shown(stated, expected):
    got = read(f"scrape_configs:\n- job_name: a\n  {stated}")[0].jobs[0].credentials
    assert got == expected
    assert "secret='t'" not in repr(got)


@pytest.mark.parametrize(
    ("text", "where", "law"),
    [
        ("scrape_confgs: []", "1:1", "unknown-key"),
        ("- a", "1:1", "type"),
        ("a: [", "1:5", "yaml"),
        ("rule_files: x", "1:13", "type"),
        ("global: {external_labels: [a]}", "1:27", "type"),
        ("global: {external_labels: {a-b: c}}", "1:28", "label"),
        ("global: {external_labels: {a: [c]}}", "1:31", "type"),
        ("global: {scrape_interval: 1 minute}", "1:27", "duration"),
        ("global: {scrape_interval: 0s}", "1:27", "duration"),
        ("scrape_configs: [{}]", "1:18", "missing-key"),
        ('scrape_configs: [{job_name: ""}]', "1:29", "job_name"),
        ("scrape_configs: [{job_name: a}, {job_name: a}]", "1:44", "job_name"),
        ("scrape_configs: [{job_name: a, scrape_timeout: 2m}]", "1:48", "timeout"),
        ("scrape_configs: [{job_name: a, body_size_limit: 1X}]", "1:49", "size"),
        ("scrape_configs: [{job_name: a, params: [a]}]", "1:40", "type"),
        ("scrape_configs: [{job_name: a, http_headers: a}]", "1:46", "type"),
        ("scrape_configs: [{job_name: a, http_headers: {a: {files: [b]}}}]", "1:51", "refused"),
        ("scrape_configs: [{job_name: a, oauth2: {}}]", "1:32", "refused"),
        (
            "scrape_configs: [{job_name: a, basic_auth: {password: a, password_file: b}}]",
            "1:44",
            "form",
        ),
        ("scrape_configs: [{job_name: a, authorization: {type: basic}}]", "1:47", "form"),
        (
            "scrape_configs: [{job_name: a, authorization: {credentials: a, credentials_file: b}}]",
            "1:47",
            "form",
        ),
        (
            "scrape_configs: [{job_name: a, bearer_token: b, bearer_token_file: c}]",
            "1:18",
            "credentials",
        ),
        (
            "scrape_configs: [{job_name: a, relabel_configs: [{regex: (, target_label: b}]}]",
            "1:50",
            "form",
        ),
        (
            "scrape_configs: [{job_name: a, relabel_configs: [{action: kep}]}]",
            "1:59",
            "unknown-action",
        ),
        (
            'scrape_configs: [{job_name: a, relabel_configs: [{source_labels: [""]}]}]',
            "1:67",
            "label",
        ),
        ("scrape_configs: [{job_name: a, file_sd_configs: [{files: [a.txt]}]}]", "1:59", "files"),
        (
            "scrape_configs: [{job_name: a, file_sd_configs: [{files: ['*/a.yml']}]}]",
            "1:59",
            "files",
        ),
        (
            "scrape_configs: [{job_name: a, dns_sd_configs: [{names: [b], type: A}]}]",
            "1:49",
            "port",
        ),
        (
            "scrape_configs: [{job_name: a, dns_sd_configs: [{names: [b], type: MX}]}]",
            "1:68",
            "refused",
        ),
    ],
)
def test_what_prometheus_or_we_refuse_is_found_at_its_place(text, where, law):
    got, findings = read(text)
    assert got is None
    assert (where, law) in findings


def test_a_large_file_is_read():
    jobs = "".join(
        f"- {{job_name: j{index}, static_configs: [{{targets: [a]}}]}}\n" for index in range(2_000)
    )
    assert len(read("scrape_configs:\n" + jobs)[0].jobs) == 2_000
