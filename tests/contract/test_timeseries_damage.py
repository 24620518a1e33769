"""Damage costs what it hits and is said; the rest is served."""

import random
import shutil

import pytest
from tests.contract.timeseries_samples import batch, named, scrape, told
from tests.contract.timeseries_writer import LABELS, SHAPE

from llm_research_lab.storage.timeseries import FileSeries
from llm_research_lab.vocabulary.matchers import Matcher

OTHER = named("z", job="other", instance="o")


@pytest.fixture
def root(tmp_path):
    """Two blocks of two targets, and a log."""
    store = FileSeries.open(tmp_path / "m", SHAPE)
    for tick in range(30):
        store.append(scrape(tick))
        store.append(batch((OTHER, tick * 10_000, tick + 0.5)))
    store.maintain()
    store.close()
    return tmp_path / "m"


def opened(root, **options):
    return FileSeries.open(root, SHAPE, **options)


def flip(path, place, bit=4):
    data = bytearray(path.read_bytes())
    data[place] ^= 1 << bit
    path.write_bytes(data)


def named_in(findings, path):
    return any(str(path) in finding.where for finding in findings)


def whole(root):
    reader = opened(root, read_only=True)
    return told(reader)


@pytest.mark.parametrize("seed", range(40))
def test_a_flipped_bit_in_a_block_is_never_a_wrong_sample(root, seed):
    chance, right = random.Random(seed), whole(root)
    path = chance.choice(sorted((root / "blocks").rglob("*.parquet")))
    flip(path, chance.randrange(path.stat().st_size), chance.randrange(8))
    store = opened(root)
    found = told(store)
    for labels, rows in found.items():
        assert set(rows) <= set(right[labels])
    missing = {one for one in right if len(found.get(one, [])) < len(right[one])}
    assert missing in (set(), {OTHER}, set(LABELS))
    assert named_in(store.verify(), path)
    assert not missing or named_in(store.findings, path)
    store.close()


def test_what_is_damaged_stays_away_when_blocks_are_joined_and_is_kept_aside(root):
    path = min((root / "blocks").rglob("00000.parquet"))
    flip(path, 40)
    store = opened(root)
    for tick in range(30, 120):
        store.append(scrape(tick))
    store.maintain()
    assert not path.exists()
    assert (root / "quarantine" / f"{path.parent.name}-{path.name}").exists()
    assert len(told(store)[OTHER]) in (20, 30)
    store.close()
    again = opened(root)
    assert named_in(again.verify(), root / "quarantine")
    again.close()


@pytest.mark.parametrize("damage", ["flipped", "half", "missing"])
def test_a_block_without_a_whole_index_is_set_aside(root, damage):
    block = min((root / "blocks").iterdir())
    index = block / "index.json"
    if damage == "flipped":
        flip(index, 60)
    elif damage == "half":
        index.write_bytes(index.read_bytes()[:100])
    else:
        index.unlink()
    reader = opened(root, read_only=True)
    assert 0 < len(told(reader)[LABELS[0]]) < 30
    assert named_in(reader.findings, block)
    assert named_in(reader.verify(), block)
    assert block.exists(), "a reader moves nothing"
    store = opened(root)
    assert 0 < len(told(store)[LABELS[0]]) < 30
    assert named_in(store.findings, block)
    store.close()
    again = opened(root)
    assert again.findings == ()
    assert named_in(again.verify(), root / "quarantine" / block.name)
    again.close()


@pytest.mark.parametrize("damage", ["half", "missing"])
def test_a_truncated_or_missing_file_costs_its_target(root, damage):
    path = min((root / "blocks").rglob("00000.parquet"))
    if damage == "half":
        path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    else:
        path.unlink()
    store = opened(root)
    found = told(store)
    assert sorted({len(found[LABELS[0]]), len(found[OTHER])})[1] == 30
    assert named_in(store.findings, path)
    assert named_in(store.verify(), path)
    store.close()


def test_torn_tombstones_are_said_and_the_samples_are_served(root):
    store = opened(root)
    store.delete([Matcher("s", "=", "1")], 0, 50_000)
    store.close()
    path = root / "tombstones.json"
    path.write_bytes(path.read_bytes()[:-4])
    store = opened(root)
    assert len(told(store)[LABELS[1]]) == 30
    assert named_in(store.findings, path)
    store.close()
    path.write_bytes(b"[1]")
    assert named_in(opened(root, read_only=True).findings, path)


def log_of(root, count=8):
    shutil.rmtree(root)
    store = opened(root)
    for tick in range(count):
        store.append(scrape(tick))
    store.close()
    (path,) = (root / "log").glob("*.log")
    return path


def test_a_torn_tail_is_what_a_crash_leaves_and_no_damage(root):
    path = log_of(root)
    path.write_bytes(path.read_bytes()[:-3])
    store = opened(root)
    assert len(told(store)[LABELS[0]]) == 7
    assert store.findings == ()
    assert store.verify() == []
    store.append(scrape(8))
    assert len(told(store)[LABELS[0]]) == 8
    store.close()


@pytest.mark.parametrize("seed", range(20))
def test_a_flipped_bit_in_the_log_costs_its_record(root, seed):
    path, chance = log_of(root), random.Random(seed)
    flip(path, chance.randrange(600, path.stat().st_size - 200), chance.randrange(8))
    store = opened(root)
    found = told(store)[LABELS[0]]
    assert len(found) == 7
    assert all(value == time // 10_000 for time, value in found)
    assert named_in(store.findings, path)
    assert named_in(store.verify(), path)
    assert (root / "quarantine" / path.name).exists()
    store.append(scrape(8))
    assert len(told(store)[LABELS[0]]) == 8
    store.close()


def test_without_the_names_of_its_series_a_segment_is_lost_and_said(root):
    path = log_of(root)
    flip(path, 40)
    store = opened(root)
    assert told(store) == {}
    assert len(store.findings) > 1
    store.close()
