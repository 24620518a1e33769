"""`lab query`, `tsdb` and `promql` as a person types them: on a store, and beside a lab that runs."""

from __future__ import annotations

import json
import os
import pty
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from tests.servers.bad_days import until
from tests.story.conftest import cli

from llm_research_lab.cli.metrics.charts import BARS
from llm_research_lab.service.metrics_store import open_series
from llm_research_lab.service.settings import read_settings
from llm_research_lab.storage.timeseries import Batch, FileSeries
from llm_research_lab.vocabulary.labels import labels_of

START = 1_700_000_000
SERIES = [labels_of({"__name__": "requests_total", "job": job}) for job in ("a", "b")]


def fill(directory: Path) -> None:
    """Ten minutes of two counters, a sample each fifteen seconds; `b` ends with a stale marker."""
    settings = read_settings({"data_dir": directory})
    ticks = np.arange(41, dtype=np.int64)
    with open_series(settings, write=True) as store:
        for place, labels in enumerate(SERIES):
            stale = np.zeros(41, dtype=np.bool_)
            stale[-1] = place == 1
            times = (START + 15 * ticks) * 1_000
            store.append(Batch((labels,) * 41, times, ticks * (place + 1.0), stale))


@pytest.fixture(scope="module")
def kept(tmp_path_factory):
    """A data directory whose lab does not run, with samples."""
    directory = tmp_path_factory.mktemp("kept") / "data"
    directory.mkdir()
    fill(directory)
    return directory


@pytest.fixture
def empty(tmp_path):
    """A data directory without metrics."""
    (tmp_path / "empty").mkdir()
    return tmp_path / "empty"


def lab(directory, *arguments, expected=0):
    status, out, err = cli(*map(str, arguments), data_dir=directory)
    assert status == expected, (status, out, err)
    return out, err


def test_an_instant_is_a_table_and_json_is_prometheus_s(kept):
    out, _ = lab(kept, "query", "requests_total", "--at", START + 585)
    assert [line.split() for line in out.splitlines()] == [
        ["series", "value"],
        ['requests_total{job="a"}', "39"],
        ['requests_total{job="b"}', "78"],
    ]
    told = json.loads(lab(kept, "query", "sum(requests_total)", "--at", START, "--json")[0])
    assert told == {"resultType": "vector", "result": [{"metric": {}, "value": [START, "0"]}]}


def test_a_scalar_and_a_string_are_a_line(kept):
    assert lab(kept, "query", "1 + 1")[0] == "2\n"
    assert lab(kept, "query", '"words"')[0] == "words\n"


def test_nothing_found_is_said(kept):
    assert lab(kept, "query", "nothing_of_the_kind")[0] == "No series.\n"
    assert lab(kept, "query", "nothing_of_the_kind", "--from", "-1h")[0] == "No series.\n"


def test_a_range_is_drawn_between_the_least_and_the_greatest(kept):
    out, err = lab(
        kept, "query", "requests_total", "--from", START, "--to", START + 600, "--step", "15s"
    )
    a, b = (line for line in out.splitlines() if line.startswith("requests_total"))
    assert a.split()[-3:] == ["0", "40", "40"]
    assert b.split()[-3:] == ["0", "78", "78"]
    bars = b.split()[1]
    assert (bars[0], bars[-1]) == (BARS[0], BARS[-1])
    assert list(bars) == sorted(bars)
    assert max(a.split()[1]) == "▅"
    assert "from 2023-11-14T22:13:20" in err
    assert "a step of 15s" in err


def test_a_range_vector_at_an_instant_is_drawn_by_its_samples(kept):
    out, _ = lab(kept, "query", 'requests_total{job="a"}[1m]', "--at", START + 60)
    assert out.splitlines()[1].split()[-3:] == ["1", "4", "4"]


def test_what_is_noticed_is_said_beside_the_answer(kept):
    out, err = lab(kept, "query", "quantile_over_time(2, requests_total[1m])", "--at", START + 60)
    assert "+Inf" in out
    assert "quantile" in err


@pytest.mark.parametrize(
    ("arguments", "where"),
    [
        (("requests_total{",), "1:16"),
        (("up", "--to", "now"), "--from"),
        (("up", "--at", "yesterday"), "time"),
    ],
)
def test_a_mistake_is_told_in_four_lines(kept, arguments, where):
    _, err = lab(kept, "query", *arguments, expected=1)
    assert where in err
    assert {"expected", "got", "fix"} <= set(err.split())


def test_a_lab_that_never_ran_has_no_metrics(empty):
    for command in (("query", "up"), ("tsdb", "status"), ("tsdb", "verify")):
        _, err = lab(empty, *command, expected=1)
        assert "start the lab" in err


def test_status_counts_what_is_kept(kept):
    told = json.loads(lab(kept, "tsdb", "status", "--json")[0])
    assert (told["series_in_the_head"], told["samples_in_the_head"]) == (2, 82)
    assert told["first_sample"].startswith("2023-11-14T22:13:20")
    assert told["damaged"] == []
    out, _ = lab(kept, "tsdb", "status")
    assert re.search(r"^samples in the head +82 *$", out, re.MULTILINE)


def test_status_of_an_empty_store_has_no_first_sample(empty):
    lab(empty, "tsdb", "compact")
    assert re.search(r"^first sample +- *$", lab(empty, "tsdb", "status")[0], re.MULTILINE)


def test_verify_finds_the_file_that_is_damaged(tmp_path):
    fill(tmp_path)
    store = FileSeries.open(tmp_path / "metrics")
    store.flush()
    store.close()
    assert lab(tmp_path, "tsdb", "verify")[0] == "Everything is as it was written.\n"
    assert json.loads(lab(tmp_path, "tsdb", "verify", "--json")[0]) == []
    (file,) = (tmp_path / "metrics" / "blocks").rglob("00000.parquet")
    data = bytearray(file.read_bytes())
    data[len(data) // 2] ^= 1
    file.write_bytes(data)
    out, _ = lab(tmp_path, "tsdb", "verify", expected=1)
    assert file.name in out
    (found,) = json.loads(lab(tmp_path, "tsdb", "verify", "--json", expected=1)[0])
    assert file.name in found["where"]
    assert found["fix"]


def test_a_snapshot_is_a_store(kept, tmp_path):
    out, _ = lab(kept, "tsdb", "snapshot", tmp_path / "copy" / "metrics")
    assert out == f"snapshot at {tmp_path / 'copy' / 'metrics'}\n"
    told = json.loads(lab(tmp_path / "copy", "tsdb", "status", "--json")[0])
    assert told["samples_in_the_head"] == 82
    _, err = lab(kept, "tsdb", "snapshot", tmp_path / "copy" / "metrics", expected=1)
    assert "name another" in err


def test_compact_says_that_it_is_done(kept):
    assert lab(kept, "tsdb", "compact")[0] == "compacted\n"


@pytest.mark.parametrize(("ending", "count"), [("parquet", 82), ("om", 81)])
def test_what_is_exported_is_imported(kept, empty, tmp_path, ending, count):
    path = tmp_path / f"x.{ending}"
    out, err = lab(kept, "tsdb", "export", path)
    assert out == f"{count} samples to {path}\n"
    assert ("1 stale markers left out" in err) == (ending == "om")
    out, err = lab(empty, "tsdb", "import", path)
    assert out == f"{count} samples taken, 0 known, 0 refused for another value that is there\n"
    out, _ = lab(empty, "tsdb", "import", path)
    assert out.startswith(f"0 samples taken, {count} known")
    assert list((empty / "tmp").iterdir()) == []
    query = ("query", "sum(requests_total)", "--at", START + 585, "--json")
    assert lab(empty, *query) == lab(kept, *query)


def test_an_export_is_of_what_is_asked_for(kept, tmp_path):
    path = tmp_path / "x.om"
    span = ("--from", START + 15, "--to", START + 30)
    assert lab(kept, "tsdb", "export", path, "--match", '{job="a"}', *span)[0].startswith("2 ")
    assert path.read_text() == (
        "# TYPE requests_total unknown\n"
        f'requests_total{{job="a"}} 1 {START + 15}.000\n'
        f'requests_total{{job="a"}} 2 {START + 30}.000\n'
        "# EOF\n"
    )


@pytest.mark.parametrize("match", ["rate(up[5m])", "up offset 1m", "up @ 5", "up[5m]", "{", "1"])
def test_what_is_no_selector_exports_nothing(kept, tmp_path, match):
    _, err = lab(kept, "tsdb", "export", tmp_path / "x.om", "--match", match, expected=1)
    assert "expected" in err
    assert list(tmp_path.iterdir()) == []


def test_samples_of_the_future_are_left_out_and_counted(empty, tmp_path):
    (tmp_path / "x.om").write_text("a 1 1\na 2 99999999999\n# EOF\n")
    out, err = lab(empty, "tsdb", "import", tmp_path / "x.om")
    assert out.startswith("1 samples taken, ")
    assert "1 left out" in err


def test_a_broken_file_is_told_and_nothing_of_it_is_taken(empty, tmp_path):
    (tmp_path / "x.om").write_text("a 1 1\nb one 1\n# EOF\n")
    _, err = lab(empty, "tsdb", "import", tmp_path / "x.om", expected=1)
    assert "x.om, line 2, column 3" in err
    assert json.loads(lab(empty, "tsdb", "status", "--json")[0])["blocks"] == 0
    _, err = lab(empty, "tsdb", "import", tmp_path / "gone.om", expected=1)
    assert "gone.om" in err


SCRIPT = """\
load 1m
  x 1 2 3

eval instant at 2m x
  x {}
"""


def test_scripts_run_and_say_where_they_fail(kept, tmp_path):
    good, bad, broken = (tmp_path / f"{name}.test" for name in ("good", "bad", "broken"))
    good.write_text(SCRIPT.format(3))
    bad.write_text(SCRIPT.format(4))
    broken.write_bytes(b"\xff")
    assert lab(kept, "promql", "test", good)[0] == "1 passed, 0 failed, 0 unsupported\n"
    out, _ = lab(kept, "promql", "test", good, bad, broken, tmp_path / "gone", expected=1)
    lines = out.splitlines()
    assert lines[0].startswith(f"{bad}:4: ")
    assert lines[1].startswith(f"{broken}:0: ")
    assert "No such file" in lines[2]
    assert lines[3] == "1 passed, 3 failed, 0 unsupported"
    told = json.loads(lab(kept, "promql", "test", bad, "--json", expected=1)[0])
    assert (told["passed"], told["failed"], told["failures"][0]["line"]) == (0, 1, 4)


def test_an_expression_is_written_well(kept):
    out, _ = lab(kept, "promql", "format", "sum(rate(x[5m]))by(job)")
    assert out == "sum by (job) (rate(x[5m]))\n"
    _, err = lab(kept, "promql", "format", "sum(", expected=1)
    assert "1:5" in err


def on_terminal(directory: Path, *arguments: str) -> tuple[int, str]:
    """Run a command whose stderr is a terminal: its status, and what the terminal got."""
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "llm_research_lab", *arguments]
    environment = {**os.environ, "LAB_DATA_DIR": str(directory), "TERM": "xterm"}
    process = subprocess.Popen(
        command, stdin=theirs, stdout=subprocess.DEVNULL, stderr=theirs, env=environment
    )
    os.close(theirs)
    seen = b""
    try:
        while piece := os.read(ours, 65_536):
            seen += piece
    except OSError:  # the other side is closed
        pass
    os.close(ours)
    return process.wait(60), seen.decode()


def test_long_work_shows_how_far_it_is_on_a_terminal(kept, empty, tmp_path):
    path = tmp_path / "x.om"
    status, seen = on_terminal(kept, "tsdb", "export", str(path))
    assert (status, "2/2" in seen, "x.om" in seen) == (0, True, True), seen
    status, seen = on_terminal(empty, "tsdb", "import", str(path))
    assert (status, "x.om" in seen, "kB" in seen) == (0, True, True), seen


# Beside a lab that runs


def ready(served) -> None:
    """Wait for the first scrape."""
    until(lambda: "up{" in served.cli("query", "up")[1], seconds=60)


def test_a_running_lab_is_read_and_exported(served, tmp_path):
    ready(served)
    out, _ = lab(served.directory, "query", "up", "--from", "-1m")
    assert re.search(rf"up{{.*}} +[{BARS}]", out)
    assert lab(served.directory, "tsdb", "verify")[0] == "Everything is as it was written.\n"
    assert json.loads(lab(served.directory, "tsdb", "status", "--json")[0])["last_sample"]
    lab(served.directory, "tsdb", "export", tmp_path / "x.parquet")
    assert (tmp_path / "x.parquet").stat().st_size > 0


def test_a_running_lab_is_copied_and_compacted_by_its_writer(served, tmp_path):
    ready(served)
    lab(served.directory, "tsdb", "snapshot", tmp_path / "copy" / "metrics")
    told = json.loads(lab(tmp_path / "copy", "tsdb", "status", "--json")[0])
    assert told["samples_in_the_head"] > 0
    assert lab(served.directory, "tsdb", "compact")[0] == "compacted\n"


def test_a_running_lab_takes_no_import(served, tmp_path):
    ready(served)
    (tmp_path / "x.om").write_text("# EOF\n")
    _, err = lab(served.directory, "tsdb", "import", tmp_path / "x.om", expected=1)
    assert "error" in err


@pytest.mark.skipif(not Path("/proc/self/maps").exists(), reason="reads /proc")
def test_api_and_runner_have_neither_numba_nor_arrow_in_memory(served):
    ready(served)
    found = {}
    for process in Path("/proc").glob("[0-9]*"):
        try:
            command = (process / "cmdline").read_bytes().split(b"\0")
            if os.fsencode(served.directory) in command:
                maps = (process / "maps").read_text()
                heavy = re.search("libarrow|llvmlite|numba", maps)
                found[command[command.index(b"-m") + 2].decode()] = heavy is not None
        except OSError:
            continue
    assert found == {"up": False, "api": False, "runner": False, "ops": True}
