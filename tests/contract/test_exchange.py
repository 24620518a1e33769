"""What is exported is imported equal, and what is broken leaves nothing."""

from __future__ import annotations

import subprocess
import tracemalloc

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from tests.servers.prometheus_server import found as command

from llm_research_lab.commands.metrics import exchange
from llm_research_lab.commands.metrics.exchange import Exported, export, import_
from llm_research_lab.commands.metrics.openmetrics import read_text, seconds, series_text
from llm_research_lab.commands.metrics.parquet import read_parquet
from llm_research_lab.commands.metrics.samples import Numbering, Samples
from llm_research_lab.commands.metrics.spool import spooled
from llm_research_lab.storage.timeseries import Batch, FileSeries, MemorySeries
from llm_research_lab.vocabulary import InvalidError, LabError, NotFoundError
from llm_research_lab.vocabulary.labels import labels_of
from llm_research_lab.vocabulary.matchers import Matcher

EVER = (-(1 << 62), 1 << 62)
NOW = 1_700_000_000_123
HOUR = 3_600_000


def named(name, **labels):
    return labels_of({"__name__": name, **labels})


def batch(*samples):
    """Samples as (labels, time, value); None is a stale marker."""
    values = np.array([0.0 if v is None else v for _, _, v in samples], dtype=np.float64)
    stale = np.array([v is None for _, _, v in samples])
    times = np.array([t for _, t, _ in samples], dtype=np.int64)
    return Batch(tuple(labels for labels, _, _ in samples), times, values, stale)


def told(store, matchers=(), span=EVER):
    """All samples by series; stale ones as None, NaN as text."""
    found = {}
    for one in store.select(matchers, *span):
        for row, labels in enumerate(one.labels):
            marks = [False] * len(one.times) if one.stale is None else one.stale[row]
            rows = zip(one.times.tolist(), one.values[row].tolist(), marks, strict=True)
            found[labels] = [(t, None if m else "NaN" if np.isnan(v) else v) for t, v, m in rows]
    return found


@pytest.fixture
def files(tmp_path):
    store = FileSeries.open(tmp_path / "store")
    yield store
    store.close()


MIXED = batch(
    (named("up", job="a", instance='q"\\\n:1'), NOW, 1.0),
    (named("up", job="a", instance='q"\\\n:1'), NOW + 15_000, 0.0),
    (named("up", job="b"), NOW, None),
    (named("up", job="b"), NOW - 5 * HOUR, 1e-300),
    (named("job:up:sum"), NOW + 1, np.inf),
    (named("job:up:sum"), NOW + 2, -np.inf),
    (named("job:up:sum"), NOW + 3, np.nan),
    (named("h_bucket", le="+Inf"), -1_500, 0.1 + 0.2),
    (named("a.b", **{"c d": "e"}), NOW, 3.0),
    (labels_of({"lonely": "yes"}), NOW, 4.0),
)


def memory(*batches):
    store = MemorySeries()
    for one in batches:
        store.append(one)
    return store


def test_parquet_comes_back_with_all_its_samples_and_markers(files, tmp_path):
    store, path = memory(MIXED), tmp_path / "x.parquet"
    assert export(store, (), EVER, path) == Exported(10)
    assert import_(files, path, tmp_path).taken == 10
    assert told(files) == told(store)


def test_text_comes_back_without_stale_markers_and_nameless_series_which_are_counted(
    files, tmp_path
):
    store, path = memory(MIXED), tmp_path / "x.om"
    assert export(store, (), EVER, path) == Exported(8, stale=1, nameless=1)
    assert import_(files, path, tmp_path).taken == 8
    expected = told(store)
    del expected[labels_of({"lonely": "yes"})]
    del expected[named("up", job="b")][-1]
    assert told(files) == expected


@pytest.mark.parametrize("ending", ["om", "parquet"])
def test_what_is_not_asked_for_stays(tmp_path, files, ending):
    path = tmp_path / f"x.{ending}"
    asked = (Matcher("__name__", "=", "up"), Matcher("job", "!=", "b"))
    assert export(memory(MIXED), asked, (NOW + 1, NOW + 15_000), path).samples == 1
    import_(files, path, tmp_path)
    assert list(told(files).values()) == [[(NOW + 15_000, 0.0)]]


@pytest.mark.parametrize("ending", ["om", "txt", "prom", "parquet"])
def test_nothing_exported_is_a_whole_file(tmp_path, files, ending):
    path = tmp_path / f"x.{ending}"
    assert export(MemorySeries(), (), EVER, path) == Exported()
    assert import_(files, path, tmp_path).taken == 0


def wide(series, ticks):
    """One family of many series, and one series whose labels are among another's."""
    labels = [named("w")] + [named("w", n=str(n)) for n in range(series - 1)]
    rows = [(one, NOW + 15_000 * t, float(t)) for t in range(ticks) for one in labels]
    return batch(*rows)


@pytest.mark.parametrize("ending", ["om", "parquet"])
@pytest.mark.parametrize("most", [0, 100])
def test_a_wide_family_leaves_series_by_series_or_at_once(tmp_path, files, ending, most):
    store, path, said = memory(wide(exchange.TOGETHER + 4, 3)), tmp_path / f"x.{ending}", []
    done = export(store, (), EVER, path, said=lambda *told: said.append(told), most=most)
    assert done.samples == 3 * (exchange.TOGETHER + 4)
    assert said[-1] == (exchange.TOGETHER + 4,) * 2
    import_(files, path, tmp_path)
    assert told(files) == told(store)


def test_a_sample_that_is_there_stays_in_head_and_block(files, tmp_path):
    a, b, c = named("a"), named("b"), named("c")
    files.append(batch((a, NOW, 1.0), (b, NOW, None), (c, NOW, np.nan)))
    files.flush()
    files.append(batch((a, NOW + HOUR, 1.0), (b, NOW + HOUR, 2.0)))
    before = told(files)
    coming = memory(
        batch((a, NOW, 5.0), (b, NOW, 5.0), (c, NOW, np.nan), (c, NOW + 1, 7.0)),
        batch((a, NOW + HOUR, 1.0), (b, NOW + HOUR, 9.0), (named("new"), NOW, 1.0)),
    )
    export(coming, (), EVER, tmp_path / "x.parquet")
    done = import_(files, tmp_path / "x.parquet", tmp_path)
    assert (done.taken, done.duplicate, done.conflicting) == (2, 2, 3)
    assert told(files) == before | {c: [*before[c], (NOW + 1, 7.0)], named("new"): [(NOW, 1.0)]}


def test_the_same_file_again_changes_nothing(files, tmp_path):
    path = tmp_path / "x.parquet"
    export(memory(MIXED), (), EVER, path)
    import_(files, path, tmp_path)
    before, blocks = told(files), files.status().blocks
    done = import_(files, path, tmp_path)
    assert (done.taken, done.duplicate, done.conflicting) == (0, 10, 0)
    assert (told(files), files.status().blocks) == (before, blocks)


def test_samples_within_a_file_that_contradict_are_refused(files, tmp_path):
    path = tmp_path / "x.om"
    path.write_text("a 1 1\na 2 1\na 1 1\n# EOF\n")
    done = import_(files, path, tmp_path)
    assert (done.taken, done.duplicate, done.conflicting) == (1, 1, 1)
    assert told(files) == {named("a"): [(1000, 1.0)]}


@pytest.mark.parametrize(
    ("text", "where", "expected", "got"),
    [
        ("a 1 1\na one 2\n# EOF\n", "line 2, column 3", "a number", "'one 2'"),
        ("a 1 1\n# TYPE b gauge\nb 1\n# EOF\n", "line 3, column 4", "a time in seconds", "end of"),
        ('a 1 # {x="y"} 1\n# EOF\n', "line 1, column 4", "a time in seconds", "end of"),
        ('a 1 1\na{b="c} 1 1\n# EOF\n', "line 2, column 5", "a label's value", "c}"),
        ("a 1 1\n", "line 2, column 1", "# EOF", "cut off"),
        ("a 1 1", "line 2, column 1", "# EOF", "cut off"),
        ("", "line 1, column 1", "# EOF", "cut off"),
        ("a 1 1\n# EOF\na 2 2\n", "line 2, column 6", "the end of the text", "more lines"),
        ("a 1 1\n# EOF\n# EOF\n", "line 2, column 6", "the end of the text", "more lines"),
        ("a 1 1\n\n# EOF\n", "line 2, column 1", "a metric's name", "the end of the line"),
    ],
)
def test_broken_text_is_told_by_line_and_column_and_leaves_nothing(  # noqa: PLR0917 - a table
    files, tmp_path, text, where, expected, got
):
    path = tmp_path / "x.om"
    path.write_text(text)
    with pytest.raises(InvalidError) as caught:
        import_(files, path, tmp_path)
    assert where in caught.value.where
    assert expected in caught.value.expected
    assert got in caught.value.got
    assert told(files) == {}
    assert list(tmp_path.glob("import-*")) == []


def pieces_of_text(path, piece_bytes):
    return list(read_text(path, Numbering(), lambda _bytes: None, piece_bytes))


def test_text_of_many_pieces_has_one_count_of_lines(files, tmp_path):
    path, said = tmp_path / "x.om", []
    good = "".join(f'a{{b="{n}"}} {n} 1\n' for n in range(500))
    path.write_text(f"{good}a 1\n# EOF\n")
    with pytest.raises(InvalidError, match="line 501, column 4"):
        pieces_of_text(path, 500)
    path.write_text(f"# EOF\n{good}")
    with pytest.raises(InvalidError, match="line 1, column 6"):
        pieces_of_text(path, 500)
    path.write_text(f"{good}# EOF")
    assert import_(files, path, tmp_path, said.append).taken == 500
    assert sum(said) == path.stat().st_size


@pytest.mark.parametrize("size", range(14, 50))
def test_where_pieces_end_changes_nothing(tmp_path, size):
    path = tmp_path / "x.om"
    path.write_text("aaaaaaa 1 1\na 2 2\n# TYPE b gauge\nb 3 3\n# EOF\n")
    found = pieces_of_text(path, size)
    assert [v for one in found for v in one.values.tolist()] == [1, 2, 3]
    path.write_text("a 1 1\n# EOF\na 2 2\n")
    with pytest.raises(InvalidError, match=r"line [23], .*(end of the text|nothing after)"):
        pieces_of_text(path, size)
    path.write_text("aaaaaaa 1 1\na 2 2\na b\n# EOF\n")
    with pytest.raises(InvalidError, match="line 3, column 3"):
        pieces_of_text(path, size)


def test_a_line_without_end_is_refused_before_it_fills_the_memory(tmp_path):
    path = tmp_path / "x.om"
    for before, line in ((b"", 1), (b"a 1 1\n", 2), (b"a 1 1\n" * 50, 51)):
        path.write_bytes(before + b"x" * 300)
        with pytest.raises(InvalidError, match=f"line {line}, column 1: expected a line"):
            pieces_of_text(path, 100)


def table(**changed):
    columns = {
        "series": pa.array(['{"__name__":"a"}', '{"__name__":"a"}']),
        "time_ms": pa.array([1, 2]),
        "value": pa.array([1.0, 2.0]),
        "stale": pa.array([False, False]),
    }
    return pa.table({k: v for k, v in {**columns, **changed}.items() if v is not None})


def test_parquet_of_others_types_and_order_is_read(files, tmp_path):
    given = table(
        value=pa.array([1, 2]), time_ms=pa.array([1, 2], pa.int32()), more=pa.array([1, 2])
    )
    path = tmp_path / "x.parquet"
    pq.write_table(given.select(["more", "stale", "value", "time_ms", "series"]), path)
    import_(files, path, tmp_path)
    assert told(files) == {named("a"): [(1, 1.0), (2, 2.0)]}


@pytest.mark.parametrize(
    ("changed", "where", "expected"),
    [
        ({"stale": None}, "x.parquet", "columns series, time_ms, value, stale"),
        ({"value": pa.array([1.0, None])}, "row 2, column value", "a value"),
        ({"time_ms": pa.array([None, 1])}, "row 1, column time_ms", "a value"),
        ({"time_ms": pa.array(["x", "y"])}, "column time_ms", "int64"),
        ({"series": pa.array([1, 2])}, "row 1, column series", "labels"),
        ({"series": pa.array([[1], [2]])}, "column series", "dictionary"),
        ({"series": pa.array(['{"__name__":"a"}', "{"])}, "row 2, column series", "labels"),
        ({"series": pa.array(['{"__name__":"a"}', '{"a":1}'])}, "row 2, column series", "labels"),
        ({"series": pa.array(['[["a","b"]]'] * 2)}, "row 1, column series", "labels"),
    ],
)
def test_broken_parquet_is_told_by_row_and_column_and_leaves_nothing(
    files, tmp_path, changed, where, expected
):
    path = tmp_path / "x.parquet"
    pq.write_table(table(**changed), path)
    with pytest.raises(InvalidError) as caught:
        import_(files, path, tmp_path)
    assert where in caught.value.where
    assert expected in caught.value.expected
    assert told(files) == {}


def test_what_is_no_parquet_or_was_cut_off_is_refused(files, tmp_path):
    path = tmp_path / "x.parquet"
    export(memory(wide(3, 2_000)), (), EVER, path)
    whole = path.read_bytes()
    for content in (b"", b"no Parquet", whole[: len(whole) // 2], whole[:-1]):
        path.write_bytes(content)
        with pytest.raises(InvalidError, match="a Parquet file"):
            import_(files, path, tmp_path)
    path.write_bytes(whole[:100] + bytes(200) + whole[300:])
    with pytest.raises(LabError):
        import_(files, path, tmp_path)
    assert told(files) == {}


@pytest.mark.parametrize("name", ["x.csv", "x", "x.OM"])
def test_other_endings_are_refused(files, tmp_path, name):
    with pytest.raises(InvalidError, match="ends in"):
        export(MemorySeries(), (), EVER, tmp_path / name)
    with pytest.raises(InvalidError, match="ends in"):
        import_(files, tmp_path / name, tmp_path)


def test_a_file_or_directory_that_is_not_there_is_named(files, tmp_path):
    with pytest.raises(NotFoundError, match=r"gone\.om"):
        import_(files, tmp_path / "gone.om", tmp_path)
    with pytest.raises(NotFoundError, match="nowhere"):
        export(MemorySeries(), (), EVER, tmp_path / "nowhere" / "x.om")


def test_a_store_in_the_way_is_explained(files, tmp_path):
    (tmp_path / "x.om").write_text("# EOF\n")
    (tmp_path / "file").write_text("")
    with pytest.raises(InvalidError, match="a directory"):
        import_(files, tmp_path / "x.om", tmp_path / "file" / "tmp")


class Breaking(MemorySeries):
    """A store that breaks while it is read."""

    def select(self, matchers, from_ms, to_ms):
        if any(one.value == "w" for one in matchers):
            raise OSError(5, "Input/output error")
        return super().select(matchers, from_ms, to_ms)


@pytest.mark.parametrize("ending", ["om", "parquet"])
def test_an_export_that_breaks_leaves_the_old_file_and_nothing_beside_it(tmp_path, ending):
    store, path = Breaking(), tmp_path / f"x.{ending}"
    store.append(MIXED)
    store.append(wide(2, 2))
    path.write_text("old")
    with pytest.raises(LabError, match="Input/output error"):
        export(store, (), EVER, path)
    assert [one.name for one in tmp_path.iterdir()] == [path.name]
    assert path.read_text() == "old"


def peak_bytes(samples):
    tracemalloc.start()
    count = sum(len(one.times) for one in samples)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return count, peak


@pytest.mark.parametrize("ending", ["om", "parquet"])
def test_memory_does_not_grow_with_the_file(tmp_path, ending):
    count, path = 20_000, tmp_path / f"x.{ending}"
    times = NOW + 60_000 * np.arange(count, dtype=np.int64)
    store = memory(Batch((named("a"),) * count, times, times.astype(np.float64)))
    export(store, (), EVER, path)
    read, piece = {"om": (read_text, 20_000), "parquet": (read_parquet, 1_000)}[ending]
    got, peak = peak_bytes(read(path, Numbering(), lambda _bytes: None, piece))
    assert got == count
    assert peak < 20 * count


def test_the_spool_gives_the_oldest_first_and_a_piece_at_a_time(tmp_path):
    count = 60_000
    times = np.random.default_rng(1).permutation(count).astype(np.int64)
    zeros = np.zeros(count)
    given = Samples(zeros.astype(np.int32), times, times / 2, zeros.astype(np.bool_))
    spool = spooled([given], tmp_path, 1_000, 600)
    found = [(one.times.tolist(), one.values.tolist()) for one in spool]
    assert max(len(times) for times, _ in found) == 600
    assert [sorted(times + more) for (times, _), (more, _) in batched(found)] == [
        list(range(start, start + 1_000)) for start in range(0, count, 1_000)
    ]
    assert all(value == time / 2 for one in found for time, value in zip(*one, strict=True))
    assert list(tmp_path.iterdir()) == []


def batched(items):
    return zip(items[::2], items[1::2], strict=True)


@given(st.integers(-(10**13), 10**13))
@example(1_001)
@example(-1)
@example(0)
def test_seconds_are_read_back_as_the_same_milliseconds(time_ms):
    assert int(float(seconds(time_ms)) * 1000) == time_ms


TEXTS = st.text(st.characters(blacklist_categories=["Cs"]), min_size=1, max_size=8)
PAIRS = st.dictionaries(TEXTS.filter(lambda name: name != "__name__"), TEXTS, max_size=3)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(name=TEXTS, pairs=PAIRS, value=st.floats(), time_ms=st.integers(-(10**13), NOW))
def test_any_series_and_value_comes_back(tmp_path_factory, name, pairs, value, time_ms):
    place = tmp_path_factory.mktemp("any")
    store = memory(batch((labels_of({**pairs, "__name__": name}), time_ms, value)))
    for ending in ("om", "parquet"):
        other = FileSeries.open(place / ending)
        export(store, (), EVER, place / f"x.{ending}")
        import_(other, place / f"x.{ending}", place)
        assert told(other) == told(store)
        other.close()


def test_a_plain_name_has_no_braces():
    assert series_text(named("up")) == "up"
    assert series_text(named("up", job="a", instance="b")) == 'up{instance="b",job="a"}'
    assert series_text(named("a.b")) == '{"a.b"}'


def test_prometheus_back_fills_our_export_to_the_same_samples(tmp_path):
    promtool = command("promtool")
    plain = {
        labels: rows for labels, rows in told(memory(MIXED)).items() if "a.b" not in str(labels)
    }
    store = memory(
        batch(*((own, t, np.nan if v == "NaN" else v) for own in plain for t, v in plain[own]))
    )
    span = (NOW - 10 * HOUR, NOW + 10 * HOUR)
    export(store, (), span, tmp_path / "x.om")
    made = subprocess.run(
        [promtool, "tsdb", "create-blocks-from", "openmetrics", tmp_path / "x.om", tmp_path / "db"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert made.returncode == 0, made.stdout + made.stderr
    (tmp_path / "db" / "wal").mkdir()
    dump = subprocess.run(
        [promtool, "tsdb", "dump", tmp_path / "db"], capture_output=True, text=True, check=True
    ).stdout
    found = sorted(tuple(line.rsplit(" ", 2)[1:]) for line in dump.splitlines())
    expected = [
        (time, value)
        for labels, rows in told(store, (), span).items()
        for time, value in rows
        if value is not None and labels != labels_of({"lonely": "yes"})
    ]
    assert sorted((int(t), float(v)) for v, t in found if v != "NaN") == sorted(
        (t, float(v)) for t, v in expected if v != "NaN"
    )
    assert len(found) == len(expected)
