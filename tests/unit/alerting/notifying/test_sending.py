"""When Prometheus sends an alert, and with which end."""

from llm_research_lab.alerting.notifying import Alert, Fired, sendings

S, MIN = 1_000, 60_000
X = (("alertname", "x"),)
TICKS = range(0, 60 * MIN, 15 * S)


def sent(fired, ticks=TICKS, interval=15 * S, **more):
    return [(at, alert.ends_ms) for at, alert in sendings(fired, ticks, interval, **more)]


def test_an_alert_is_sent_when_it_fires_and_again_after_more_than_the_delay():
    found = sent(Fired(X, MIN))[:3]
    assert found == [
        (MIN, 5 * MIN),
        (2 * MIN + 15 * S, 6 * MIN + 15 * S),
        (3 * MIN + 30 * S, 7 * MIN + 30 * S),
    ]


def test_the_end_is_four_times_the_longer_of_delay_and_interval_ahead():
    assert sent(Fired(X, 0), range(0, MIN, 1), 2 * MIN)[0] == (0, 8 * MIN)
    assert sent(Fired(X, 0), range(0, MIN, 1), S, resend_delay_ms=10 * S)[:2] == [
        (0, 40 * S),
        (10 * S + 1, 50 * S + 1),
    ]


def test_a_resolved_alert_is_sent_at_once_and_for_a_quarter_of_an_hour():
    found = sent(Fired(X, 0, 2 * MIN))
    assert found[:3] == [(0, 4 * MIN), (75 * S, 315 * S), (2 * MIN, 2 * MIN)]
    assert {end for at, end in found if at >= 2 * MIN} == {2 * MIN}
    assert found[3][0] == 3 * MIN + 15 * S
    assert found[-1][0] == 2 * MIN + 12 * 75 * S == 17 * MIN


def test_it_starts_when_it_fired_and_keeps_its_words():
    fired = Fired(X, 7, None, (("a", "b"),), "http://x")
    assert next(sendings(fired, TICKS, 15 * S)) == (
        15 * S,
        Alert(X, 7, 15 * S + 4 * MIN, (("a", "b"),), "http://x"),
    )
    assert sent(Fired(X, 0), ()) == []
