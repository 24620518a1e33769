"""Each kind of thing that is audited has one function that words its entry."""

from __future__ import annotations

from typing import get_args

import pytest

from llm_research_lab import audit
from llm_research_lab.audit import INTERNAL, UNKNOWN, AuditAction, AuditOutcome, Origin, to_json

NOW = 1_700_000_000_123
ANN = Origin("ann", "10.0.0.7", "curl/8")

WORDED = [
    (
        audit.created(NOW, ANN, "dataset", "ds_1", {"name": "x"}),
        ("create", "dataset", "ds_1", "success"),
        {"event_type": "resource_created", "name": "x"},
    ),
    (
        audit.updated(NOW, ANN, "experiment", "ex_1", {"status": "paused"}),
        ("update", "experiment", "ex_1", "success"),
        {"event_type": "resource_updated", "status": "paused"},
    ),
    (
        audit.deleted(NOW, ANN, "key", "key_1"),
        ("delete", "key", "key_1", "success"),
        {"event_type": "resource_deleted"},
    ),
    (
        audit.data_access(NOW, ANN, "ds_1", "failure"),
        ("read", "dataset", "ds_1", "failure"),
        {"event_type": "data_access"},
    ),
    (
        audit.experiment_execution(NOW, ANN, "ex_1", "partial_success", {"failed": 3}),
        ("execute", "experiment", "ex_1", "partial_success"),
        {"event_type": "experiment_execution", "failed": 3},
    ),
    (
        audit.authorization_failure(NOW, ANN, "delete", "key", "key_1", {"needs": "admin"}),
        ("delete", "key", "key_1", "failure"),
        {
            "event_type": "authorization_failure",
            "reason": "insufficient_permissions",
            "needs": "admin",
        },
    ),
    (
        audit.access_denied(NOW, ANN, "api", "/v1/keys", "no key"),
        ("access_denied", "api", "/v1/keys", "failure"),
        {"event_type": "access_denied", "reason": "no key"},
    ),
    (
        audit.logged_in(NOW, ANN, "key_1"),
        ("login", "key", "key_1", "success"),
        {"event_type": "login"},
    ),
    (
        audit.logged_out(NOW, ANN, "key_1"),
        ("logout", "key", "key_1", "success"),
        {"event_type": "logout"},
    ),
]


@pytest.mark.parametrize(("entry", "what", "metadata"), WORDED)
def test_an_entry_says_what_happened_to_what_and_how_it_ended(entry, what, metadata):
    assert (entry.action, entry.resource_type, entry.resource_id, entry.outcome) == what
    assert entry.metadata == metadata
    assert entry.action in get_args(AuditAction)
    assert entry.outcome in get_args(AuditOutcome)


@pytest.mark.parametrize(("entry", "what", "metadata"), WORDED)
def test_an_entry_says_who_and_from_where_and_when(entry, what, metadata):
    assert (entry.user_id, entry.source_ip, entry.user_agent) == ("ann", "10.0.0.7", "curl/8")
    assert entry.timestamp == NOW


def test_every_word_of_the_spec_for_an_action_is_used():
    assert {entry.action for entry, _, _ in WORDED} == set(get_args(AuditAction))


def test_an_entry_is_written_in_the_specs_words_and_order():
    written = to_json(WORDED[0][0])
    assert list(written.items()) == [
        ("timestamp", "2023-11-14T22:13:20.123Z"),
        ("user_id", "ann"),
        ("action", "create"),
        ("resource_type", "dataset"),
        ("resource_id", "ds_1"),
        ("source_ip", "10.0.0.7"),
        ("user_agent", "curl/8"),
        ("outcome", "success"),
        ("metadata", {"event_type": "resource_created", "name": "x"}),
    ]


def test_what_no_request_asked_for_comes_from_inside():
    assert Origin(UNKNOWN) == Origin("unknown", INTERNAL, None)


def test_the_writer_of_metadata_cannot_be_changed_through_the_text():
    entry = WORDED[0][0]
    to_json(entry)["metadata"]["name"] = "other"
    assert entry.metadata["name"] == "x"
