"""Settings are read once; flags win over the environment, which wins over the file."""

from __future__ import annotations

import os
from contextlib import contextmanager

import pytest

from llm_research_lab.service.children import environment_of
from llm_research_lab.service.settings import Settings, check_host, read_settings
from llm_research_lab.vocabulary import InvalidError, LabError


@contextmanager
def environment(**variables):
    before = dict(os.environ)
    os.environ.update(variables)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


def test_a_flag_wins_over_the_environment_which_wins_over_the_file(tmp_path):
    (tmp_path / "lab.toml").write_text("port = 1\ndrain_seconds = 2\nlog_files = 5\n")
    with environment(LAB_PORT="3", LAB_DRAIN_SECONDS="4"):
        found = read_settings({"data_dir": tmp_path, "port": 6, "host": None})
    assert (found.port, found.drain_seconds, found.log_files) == (6, 4, 5)
    assert found.host == "127.0.0.1"


def test_names_are_a_list_or_one_text_with_commas(tmp_path):
    (tmp_path / "lab.toml").write_text('hosts = ["a", "b"]\n')
    assert read_settings({"data_dir": tmp_path}).hosts == {"a", "b"}
    with environment(LAB_HOSTS="lab.example, other", LAB_TRUSTED_PROXIES=""):
        found = read_settings({"data_dir": tmp_path})
    assert found.hosts == {"lab.example", "other"}
    assert found.trusted_proxies == frozenset()


def test_every_mistake_is_said_at_once_with_what_was_meant(tmp_path):
    (tmp_path / "lab.toml").write_text("prot = 1\nlog_files = 0\ndata_dir = 'x'\n")
    with environment(LAB_DRAIN_SECOND="3"), pytest.raises(InvalidError) as refused:
        read_settings({"data_dir": tmp_path})
    wheres = {finding.where: finding.fix for finding in refused.value.findings}
    assert wheres["setting prot"] == "did you mean port?"
    assert wheres["LAB_DRAIN_SECOND"] == "did you mean LAB_DRAIN_SECONDS?"
    assert "setting log_files" in wheres
    assert "lab.toml line 3" in wheres


def test_a_broken_file_is_said_with_its_path(tmp_path):
    (tmp_path / "lab.toml").write_text("port = = 1\n")
    with pytest.raises(InvalidError, match=r"lab\.toml"):
        read_settings({"data_dir": tmp_path})


def test_another_services_variable_is_not_ours(tmp_path):
    with environment(LAB_SERVICE_HOST="10.0.0.1", LAB_PORT_8080_TCP="tcp://10.0.0.1:8080"):
        read_settings({"data_dir": tmp_path})


def test_plain_text_beyond_loopback_must_be_said(tmp_path):
    with pytest.raises(LabError, match="--insecure"):
        check_host(read_settings({"data_dir": tmp_path, "host": "0.0.0.0"}))
    check_host(read_settings({"data_dir": tmp_path, "host": "0.0.0.0", "insecure": True}))


def test_a_secret_is_never_shown(tmp_path):
    with environment(LAB_KEY="hush"):
        found = read_settings({"data_dir": tmp_path})
    assert found.key is not None
    assert found.key.reveal() == "hush"
    assert "hush" not in repr(found) + str(found.model_dump_json())


def test_a_child_reads_the_same_settings_and_no_clients_key(tmp_path):
    given = {
        "data_dir": tmp_path,
        "port": 0,
        "insecure": True,
        "hosts": "a,b",
        "drain_seconds": 2.5,
        "log_level": "debug",
        "log_levels": {"llm_research_lab.storage": "debug", "httpx": "info"},
    }
    with environment(LAB_KEY="hush", LAB_URL="http://there"):
        ours = read_settings(given)
        environ = environment_of(ours)
    assert "hush" not in str(environ)
    with environment(**{k: v for k, v in environ.items() if k.startswith("LAB_")}):
        theirs = read_settings({})
    served = set(Settings.model_fields) - {"key", "url", "key_file"}
    assert theirs.model_dump(include=served) == ours.model_dump(include=served)


def test_levels_of_loggers_are_a_text_or_a_table(tmp_path):
    wanted = {"llm_research_lab.storage": "debug", "httpx": "info"}
    with environment(LAB_LOG_LEVELS="llm_research_lab.storage=debug, httpx=info"):
        assert read_settings({"data_dir": tmp_path}).log_levels == wanted
    table = '[log_levels]\n"llm_research_lab.storage" = "debug"\nhttpx = "info"\n'
    (tmp_path / "lab.toml").write_text(table)
    assert read_settings({"data_dir": tmp_path}).log_levels == wanted
    with environment(LAB_LOG_LEVELS="httpx"), pytest.raises(InvalidError) as refused:
        read_settings({"data_dir": tmp_path})
    assert "log_levels.httpx" in refused.value.where


def test_what_a_process_reads_again_is_not_handed_down_from_the_file(tmp_path):
    (tmp_path / "lab.toml").write_text('log_level = "warn"\nlog_files = 5\n')
    environ = environment_of(read_settings({"data_dir": tmp_path}))
    assert "LAB_LOG_LEVEL" not in environ
    assert environ["LAB_LOG_FILES"] == "5"
