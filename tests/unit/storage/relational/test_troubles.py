"""What the database cannot do now is UnavailableError; all else stays what it is."""

from __future__ import annotations

import sqlite3

import pytest
from sqlalchemy.exc import OperationalError

from llm_research_lab.storage.relational.troubles import code_of, told
from llm_research_lab.vocabulary import UnavailableError


def of(code):
    error = sqlite3.OperationalError("disk I/O error")
    error.sqlite_errorcode = code
    return error


@pytest.mark.parametrize(
    ("code", "said"),
    [
        (sqlite3.SQLITE_BUSY, "database locked"),
        (sqlite3.SQLITE_BUSY_SNAPSHOT, "database locked"),
        (sqlite3.SQLITE_FULL, "disk full"),
        (sqlite3.SQLITE_READONLY, "a read-only one"),
        (sqlite3.SQLITE_CANTOPEN, "a read-only one"),
        (sqlite3.SQLITE_CORRUPT, "a damaged or foreign file"),
        (sqlite3.SQLITE_IOERR_FSYNC, "disk I/O error"),
    ],
)
def test_each_trouble_is_told_in_words_with_its_cause(code, said):
    cause = of(code)
    error = told(cause)
    assert isinstance(error, UnavailableError)
    assert error.got == said
    assert error.__cause__ is cause


def test_a_trouble_is_recognised_through_sqlalchemys_wrapping():
    assert code_of(OperationalError("SELECT", {}, of(sqlite3.SQLITE_FULL))) == sqlite3.SQLITE_FULL


@pytest.mark.parametrize("error", [of(sqlite3.SQLITE_ERROR), ValueError("mine")])
def test_another_error_stays_itself(error):
    assert told(error) is error
