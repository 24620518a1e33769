"""The hash of a series' labels is Prometheus's: XXH64 of names and values, each ended by 0xFF.

Source: Prometheus, model/labels (Labels.Hash, sep); XXH64's specification, seed 0.
"""

from __future__ import annotations

from llm_research_lab.vocabulary.labels import Labels

_MASK = (1 << 64) - 1
_P1, _P2, _P3 = 0x9E3779B185EBCA87, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9
_P4, _P5 = 0x85EBCA77C2B2AE63, 0x27D4EB2F165667C5
_STRIPE = 32
SEPARATOR = b"\xff"


def hash_of(labels: Labels) -> int:
    """Give the 64-bit hash."""
    return xxh64(b"".join(f"{n}".encode() + SEPARATOR + v.encode() + SEPARATOR for n, v in labels))


def xxh64(data: bytes) -> int:
    """Give XXH64 with seed 0."""
    at, size = 0, len(data)
    if size >= _STRIPE:
        lanes = [(_P1 + _P2) & _MASK, _P2, 0, -_P1 & _MASK]
        while at + _STRIPE <= size:
            for lane in range(4):
                word = int.from_bytes(data[at + 8 * lane : at + 8 * lane + 8], "little")
                lanes[lane] = _round(lanes[lane], word)
            at += _STRIPE
        total = sum(_turned(lane, by) for lane, by in zip(lanes, (1, 7, 12, 18), strict=True))
        total &= _MASK
        for lane in lanes:
            total = ((total ^ _round(0, lane)) * _P1 + _P4) & _MASK
    else:
        total = _P5
    return _avalanched(_rest((total + size) & _MASK, data[at:]))


def _rest(total: int, data: bytes) -> int:
    """Fold in what is left of the last stripe."""
    at = 0
    while at + 8 <= len(data):
        total ^= _round(0, int.from_bytes(data[at : at + 8], "little"))
        total = (_turned(total, 27) * _P1 + _P4) & _MASK
        at += 8
    if at + 4 <= len(data):
        total ^= int.from_bytes(data[at : at + 4], "little") * _P1 & _MASK
        total = (_turned(total, 23) * _P2 + _P3) & _MASK
        at += 4
    for byte in data[at:]:
        total = _turned(total ^ (byte * _P5 & _MASK), 11) * _P1 & _MASK
    return total


def _avalanched(total: int) -> int:
    total = (total ^ total >> 33) * _P2 & _MASK
    total = (total ^ total >> 29) * _P3 & _MASK
    return total ^ total >> 32


def _round(total: int, word: int) -> int:
    return _turned((total + word * _P2) & _MASK, 31) * _P1 & _MASK


def _turned(word: int, by: int) -> int:
    return (word << by | word >> 64 - by) & _MASK
