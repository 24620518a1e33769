"""DNS: questions and answers, and a nameserver of our own on loopback."""

import socket
import struct
import threading
from contextlib import contextmanager

import pytest

from llm_research_lab.scrape.resolving import addresses, answers, nameservers, query, services

ASKED = query("_a._tcp.b.", 7)


def record(kind, data):
    return b"\xc0\x0c" + struct.pack("!HHIH", kind, 1, 60, len(data)) + data


def answered(*records, flags=0x8180, question=ASKED):
    head = question[:2] + struct.pack("!5H", flags, 1, len(records), 0, 0)
    return head + question[12:] + b"".join(records)


def service(port, host):
    return record(33, struct.pack("!HHH", 1, 2, port) + host)


def test_a_question_asks_for_srv_records():
    assert ASKED[12:] == b"\x02_a\x04_tcp\x01b\x00\x00\x21\x00\x01"


def test_an_answer_gives_hosts_and_ports_of_services_alone():
    got = answers(
        answered(service(9, b"\x01y\xc0\x14"), record(1, b"\0\0\0\0"), service(8, b"\x01x\x01z\0"))
    )
    assert got == [("x.z", 8), ("y.b", 9)]
    assert answers(answered(flags=0x8183)) == []


@pytest.mark.parametrize(
    "message",
    [
        b"",
        answered(flags=0x8182),
        answered(service(1, b"\x05x"))[:-1],
        ASKED[:2] + struct.pack("!5H", 0x8180, 0, 1, 0, 0) + b"\xc0\x0c",
        answered(service(1, b"\x01\xff\0")),
    ],
)
def test_a_broken_answer_is_an_error(message):
    with pytest.raises(OSError, match="nameserver"):
        answers(message)


def test_a_name_that_dns_cannot_hold_is_an_error():
    with pytest.raises((OSError, UnicodeError)):
        query("a..b", 1)


def test_addresses_are_those_of_the_system():
    assert ("127.0.0.1", 0) in addresses("localhost", "A")


def test_nameservers_are_those_of_the_file(tmp_path):
    file = tmp_path / "resolv.conf"
    file.write_text("# x\nnameserver 127.0.0.9\nsearch a\nnameserver ::1\nnameserver\n")
    assert nameservers(file) == [("127.0.0.9", 53), ("::1", 53)]


@contextmanager
def nameserver(first, then=None):
    """Answers once by UDP (a stray answer before it), and once by TCP."""
    with (
        socket.create_server(("127.0.0.1", 0)) as tcp,
        socket.socket(type=socket.SOCK_DGRAM) as udp,
    ):
        udp.bind(tcp.getsockname())

        def serve():
            asked, who = udp.recvfrom(512)
            udp.sendto(bytes([asked[0] ^ 1]) + asked[1:], who)
            udp.sendto(first(asked), who)
            if then is not None:
                one, _ = tcp.accept()
                with one:
                    whole = then(one.recv(512)[2:])
                    one.sendall(struct.pack("!H", len(whole)) + whole)

        thread = threading.Thread(target=serve)
        thread.start()
        yield udp.getsockname()
        thread.join()


def test_the_first_server_that_answers_is_taken():
    with nameserver(lambda asked: answered(service(9, b"\x01x\0"), question=asked)) as server:
        assert services("_a._tcp.b", [("256.0.0.1", 1), server]) == [("x", 9)]


def test_a_cut_answer_is_asked_for_again_by_tcp():
    with nameserver(
        lambda asked: answered(flags=0x8380, question=asked),
        lambda asked: answered(service(9, b"\x01x\0"), question=asked),
    ) as server:
        assert services("_a._tcp.b", [server]) == [("x", 9)]


def test_without_a_server_that_answers_there_is_an_error():
    with pytest.raises(OSError, match="nameserver"):
        services("a", [])
