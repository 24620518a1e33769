"""Which routes take an alert, and how it is grouped."""

import json

import pytest

from llm_research_lab.alerting.notifying import read_routes
from llm_research_lab.alerting.notifying.routing import Routing, group_key, group_labels, routes_of
from llm_research_lab.vocabulary.labels import labels_of

TREE = {
    "receiver": "default",
    "group_by": ["alertname"],
    "routes": [
        {
            "matchers": ['team="a"'],
            "receiver": "a",
            "group_by": ["..."],
            "group_wait": "1m",
            "routes": [
                {"matchers": ['env="test"'], "receiver": "a-test", "group_by": ["env", "gone"]},
                {"matchers": ['env=~"prod|live"'], "continue": True, "repeat_interval": "1h"},
                {"matchers": ['env="prod"'], "receiver": "a-prod", "continue": True},
                {"matchers": ['env="prod"'], "receiver": "a-more"},
                {"matchers": ['env="prod"'], "receiver": "a-never"},
            ],
        },
        {"match": {"team": "b"}, "receiver": "b", "continue": True, "routes": [{"matchers": []}]},
        {"match_re": {"team": "b|c"}, "receiver": "c", "group_interval": "7m"},
    ],
}


@pytest.fixture
def root():
    names = {"default", "a", "a-test", "a-prod", "a-more", "a-never", "b", "c"}
    text = json.dumps({"route": TREE, "receivers": [{"name": name} for name in sorted(names)]})
    configuration, findings = read_routes(text, where="x")
    assert configuration is not None, findings
    return configuration.route


@pytest.mark.parametrize(
    ("labels", "receivers"),
    [
        ({}, ["default"]),
        ({"team": "z"}, ["default"]),
        ({"team": "a"}, ["a"]),
        ({"team": "a", "env": "test"}, ["a-test"]),
        ({"team": "a", "env": "live"}, ["a"]),
        ({"team": "a", "env": "prod"}, ["a", "a-prod", "a-more"]),
        ({"team": "b"}, ["b", "c"]),
        ({"team": "c"}, ["c"]),
    ],
)
def test_the_deepest_routes_take_and_only_continue_lets_go_on(root, labels, receivers):
    assert [route.receiver for route in routes_of(root, labels_of(labels))] == receivers


def test_routes_that_do_not_match_take_nothing(root):
    assert routes_of(root.routes[0], ()) == ()


def test_keys_are_paths_and_ids_know_the_place(root):
    prod = root.routes[0].routes[2:4]
    assert {route.key for route in prod} == {'{}/{team="a"}/{env="prod"}'}
    assert [route.id for route in prod] == [
        '{}/{team="a"}/0/{env="prod"}/2',
        '{}/{team="a"}/0/{env="prod"}/3',
    ]
    assert root.routes[1].routes[0].key == '{}/{team="b"}/{}'
    assert root.key == root.id == "{}"
    ids = [route.id for route in root.walk()]
    assert len(ids) == len(set(ids)) == 10


def test_a_child_has_its_parents_settings_where_it_names_none(root):
    a, live = root.routes[0], root.routes[0].routes[1]
    assert (root.group_wait_ms, root.group_interval_ms) == (30_000, 300_000)
    assert root.repeat_interval_ms == 4 * 3_600_000
    assert (a.group_wait_ms, a.group_by) == (60_000, None)
    assert (live.receiver, live.group_wait_ms, live.group_by) == ("a", 60_000, None)
    assert (live.repeat_interval_ms, live.group_interval_ms) == (3_600_000, 300_000)
    assert root.routes[0].routes[0].group_by == {"env", "gone"}
    assert root.routes[2].group_interval_ms == 7 * 60_000
    assert (root.goes_on, live.goes_on, root.routes[1].goes_on) == (False, True, True)


def test_a_group_has_the_labels_that_the_alert_has(root):
    labels = labels_of({"alertname": "x", "team": "a", "env": "test"})
    assert group_labels(root, labels) == (("alertname", "x"),)
    assert group_labels(root.routes[0], labels) == labels
    assert group_labels(root.routes[0].routes[0], labels) == (("env", "test"),)
    assert group_key(root, (("alertname", "x"),)) == '{}:{alertname="x"}'
    assert group_key(root.routes[0], ()) == '{}/{team="a"}:{}'


def test_answers_are_remembered_by_label_set(root):
    routing = Routing(root)
    labels = labels_of({"team": "b", "alertname": "x"})
    first = routing.of(labels)
    assert [(route.receiver, group) for route, group in first] == [
        ("b", (("alertname", "x"),)),
        ("c", (("alertname", "x"),)),
    ]
    assert routing.of(labels) is first


def test_no_more_answers_are_remembered_than_may_be(root):
    routing = Routing(root, most=2)
    sets = [labels_of({"team": one}) for one in "abc"]
    first = [routing.of(labels) for labels in sets]
    assert routing.of(sets[2]) is first[2]
    assert routing.of(sets[0]) is not first[0]
    assert routing.of(sets[0]) == first[0]
