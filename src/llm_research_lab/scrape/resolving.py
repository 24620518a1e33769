"""DNS: a host's addresses by the system's resolver, a service's hosts (SRV) by a query of our own.

Source: RFC 1035 (messages), RFC 2782 (SRV).
"""

from __future__ import annotations

import secrets
import socket
import struct
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

SRV = 33
PORT = 53
SECONDS = 5.0
LARGEST = 65_535
RESOLV_CONF = Path("/etc/resolv.conf")

_FAMILIES = {"A": socket.AF_INET, "AAAA": socket.AF_INET6}
_HEADER = struct.Struct("!6H")
_RECORD = struct.Struct("!HHIH")
_POINTER = 0xC0
_TRUNCATED = 0x0200
_NO_SUCH_NAME = 3
_JUMPS = 64


def addresses(name: str, kind: Literal["A", "AAAA"]) -> list[tuple[str, int]]:
    """Give the name's addresses, each with port 0. Raises OSError."""
    found = socket.getaddrinfo(name, None, _FAMILIES[kind], socket.SOCK_STREAM)
    return sorted({(str(one[4][0]), 0) for one in found})


def services(name: str, servers: Sequence[tuple[str, int]] | None = None) -> list[tuple[str, int]]:
    """Give hosts and ports of the service, from the first server that answers. Raises OSError."""
    failed: OSError = OSError("no nameserver is configured")
    for server in nameservers() if servers is None else servers:
        try:
            return answers(_asked(query(name, secrets.randbelow(1 << 16)), server))
        except OSError as error:
            failed = error
    raise failed


def nameservers(path: Path = RESOLV_CONF) -> list[tuple[str, int]]:
    """Read the system's nameservers."""
    lines = path.read_text(encoding="utf-8").splitlines()
    words = [line.split() for line in lines]
    return [(one[1], PORT) for one in words if len(one) > 1 and one[0] == "nameserver"]


def query(name: str, number: int) -> bytes:
    """Write the question for a name's SRV records."""
    parts = [part.encode("idna") for part in name.rstrip(".").split(".")]
    if any(not 0 < len(part) < _POINTER for part in parts):
        raise OSError(f"{name!r} is no DNS name")
    labels = b"".join(bytes([len(part)]) + part for part in parts)
    return _HEADER.pack(number, 0x0100, 1, 0, 0, 0) + labels + b"\0" + struct.pack("!HH", SRV, 1)


def answers(message: bytes) -> list[tuple[str, int]]:
    """Read hosts and ports from an answer; a name that does not exist has none. Raises OSError."""
    try:
        _, flags, questions, count, _, _ = _HEADER.unpack_from(message)
        if flags & 0xF not in {0, _NO_SUCH_NAME}:
            raise OSError(f"the nameserver answers with code {flags & 0xF}")
        at = _HEADER.size
        for _ in range(questions):
            at = _name(message, at)[1] + 4
        found = []
        for _ in range(count):
            at = _name(message, at)[1]
            kind, _, _, length = _RECORD.unpack_from(message, at)
            at += _RECORD.size
            if kind == SRV:
                (port,) = struct.unpack_from("!H", message, at + 4)
                found.append((_name(message, at + 6)[0], port))
            at += length
    except (struct.error, IndexError, UnicodeDecodeError) as error:
        raise OSError(f"the nameserver's answer is malformed: {error}") from None
    return sorted(found)


def _asked(question: bytes, server: tuple[str, int]) -> bytes:
    """Ask by UDP, and by TCP when the answer was cut."""
    family = socket.AF_INET6 if ":" in server[0] else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as one:
        one.settimeout(SECONDS)
        one.connect(server)
        one.send(question)
        answer = one.recv(LARGEST)
        while answer[:2] != question[:2]:
            answer = one.recv(LARGEST)
    if len(answer) < _HEADER.size or not _HEADER.unpack_from(answer)[1] & _TRUNCATED:
        return answer
    with socket.create_connection(server, SECONDS) as two:
        two.sendall(struct.pack("!H", len(question)) + question)
        stream = two.makefile("rb")
        head = stream.read(2)
        return stream.read(int.from_bytes(head, "big"))


def _name(message: bytes, at: int) -> tuple[str, int]:
    """Read a name, following its pointers; give it and the place after it."""
    parts: list[str] = []
    after = -1
    for _ in range(_JUMPS * 2):
        length = message[at]
        if length >= _POINTER:
            after = at + 2 if after < 0 else after
            at = (length & 0x3F) << 8 | message[at + 1]
        elif length:
            parts.append(message[at + 1 : at + 1 + length].decode("ascii"))
            at += 1 + length
        else:
            return ".".join(parts), at + 1 if after < 0 else after
    raise OSError("the nameserver's answer has a name without end")
