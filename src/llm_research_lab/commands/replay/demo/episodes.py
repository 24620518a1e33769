"""What happens in the quarter: each episode has a name, its spans, and what is true of it.

Instants are UTC. The quarter has both changes to summer time that the roster's people live through:
New York's on 8 March, Berlin's on 29 March.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from llm_research_lab.vocabulary import Instant

Span = tuple[Instant, Instant]


def _at(text: str) -> Instant:
    """Read ``02-24 03:10`` of the quarter's year."""
    moment = datetime.strptime(f"2026-{text}", "%Y-%m-%d %H:%M").replace(tzinfo=UTC)
    return int(moment.timestamp()) * 1000


@dataclass(frozen=True, slots=True)
class Episode:
    """Something that happens. `wanted` says whether a person should be woken for it.

    `alerts` are those that speak of it: a page of another at the same time is not for it.
    """

    name: str
    told: str
    spans: tuple[Span, ...]
    wanted: bool
    alerts: frozenset[str]


def _one(name: str, start: str, end: str, told: str, *, wanted: bool, alerts: str) -> Episode:
    return Episode(name, told, ((_at(start), _at(end)),), wanted, frozenset(alerts.split()))


EPISODES = (
    _one(
        "outage",
        "02-24 03:10",
        "02-24 03:52",
        "every instance of the API is down, in the night of the people on call",
        wanted=True,
        alerts="ServiceDown InstanceDown AvailabilitySLOViolation AvailabilitySLOBurning",
    ),
    _one(
        "gap",
        "03-02 11:00",
        "03-02 11:25",
        "nothing is scraped: nobody would see if the lab were ill",
        wanted=True,
        alerts="ServiceDown AuditLogGap",
    ),
    _one(
        "slow burn",
        "03-05 09:00",
        "03-11 09:00",
        "a quarter of a percent of requests fail, day and night: a matter for the next morning",
        wanted=False,
        alerts="AvailabilitySLOViolation AvailabilitySLOWarning AvailabilitySLOBurning",
    ),
    _one(
        "flapping",
        "03-17 08:00",
        "03-19 08:00",
        "the replica's lag goes to and fro around half a minute",
        wanted=False,
        alerts="DatabaseReplicationLag",
    ),
    _one(
        "provider",
        "03-23 00:00",
        "03-30 00:00",
        "one provider fails every twelfth call and answers slowly",
        wanted=False,
        alerts="ModelAPIErrors ModelAPIHighLatency ModelAPIFailures",
    ),
    _one(
        "runner outage",
        "03-31 01:20",
        "03-31 04:40",
        "both runners are down; experiments wait",
        wanted=True,
        alerts="ServiceDown ExperimentQueueBacklog",
    ),
    _one(
        "quiet",
        "04-04 00:00",
        "04-18 00:00",
        "a fortnight of holidays: hardly a request, no experiment",
        wanted=False,
        alerts="AuditLogGap AvailabilitySLOViolation LatencySLOViolation",
    ),
    _one(
        "no backup",
        "04-21 02:00",
        "04-23 02:00",
        "two nights' backups do not come to an end",
        wanted=True,
        alerts="BackupFailure",
    ),
    _one(
        "disk",
        "04-20 00:00",
        "04-27 12:00",
        "a database node's disk fills until somebody cleans it up",
        wanted=True,
        alerts="DiskSpaceLow DiskCapacityCritical",
    ),
    _one(
        "stuffing",
        "04-23 02:15",
        "04-23 02:45",
        "stolen passwords are tried against the API",
        wanted=True,
        alerts="UnauthorizedAccess UnauthorizedAccessAttempt MultipleFailedLogins",
    ),
    _one(
        "escalation of rights",
        "04-28 23:40",
        "04-28 23:48",
        "one account tries what it may not do, again and again",
        wanted=True,
        alerts="PrivilegeEscalationAttempt",
    ),
    _one(
        "exfiltration",
        "04-29 02:00",
        "04-29 03:00",
        "an account reads six times what it reads by day",
        wanted=True,
        alerts="UnusualDataAccess",
    ),
)
