"""What a user mistypes, or an attacker means, is refused in words: names, files, bodies, templates."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time

import pytest
from tests.servers.bad_days import ran, sow

LONG = "x" * 10_000
NAMES = [
    "../up",
    "..",
    ".",
    "a/b",
    "a\x00b",
    LONG,
    "",
    "-rf",
    "UPPER",
    "a b",
    "ü",
    "a\nb",
    "%2e%2e",
    "a?b#c",
]


def refusal(status, out, err):
    """Four lines of error and nothing else; or what is wrong with the words of the command."""
    assert "Traceback" not in err
    if status == 2:
        assert err.startswith("Usage: ")
        return " ".join(err.split())
    assert (status, out) == (1, ""), err
    parts = [line.split()[0] for line in err.splitlines() if line and not line.startswith(" ")]
    assert parts[:1] == ["error:"], err
    return " ".join(err.split())


@pytest.fixture
def csv(tmp_path):
    file = tmp_path / "rows.csv"
    file.write_text("a\n1\n")
    return str(file)


@pytest.mark.parametrize("name", NAMES, ids=[ascii(name)[:12] for name in NAMES])
@pytest.mark.parametrize("kind", ["dataset", "prompt", "model", "key"])
def test_a_name_that_is_none_is_refused_by_the_command_line(served, csv, tmp_path, kind, name):
    (tmp_path / "model.yaml").write_text("provider: echo\nid: echo\n")
    before = {path for path in served.directory.rglob("*") if path.name.startswith("..")}
    if kind == "key":
        refusal(*served.cli("key", "create", "--user", name, "--role", "viewer", "--", "k"))
        return
    what = {"dataset": [csv], "prompt": ["--text", "x"], "model": [str(tmp_path / "model.yaml")]}
    first, *rest = what[kind]
    options = [first, *rest] if kind == "prompt" else []
    files = [] if kind == "prompt" else [first]
    refusal(*served.cli(kind, "add", *options, "--", name, *files))
    refusal(*served.cli(kind, "show", "--", name))
    assert {path for path in served.directory.rglob("*") if path.name.startswith("..")} == before


@pytest.mark.parametrize("name", NAMES, ids=[ascii(name)[:12] for name in NAMES])
@pytest.mark.parametrize("verb", ["show", "results", "cancel", "pause", "resume", "retry"])
def test_an_experiment_id_that_is_none_is_refused_by_the_command_line(served, verb, name):
    refusal(*served.cli("experiment", verb, "--", name))


@pytest.mark.parametrize("name", NAMES, ids=[ascii(name)[:12] for name in NAMES])
def test_a_name_in_a_body_is_refused_with_its_field(served, name):
    with served_http(served) as http:
        for path, body in (
            ("/v1/prompts", {"text": "x"}),
            ("/v1/models", {"provider": "echo", "id": "echo"}),
            (
                "/v1/experiments",
                {
                    "dataset": "d",
                    "prompt": "p",
                    "model": "m",
                    "evaluators": [{"kind": "exact", "target": "x"}],
                },
            ),
        ):
            answer = http.post(path, json={"name": name, **body})
            assert answer.status_code == 422, answer.text
            assert "/name" in {one["where"] for one in answer.json()["findings"]} or "\x00" in name


def served_http(served):
    import httpx

    headers = {"Authorization": f"Bearer {served.key}"}
    return httpx.Client(base_url=served.url, headers=headers, trust_env=False, timeout=60)


FILES = {
    "no such file": None,
    "a directory": "/",
    "not YAML": b"a: [1, 2\nb: }",
    "not UTF-8": b"name: Z\xfcrich\n",
    "two keys": b"name: a\nname: b\n",
    "YAML that builds objects": b"!!python/object/apply:os.system ['touch /tmp/owned']\n",
    "YAML that grows": b"a: &a [x,x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b]\nd: &d [*c,*c,*c,*c,*c,*c,*c,*c,*c]\ne: &e [*d,*d,*d,*d,*d,*d,*d,*d,*d]\nf: &f [*e,*e,*e,*e,*e,*e,*e,*e,*e]\ng: &g [*f,*f,*f,*f,*f,*f,*f,*f,*f]\nh: &h [*g,*g,*g,*g,*g,*g,*g,*g,*g]\n",
    "YAML in itself": b"a: &a\n  b: *a\n",
    "deeper than the stack": b"[" * 100_000,
    "empty": b"",
    "a scalar": b"7\n",
    "NUL": b"name: a\x00b\n",
}


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize(
    "command", [("experiment", "run"), ("model", "add", "m"), ("prompt", "add", "p")]
)
def test_a_file_that_is_none_is_refused_in_words(served, tmp_path, command, name):
    file = tmp_path / "file.yaml"
    if FILES[name] == "/":
        file.mkdir()
    elif FILES[name] is not None:
        file.write_bytes(FILES[name])
    before = time.monotonic()
    refusal(*served.cli(*command, str(file)))
    assert time.monotonic() - before < 10


@pytest.mark.parametrize(
    "command",
    [
        ("dataset", "add", "d", "CSV", "--format", "xml"),
        ("dataset", "add", "d", "CSV", "--schema", "/no/such.json"),
        ("dataset", "add", "d", "CSV", "--schema", "BYTES"),
        ("dataset", "add", "d", "/"),
        ("dataset", "add", "d", "/proc/self/mem", "--format", "csv"),
        ("prompt", "add", "p", "BYTES"),
        ("prompt", "add", "p", "--text", "{{ open"),
        ("dataset", "preview", "none"),
        ("experiment", "list", "--status", "none"),
        ("experiment", "results", "none", "--sort", "../x"),
        ("experiment", "compare", "none", "../x"),
        ("audit", "list", "--action", "\x00"),
        ("key", "revoke", "../x"),
        ("key", "create", "k", "--user", "ann", "--role", "owner"),
    ],
    ids=" ".join,
)
def test_an_argument_that_makes_no_sense_is_refused_in_words(served, csv, tmp_path, command):
    (tmp_path / "bytes").write_bytes(b"\xff\xfe\x00")
    places = {"CSV": csv, "BYTES": str(tmp_path / "bytes")}
    refusal(*served.cli(*(places.get(word, word) for word in command)))


def test_standard_input_that_is_no_text_is_refused_in_words(served):
    command = [sys.executable, "-m", "llm_research_lab", "prompt", "add", "p", "-"]
    ended = subprocess.run(
        command,
        check=False,
        input=b"\xff\xfe{{ a }}\x80",
        env={**os.environ, "LAB_DATA_DIR": str(served.directory)},
        capture_output=True,
        timeout=60,
    )
    assert ended.returncode == 1
    assert b"Traceback" not in ended.stderr, ended.stderr[-600:]
    assert ended.stderr.startswith(b"error: ")


TEMPLATES = [
    "{% for a in range(10 ** 9) %}{{ a }}{% endfor %}",
    "{% for a in range(900) %}{% for b in range(900) %}{{ b }}{% endfor %}{% endfor %}",
    "{% for a in loop %}{{ a }}{% endfor %}",
    "{% while true %}{% endwhile %}",
    "{% include '/etc/passwd' %}",
    "{% import 'os' as os %}",
    "{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}",
    "{{ text.__class__ }}",
    "{{ text['__class__'] }}",
    "{{ text|attr('__class__') }}",
    "{{ ''.__class__.__mro__[1].__subclasses__() }}",
    "{{ text.format(text) }}",
    "{{ cycler.__init__.__globals__.os.popen('id').read() }}",
    "{{ self }}",
    "{{ config }}",
    "{{ lipsum() }}",
    "{{ range(10) }}",
    "{{ 'x' * 10 ** 9 }}",
    "{{ 9 ** (9 ** 9) }}",
    "{{ " + "(" * 5_000 + "1" + ")" * 5_000 + " }}",
    "{{ " + "-" * 50_000 + "1 }}",
    "{{ text ",
    "{% if text %}",
]


@pytest.mark.parametrize("template", TEMPLATES, ids=range(len(TEMPLATES)))
def test_a_template_that_loops_or_reaches_runs_in_no_experiment(served, template):
    """Refused when it is added, or at the latest row by row, as ``template``; never carried out."""
    with served_http(served) as http:
        body = sow(http, "hostile", 2, {"provider": "echo", "id": "echo"})
        before = time.monotonic()
        added = http.post("/v1/prompts", json={"name": "hostile", "text": template})
        assert time.monotonic() - before < 5
        if added.status_code == 422:
            assert added.json()["findings"][0]["where"]
            return
        made = http.post("/v1/experiments", json=body)
        if made.status_code == 422:
            return
        assert made.status_code == 201, made.text
        one = ran(http, body)
        assert one["summary"]["failures"] == {"template": 2}, one["results"]


def test_what_an_experiment_does_not_find_is_said_at_once(served):
    with served_http(served) as http:
        body = sow(http, "lost", 2, {"provider": "echo", "id": "echo"})
        for field in ("dataset", "prompt", "model"):
            for wrong in ("none", "admin/none", "lost@v9", "nobody/lost"):
                answer = http.post("/v1/experiments", json={**body, field: wrong})
                assert answer.status_code in {404, 422}, answer.text
                assert wrong.partition("@")[0].rpartition("/")[2] in answer.text
        answer = http.post("/v1/prompts", json={"name": "lost", "text": "{{ nothing }}"})
        assert answer.status_code == 201
        answer = http.post("/v1/experiments", json=body)
        assert answer.status_code == 422
        assert "nothing" in answer.json()["findings"][0]["message"]


def test_an_unknown_model_in_a_file_is_said_with_a_fix(served, tmp_path):
    with served_http(served) as http:
        body = sow(http, "known", 2, {"provider": "echo", "id": "echo"})
    file = tmp_path / "experiment.json"
    file.write_text(json.dumps({**body, "model": "gpt-9"}))
    told = refusal(*served.cli("experiment", "run", str(file)))
    assert "gpt-9" in told
    assert "fix" in told


def test_a_rows_own_text_is_no_template(served):
    """What a column holds is data: braces in it are never rendered."""
    with served_http(served) as http:
        body = sow(http, "injected", 1, {"provider": "echo", "id": "echo"})
        rows = "n,text\n1,{{ 7 * 7 }}{% for a in b %}\n"
        http.post("/v1/datasets/injected?format=csv", content=rows).raise_for_status()
        one = ran(http, body)
        assert one["results"][0]["answer"] == "{{ 7 * 7 }}{% for a in b %}"
        assert one["results"][0]["scores"] == {"exact": 1.0}


@pytest.mark.parametrize(
    "secret", ["env:NO_SUCH_KEY_OF_THE_LAB", "file:/no/such/key", "file:/proc", "file:/dev/zero"]
)
def test_a_missing_secret_fails_each_sample_and_is_no_text_of_the_lab(served, secret):
    with served_http(served) as http:
        entry = {
            "provider": "openai",
            "id": "m",
            "base_url": "http://127.0.0.1:9/v1",
            "secret": secret,
        }
        one = ran(http, sow(http, "keyless", 3, entry))
        assert (one["status"], one["failed"]) == ("failed", 3)
        assert one["summary"]["failures"] == {"missing_secret": 3}
        assert {result["attempts"] for result in one["results"]} == {1}
        assert secret in one["results"][0]["failure"]["message"]
