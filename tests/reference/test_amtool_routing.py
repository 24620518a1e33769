"""amtool and ours send the same labels to the same receivers, in the same order.

Trees with every kind of matcher, both spellings, ``continue`` and inherited receivers are generated;
many label sets go through each.
"""

from __future__ import annotations

import json
import random
import subprocess

import pytest
from tests.servers.alertmanager_server import amtool

from llm_research_lab.alerting.notifying import read_routes, receivers_at, routes_of
from llm_research_lab.vocabulary.labels import labels_of

NAMES = ("severity", "team", "alertname", "a_1")
VALUES = ("critical", "warning", "x", "a b", "", 'q"uote', "back\\slash", "ä", "line\nbreak", "1.5")
EXPRESSIONS = ("crit.*", "x|warning", ".*", ".+", "", "[^x]+", "(?i)WARNING", "a.b", "line.break")
RECEIVERS = ("r0", "r1", "r2", "r3")


def quoted(text):
    """A value in a matcher's double quotes."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'


def matchers_of(dice):
    """Matchers in one of the spellings, or none."""
    names = dice.sample(NAMES, dice.choice([0, 1, 1, 1, 2]))
    exact = {name: dice.choice(VALUES) for name in names}
    if dice.random() < 0.2:
        return {"match": exact}
    if dice.random() < 0.2:
        return {"match_re": {name: dice.choice(EXPRESSIONS) for name in names}}
    lines = []
    for name in names:
        op = dice.choice(["=", "!=", "=~", "!~"])
        value = dice.choice(EXPRESSIONS if "~" in op else VALUES)
        lines.append(f"{name}{dice.choice(['', ' '])}{op}{quoted(value)}")
    if dice.random() < 0.3:
        lines = ["{" + ", ".join(lines) + "}"]
    return {"matchers": lines}


def route_of(dice, depth):
    """A route below the root."""
    route = matchers_of(dice)
    if dice.random() < 0.7:
        route["receiver"] = dice.choice(RECEIVERS)
    if dice.random() < 0.4:
        route["continue"] = True
    if depth and dice.random() < 0.6:
        route["routes"] = [route_of(dice, depth - 1) for _ in range(dice.randint(1, 3))]
    return route


def tree_of(dice):
    """A whole configuration."""
    routes = [route_of(dice, 3) for _ in range(dice.randint(1, 5))]
    receivers = [{"name": name} for name in RECEIVERS]
    return json.dumps({"route": {"receiver": "r0", "routes": routes}, "receivers": receivers})


def labels_from(dice):
    """A label set; amtool takes none that is empty as a value."""
    return {name: dice.choice(VALUES) for name in dice.sample(NAMES, dice.randint(0, 4))}


def told(path, labels):
    """What amtool answers."""
    pairs = [f"{name}={quoted(value)}" for name, value in labels.items()]
    command = [amtool(), "config", "routes", "test", f"--config.file={path}", *pairs]
    done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def compared(folder, trees, sets, seed):
    """Send label sets through trees, theirs and ours."""
    dice = random.Random(seed)
    for number in range(trees):
        text = tree_of(dice)
        path = folder / f"{number}.yml"
        path.write_text(text)
        configuration, findings = read_routes(text, where=path.name, mode="classic")
        assert configuration is not None, (text, findings)
        for _ in range(sets):
            labels = labels_from(dice)
            routes = routes_of(configuration.route, labels_of(labels))
            ours = ",".join(route.receiver for route in routes)
            assert ours == told(path, labels), (text, labels)
            decided = receivers_at(configuration, labels_of(labels), 0)
            assert [one.route for one in decided] == list(routes)


def test_amtool_and_ours_route_alike(tmp_path):
    compared(tmp_path, 25, 8, 11)


@pytest.mark.long
def test_amtool_and_ours_route_alike_at_length(tmp_path):
    compared(tmp_path, 500, 10, 12)
