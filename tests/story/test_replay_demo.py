"""``lab replay demo``: a made-up month; what the specification's files miss, and whom they wake."""

from __future__ import annotations

import json

import numpy as np
import pytest
from tests.servers.browser import opened
from tests.story.conftest import cli

from llm_research_lab.commands.replay.demo import TARGETS, World, life

DAYS = 31


@pytest.fixture(scope="module")
def demo(tmp_path_factory):
    """The demonstration, once: where it is, its report, and what it printed."""
    place = tmp_path_factory.mktemp("demo")
    report, keep = place / "report.html", place / "kept"
    given = ("--days", str(DAYS), "--keep", str(keep), "--report", str(report))
    status, out, err = cli("replay", "demo", *given, data_dir=place / "none")
    assert status == 0, err
    return keep, report, out


def test_the_terminal_shows_what_was_missed_and_who_was_woken_for_nothing(demo):
    _, _, out = demo
    assert "What really happened" in out
    (outage,) = (line for line in out.splitlines() if line.startswith("outage"))
    assert outage.count("Lise after") == 2
    (gap,) = (line for line in out.splitlines() if line.startswith("gap"))
    assert "missed" in gap
    assert "0 after" in out.splitlines()[-3]


def test_the_report_shows_a_person_the_same(demo):
    _, report, _ = demo
    with opened(report.as_uri(), color_scheme="light") as page:
        page.wait_for_selector("html[data-ready=yes]")
        rows = page.locator("#truth tbody tr")
        assert "missed" in rows.nth(1).inner_text()
        assert page.is_visible("#comparison-box")
        after = page.locator("#woken tbody tr").count()
        page.check("input[value=before]")
        assert page.locator("#woken tbody tr").count() > after
        page.click("#more")
        assert page.locator("#woken tbody tr").count() > 50
        page.click("#comparison summary")
        page.click("#comparison button:has-text('new')")
        kinds = page.locator("#differences tbody tr td:first-child").all_inner_texts()
        assert set(kinds) == {"new"}


def test_the_timeline_zooms_moves_and_shows_all_by_the_keyboard(demo):
    _, report, _ = demo
    with opened(report.as_uri(), viewport={"width": 1000, "height": 800}) as page:
        page.wait_for_selector("html[data-ready=yes]")
        drawn = lambda: page.evaluate("document.querySelector('canvas').toDataURL()")  # noqa: E731
        all_of_it = drawn()
        page.focus("#timeline")
        page.keyboard.press("+")
        near = drawn()
        page.keyboard.press("ArrowRight")
        moved = drawn()
        page.keyboard.press("0")
        assert len({all_of_it, near, moved}) == 3
        assert drawn() == all_of_it
        page.click("#theme")
        assert drawn() != all_of_it, "dark is drawn in other colours"


def test_nothing_is_cut_off_on_a_small_screen_or_on_paper(demo):
    _, report, _ = demo
    with opened(report.as_uri(), viewport={"width": 390, "height": 800}) as page:
        page.wait_for_selector("html[data-ready=yes]")
        assert page.evaluate("document.documentElement.scrollWidth") <= 390
        page.emulate_media(media="print")
        assert page.is_hidden("#filter")
        assert page.is_visible("#woken")


def test_a_changed_file_is_replayed_on_the_history_that_is_there(demo):
    keep, _, _ = demo
    made = (keep / "history" / "made").stat().st_mtime_ns
    rules = keep / "corrected" / "rules" / "alerts.yml"
    rules.write_text(rules.read_text().replace("for: 2m", "for: 20m"))
    given = ("--days", str(DAYS), "--keep", str(keep), "--json")
    status, out, err = cli("replay", "demo", *given, data_dir=keep / "none")
    assert status == 0, err
    assert (keep / "history" / "made").stat().st_mtime_ns == made
    (outage, *_) = json.loads(out)["truth"]["episodes"]
    assert outage["after"]["after_seconds"] > 20 * 60 > outage["before"]["after_seconds"]


def test_two_worlds_of_one_seed_are_equal_and_of_another_are_not():
    one, same, other = (
        [column for target in life(World(2, seed)) for column in target] for seed in (1, 1, 2)
    )
    assert len(list(life(World(1)))) == TARGETS
    for left, right in zip(one, same, strict=True):
        assert left.labels == right.labels
        np.testing.assert_array_equal(left.values, right.values)
    assert any(
        left.values.shape != right.values.shape or (left.values != right.values).any()
        for left, right in zip(one, other, strict=True)
    )
