"""Every reason can be shown to a person."""

import pytest

from llm_research_lab.alerting.notifying import (
    AllResolved,
    FirstTold,
    Grouped,
    InhibitedBy,
    Invalid,
    MutedBy,
    NeverTold,
    NewFiring,
    NewResolved,
    NoIntegration,
    OutsideActive,
    Repeated,
    ResolvedNotSent,
    Routed,
    SilencedBy,
    TooSoon,
    Waiting,
)

X, Y = (("alertname", "x"),), (("alertname", "y"),)


@pytest.mark.parametrize(
    ("reason", "words"),
    [
        (Routed("{}", "r"), "routed by {} to r"),
        (Grouped(X), 'grouped by {alertname="x"}'),
        (FirstTold(), "first notification of the group"),
        (NewFiring((X, Y)), "2 newly firing"),
        (AllResolved(), "all resolved"),
        (NewResolved((X,)), "1 newly resolved"),
        (
            Repeated(0, 4 * 3_600_000),
            "repeated: last told 1970-01-01T00:00:00.000Z, more than 4h ago",
        ),
        (
            Waiting(30_000, "group_wait"),
            "waiting for its group until 1970-01-01T00:00:30.000Z (group_wait)",
        ),
        (
            InhibitedBy(3, (X, Y)),
            'inhibited by {alertname="x"}, {alertname="y"} (inhibit_rules[3])',
        ),
        (OutsideActive(("a", "b")), "outside the active time intervals a, b"),
        (MutedBy("a"), "muted by the time interval a"),
        (SilencedBy("s", 1_000), "silenced by s until 1970-01-01T00:00:01.000Z"),
        (TooSoon(1_000), "told already; repeated after 1970-01-01T00:00:01.000Z"),
        (NeverTold(), "resolved before the receiver heard of it"),
        (ResolvedNotSent(), "send_resolved is false"),
        (NoIntegration("r"), "the receiver r has no integrations"),
        (Invalid("w"), "refused: w"),
    ],
)
def test_a_reason_is_said_in_plain_words(reason, words):
    assert str(reason) == words
