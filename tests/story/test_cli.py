"""What a user types, and what comes back: tables for people, JSON for programs, four lines of error."""

from __future__ import annotations

import json
import re

import pytest

EXPERIMENT = """\
name: {name}
dataset: sums
prompt: sum
model: echo
evaluators:
  - kind: exact
    target: "{{{{ answer }}}}"
"""


@pytest.fixture(scope="module")
def lab(served, tmp_path_factory):
    """A lab with a dataset, a prompt and a model of one user."""
    files = tmp_path_factory.mktemp("files")
    (files / "sums.csv").write_text("question,answer\n1+1,2\n2+2,4\n5,5\n")
    (files / "sum.txt").write_text("{{ question }}")
    (files / "echo.yaml").write_text("provider: echo\nid: echo\n")
    for name in ("one", "two"):
        (files / f"{name}.yaml").write_text(EXPERIMENT.format(name=name))
    for command in (
        ("dataset", "add", "sums", str(files / "sums.csv")),
        ("prompt", "add", "sum", str(files / "sum.txt")),
        ("model", "add", "echo", str(files / "echo.yaml")),
    ):
        status, _, err = served.cli(*command)
        assert status == 0, err
    return served, files


def test_adding_the_same_file_again_gives_the_same_version(lab):
    served, files = lab
    status, out, _ = served.cli("dataset", "add", "sums", str(files / "sums.csv"))
    assert (status, out) == (
        0,
        "admin/sums@v1: 3 rows, columns question string, answer integer\n",
    )


def test_an_experiment_runs_and_prints_its_scores(lab):
    served, files = lab
    status, out, err = served.cli("experiment", "run", str(files / "one.yaml"))
    assert status == 0, err
    assert "3 of 3 samples" in err
    assert re.search(r"^one +completed +3 +0\.333 \(0\.000 to 1\.000\)", out, re.MULTILINE), out


def test_two_experiments_are_compared_in_numbers_and_in_words(lab):
    served, files = lab
    ids = []
    for name in ("one", "two"):
        status, out, err = served.cli("experiment", "run", str(files / f"{name}.yaml"), "--json")
        assert status == 0, err
        ids.append(json.loads(out)["id"])
    status, out, err = served.cli("experiment", "compare", *ids)
    assert status == 0, err
    assert out.splitlines()[1].split()[0] == "exact"
    assert "one" in out.splitlines()[-1]
    assert "two" in out.splitlines()[-1]
    as_json = json.loads(served.cli("experiment", "compare", *ids, "--json")[1])
    assert as_json["metrics"]["exact"]["tied"] == 3


def test_detached_experiments_are_followed_by_show_results_and_list(lab):
    served, files = lab
    made = json.loads(
        served.cli("experiment", "run", str(files / "two.yaml"), "--detach", "--json")[1]
    )
    for _ in range(200):
        shown = json.loads(served.cli("experiment", "show", made["id"], "--json")[1])
        if shown["status"] == "completed":
            break
    assert shown["summary"]["scores"]["exact"]["n"] == 3
    assert made["id"] in served.cli("experiment", "show", made["id"])[1]
    rows = json.loads(served.cli("experiment", "results", made["id"], "--sort=-exact", "--json")[1])
    assert [row["sample"] for row in rows] == [2, 1, 0]
    table = served.cli("experiment", "results", made["id"], "--scored", "--limit", "1")[1]
    assert "1+1" in table
    listed = served.cli("experiment", "list", "--status", "completed")[1]
    assert made["id"] in listed


def test_an_ended_experiment_is_neither_paused_nor_cancelled(lab):
    served, files = lab
    made = json.loads(served.cli("experiment", "run", str(files / "one.yaml"), "--json")[1])
    for verb in ("pause", "resume", "cancel", "retry"):
        status, out, err = served.cli("experiment", verb, made["id"])
        assert (status, out) == (1, ""), verb
        assert err.startswith("error: experiment"), err
        assert "fix" in err


@pytest.mark.parametrize(
    ("kind", "reference", "shown"),
    [
        ("dataset", "sums@v1", "answer"),
        ("prompt", "sum", "{{ question }}"),
        ("model", "echo", "echo"),
    ],
)
def test_things_are_listed_and_shown(lab, kind, reference, shown):
    served, _ = lab
    assert "admin/" in served.cli(kind, "list")[1]
    assert shown in served.cli(kind, "show", reference)[1]
    one = json.loads(served.cli(kind, "show", reference, "--json")[1])
    assert one["id"] in {x["id"] for x in json.loads(served.cli(kind, "list", "--json")[1])}


def test_rows_are_previewed(lab):
    served, _ = lab
    out = served.cli("dataset", "preview", "sums", "--offset", "1", "--limit", "1")[1]
    assert out.split() == ["question", "answer", "2+2", "4"]


def test_a_key_is_shown_once_works_and_is_revoked(lab):
    served, _ = lab
    status, out, err = served.cli("key", "create", "laptop", "--user", "ann", "--role", "viewer")
    assert status == 0, err
    secret = out.strip()
    with served.client(secret) as ann:
        assert ann.get("/v1/status")["version"]
    listed = json.loads(served.cli("key", "list", "--json")[1])
    mine = next(key for key in listed if key["name"] == "laptop")
    assert secret not in json.dumps(listed)
    assert "revoked at" in served.cli("key", "revoke", mine["id"])[1]
    with served.client(secret) as ann, pytest.raises(Exception, match="key"):
        ann.get("/v1/status")


def test_what_was_done_is_in_the_audit_trail(lab):
    served, _ = lab
    found = json.loads(served.cli("audit", "list", "--resource-type", "dataset", "--json")[1])
    assert {entry["action"] for entry in found} >= {"create", "read"}
    assert "dataset" in served.cli("audit", "list", "--action", "create")[1]


def test_the_state_of_the_lab_is_shown(lab):
    served, _ = lab
    assert served.url in served.cli("status")[1]
    assert json.loads(served.cli("status", "--json")[1])["samples_pending"] == 0


def test_every_mistake_of_an_experiment_file_is_told_with_its_line(lab, tmp_path):
    served, _ = lab
    file = tmp_path / "wrong.yaml"
    file.write_text("name: Wrong Name\ndataset: sums\nprompt: sum\nmodle: echo\nevaluators: []\n")
    status, out, err = served.cli("experiment", "run", str(file))
    assert (status, out) == (1, "")
    assert err.startswith(f"error: {file}\n")
    assert "4 mistakes" in err
    assert [line.split()[1] for line in err.splitlines()[4:]] == ["1:1:", "1:7:", "4:1:", "5:13:"]
    assert "- 4:1: " in err
    assert "did you mean model?" in err


def test_a_bad_row_is_told_with_its_line_and_column_and_nothing_is_stored(lab, tmp_path):
    served, _ = lab
    file = tmp_path / "bad.csv"
    file.write_text('a,b\n1,2\n3\n"4,5\n')
    status, _, err = served.cli("dataset", "add", "bad", str(file))
    assert status == 1
    assert "line 3" in err
    assert "bad" not in served.cli("dataset", "list")[1]


@pytest.mark.parametrize(
    "arguments",
    [
        ("dataset", "show", "no-such"),
        ("dataset", "show", "../etc/passwd"),
        ("experiment", "show", "exp_none"),
        ("dataset", "add", "x", "/no/such/file.csv"),
        ("prompt", "show", "a b"),
    ],
)
def test_a_mistake_ends_in_four_lines_and_status_1(lab, arguments):
    served, _ = lab
    status, out, err = served.cli(*arguments)
    assert (status, out) == (1, "")
    lines = err.splitlines()
    assert lines[0].startswith("error: ")
    assert [line.split()[0] for line in lines[1:4]] == ["expected", "got", "fix"]


def test_every_command_has_help_with_an_example(lab):
    import typer

    from llm_research_lab.cli import app

    def leaves(path, command):
        below = getattr(command, "commands", {})
        if not below:
            yield path, command
        for name, one in below.items():
            yield from leaves(f"{path} {name}", one)

    found = list(leaves("lab", typer.main.get_command(app)))
    assert len(found) >= 25
    for path, command in found:
        assert command.epilog, path
        assert command.epilog.startswith(f"Example: {path}"), path
        assert command.help, path
