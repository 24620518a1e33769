"""Named groups of rules: every case that once differed, and what chance seldom finds."""

from __future__ import annotations

import json

from tests.reference.chains import Chain


def cases(first):
    """Make the groups; `@` is a group's number."""
    made = []

    def add(layer, rules, reads=(), **more):
        number = first + len(made)
        own = json.loads(json.dumps(rules).replace("@", str(number)))
        made.append(Chain(number, layer, 1000, own, reads, **more))

    # A rule before the one that it reads sees the tick before; one that reads itself counts ticks.
    add(
        0,
        [
            {"record": "g@:late", "expr": "g@:early"},
            {"record": "g@:early", "expr": "sum by (job) (up)"},
            {"record": "g@:both", "expr": "g@:late + on (job) g@:early"},
            {"record": "g@:self", "expr": "g@:self + 1 or vector(0)"},
        ],
    )
    # Alerts of two states of one alert: their series of one name end only when both have ended.
    add(
        0,
        [
            {"alert": "G@A0", "expr": "up == 0", "for": "1s"},
            {"alert": "G@A1", "expr": 'ALERTS{alertname="G@A0"}'},
            {"alert": "G@A2", "expr": 'ALERTS{alertname="G@A1"}', "for": "2s"},
            {"alert": "G@A3", "expr": 'time() - ALERTS_FOR_STATE{alertname="G@A0"} > 2'},
            {
                "record": "g@:n",
                "expr": 'count by (alertname, alertstate) (ALERTS{alertname=~"G@.*"})',
            },
        ],
    )
    # Two rules write one series: what comes second is refused, and goes on when the first has ended.
    add(
        0,
        [
            {"record": "g@:one", "expr": "load > 3"},
            {"record": "g@:one", "expr": "load + 1"},
            {"record": "g@:one", "expr": "load"},
            {"record": "g@:read", "expr": "changes(g@:one[3s])"},
            {"alert": "G@A", "expr": "up == 1", "for": "1s"},
            {"alert": "G@A", "expr": "up == 0 or up == 1", "keep_firing_for": "1s"},
            {"alert": "G@A", "expr": "nothing"},
        ],
    )
    # More than the limit: alerts are forgotten, series stand, until it is kept again.
    add(
        0,
        [
            {"record": "g@:few", "expr": "up == 1"},
            {"alert": "G@A0", "expr": "up == 0", "for": "1s", "keep_firing_for": "2s"},
            {"alert": "G@A1", "expr": "up == 1"},
            {"record": "g@:seen", "expr": 'count(ALERTS{alertname=~"G@.*"})'},
        ],
        limit=2,
    )
    # An alert that is kept firing keeps its value and its annotations.
    add(
        0,
        [
            {
                "alert": "G@A",
                "expr": "up == 0",
                "keep_firing_for": "3s",
                "annotations": {"all": '{{ query "sum(load)" | first | value }} {{ $value }}'},
            }
        ],
    )
    # Annotations see what was there before the rule: neither its own series nor a later rule's.
    own = '{{ range query "g@:after or count(ALERTS{alertname=\\"G@A\\"})" }}{{ .Value }} {{ end }}'
    add(
        0,
        [
            {"record": "g@:before", "expr": "sum(load)"},
            {"alert": "G@A", "expr": "up", "annotations": {"own": own}},
            {"record": "g@:after", "expr": "sum(load)"},
        ],
    )
    # Two groups write one series, at different phases.
    one = first + len(made)
    add(0, [{"record": "g@:shared", "expr": "load"}])
    add(1, [{"record": f"g{one}:shared", "expr": "up == 1"}], (one,))
    # Two groups read each other.
    one = first + len(made)
    add(0, [{"record": "g@:r", "expr": f"g{one + 1}:r + 1 or up"}], (one + 1,), circular=True)
    add(
        1,
        [
            {"record": "g@:r", "expr": f"sum by (job, instance) (g{one}:r)"},
            {"alert": "G@A", "expr": f"g@:r - on (job, instance) g{one}:r == 0", "for": "1s"},
        ],
        (one,),
        circular=True,
    )
    return made
