"""A taken port means the next free one; what is bound is what serves."""

from __future__ import annotations

import os
import socket

import pytest

from llm_research_lab.service.ports import bind, bound_of, url_of
from llm_research_lab.telemetry.exposition import PORTS_TRIED
from llm_research_lab.vocabulary import InvalidError, UnavailableError


def test_any_port_is_one_that_takes_connections_at_once():
    bound = bind("127.0.0.1", 0)
    with bound.listener, socket.create_connection(("127.0.0.1", bound.port)):
        assert not bound.moved
        assert bound.url == f"http://127.0.0.1:{bound.port}"


def test_a_taken_port_means_a_later_one_and_is_said():
    taken = bind("127.0.0.1", 0)
    with taken.listener:
        bound = bind("127.0.0.1", taken.port)
        with bound.listener:
            assert taken.port < bound.port < taken.port + PORTS_TRIED
            assert bound.moved
            assert bound.wanted == taken.port


def test_no_free_port_is_said_with_what_to_do():
    last = 65_535
    with socket.socket() as holder:
        holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        holder.bind(("127.0.0.1", last))
        holder.listen()
        with pytest.raises(UnavailableError, match="every one taken"):
            bind("127.0.0.1", last)


def test_a_host_that_is_not_this_machines_is_the_users_mistake():
    for host in ("192.0.2.1", "no.such.host.invalid"):
        with pytest.raises(InvalidError, match="an address of this machine"):
            bind(host, 0)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may bind every port")
def test_a_port_of_the_system_is_refused_with_what_to_do():
    with pytest.raises(InvalidError, match="above 1023"):
        bind("127.0.0.1", 80)


def test_a_socket_is_taken_over_with_its_port():
    with bind("127.0.0.1", 0).listener as listener:
        found = bound_of(listener, "127.0.0.1")
        assert (found.port, found.moved) == (listener.getsockname()[1], False)


@pytest.mark.parametrize(
    ("host", "url"),
    [
        ("127.0.0.1", "http://127.0.0.1:80"),
        ("::1", "http://[::1]:80"),
        ("0.0.0.0", "http://127.0.0.1:80"),
        ("::", "http://[::1]:80"),
    ],
)
def test_the_url_is_one_that_a_client_here_can_use(host, url):
    assert url_of(host, 80) == url
