"""Every way in which results are put together is read; damage is told and passed over."""

from __future__ import annotations

import gzip
import io
import json
import zlib
from collections.abc import Iterator
from typing import Any, BinaryIO, cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dsmcertfix.budgets import RESULT_FILE, RESULT_VALUE
from dsmcertfix.fleet import reading
from dsmcertfix.fleet.reading import Damage, values

ONE, TWO, THREE = {"a": 1}, {"b": [1, {"c": "}\n{"}]}, {"d": "é€😀"}
PRETTY = json.dumps(TWO, indent=2)
LINES = "\n".join(json.dumps(one) for one in (ONE, TWO, THREE))


def read(data: bytes) -> list[dict[str, Any] | Damage]:
    return list(values(io.BytesIO(data)))


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        pytest.param(json.dumps(ONE).encode(), [ONE], id="one object"),
        pytest.param(PRETTY.encode(), [TWO], id="an indented object"),
        pytest.param(LINES.encode(), [ONE, TWO, THREE], id="lines"),
        pytest.param((LINES + "\n\n").encode(), [ONE, TWO, THREE], id="lines and empty ones"),
        pytest.param(LINES.replace("\n", "\r\n").encode(), [ONE, TWO, THREE], id="lines of Windows"),
        pytest.param(LINES.replace("\n", "").encode(), [ONE, TWO, THREE], id="one after the other"),
        pytest.param((PRETTY + PRETTY).encode(), [TWO, TWO], id="indented, one after the other"),
        pytest.param(json.dumps([ONE, TWO, THREE]).encode(), [ONE, TWO, THREE], id="a list"),
        pytest.param(json.dumps([ONE, TWO], indent=2).encode(), [ONE, TWO], id="an indented list"),
        pytest.param(b"\x1e{}\n\x1e{}\n", [{}, {}], id="a JSON text sequence (RFC 7464)"),
        pytest.param(LINES.encode("utf-8-sig"), [ONE, TWO, THREE], id="UTF-8 with a mark"),
        pytest.param(LINES.encode("utf-16"), [ONE, TWO, THREE], id="UTF-16 as PowerShell writes it"),
        pytest.param(b"\xfe\xff" + LINES.encode("utf-16-be"), [ONE, TWO, THREE], id="UTF-16, big end first"),
        pytest.param(gzip.compress(LINES.encode()), [ONE, TWO, THREE], id="gzip"),
        pytest.param(gzip.compress(b"{}\n") + gzip.compress(b"{}"), [{}, {}], id="gzip of several members"),
        pytest.param(gzip.compress(b"{}") + b"\0" * 600, [{}], id="gzip that is padded"),
        pytest.param(gzip.compress(LINES.encode("utf-16")), [ONE, TWO, THREE], id="gzip of UTF-16"),
        pytest.param(b"", [], id="nothing"),
        pytest.param(b" \n\t", [], id="blanks"),
        pytest.param(b"[]", [], id="an empty list"),
    ],
)
def test_results_are_read_however_they_were_put_together(data: bytes, expected: list[dict[str, Any]]) -> None:
    assert read(data) == expected


@pytest.mark.parametrize("size", [1, 2, 3, 7, 64])
def test_it_does_not_matter_where_a_piece_ends(size: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "CHUNK", size)
    for data in (LINES.encode(), PRETTY.encode() * 3, gzip.compress(LINES.encode()), LINES.encode("utf-16")):
        assert [one for one in read(data) if isinstance(one, Damage)] == []
    broken = b'{"a": 1}\n{"cut": \n{"b": 2}\nnonsense\n{"c": 3}'
    found = read(broken)
    assert [one for one in found if isinstance(one, dict)] == [{"a": 1}, {"b": 2}, {"c": 3}]


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.dictionaries(st.text(max_size=8), st.text() | st.integers(), max_size=4), max_size=8),
    st.sampled_from([None, 2]),
    st.sampled_from(["\n", " ", "\n\n", ","]),
    st.integers(1, 40),
)
def test_whatever_objects_there_are_come_back(
    objects: list[dict[str, Any]], indent: int | None, between: str, size: int
) -> None:
    text = between.join(json.dumps(one, indent=indent, ensure_ascii=False) for one in objects)
    data = text.encode("utf-8", "surrogatepass").decode("utf-8", "replace")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(reading, "CHUNK", size)
        assert read(data.encode()) == [
            json.loads(json.dumps(one).encode("utf-8", "replace")) for one in objects
        ]


@pytest.mark.parametrize(
    ("data", "reason", "line"),
    [
        (b'{"a": 1', "it is no JSON: Expecting ',' delimiter", 1),
        (b'{"a": "xyz', "it is no JSON: Unterminated string", 1),
        (b"Collected on Tuesday.", "it is no JSON: Expecting value", 1),
        (b"\x89PNG\r\n\x1a\n" + bytes(range(256)), "it is no JSON: Expecting value", 1),
        (b"MZ\x90\0" * 9000, "it is no JSON: Expecting value", 1),
        (b"12 13 14", "it holds something else than objects", 1),
        (b'"a text"\n{"a": 1', "it holds something else than objects", 1),
        (b"\n\n  nonsense", "it is no JSON: Expecting value", 3),
        (b"[" * 9 + b"{" * 9, "it is no JSON", 1),
        (b'{"a":' * 100_000, "it is nested too deeply", 1),
    ],
)
def test_damage_is_told_with_its_line(data: bytes, reason: str, line: int) -> None:
    first = read(data)[0]
    assert isinstance(first, Damage)
    assert first.reason.startswith(reason) and first.line == line


def test_one_damaged_line_costs_no_other() -> None:
    lines = [b'{"n": 1}', b'{"n": 2', b'{"n": 3}', b"garbage", b"more garbage", b'{"n": 4}', b'{"n"']
    found = read(b"\n".join(lines))
    assert [one["n"] for one in found if isinstance(one, dict)] == [1, 3, 4]
    assert [one.line for one in found if isinstance(one, Damage)] == [2, 4, 7]


def test_a_file_of_something_else_is_told_once_and_not_by_line() -> None:
    assert len(read(b"a line of a log\n" * 100_000)) == 1


@pytest.mark.parametrize(
    "data",
    [
        gzip.compress(LINES.encode())[:-20],
        gzip.compress(LINES.encode())[:30],
        gzip.compress(LINES.encode())[:-8] + b"\0\0\0\0\0\0\0\0",
        b"\x1f\x8b" + bytes(40),
        b"\x1f\x8b",
    ],
)
def test_damaged_gzip_is_told(data: bytes) -> None:
    last = read(data)[-1]
    assert isinstance(last, Damage) and last.reason.startswith("the compressed data is damaged")
    assert last.line is None


def test_a_byte_that_is_no_utf_8_costs_a_character_and_not_the_file() -> None:
    assert read(b'{"a": "x\xffy"}\n{"b": 1}') == [{"a": "x\ufffdy"}, {"b": 1}]


class Endless(io.RawIOBase):
    """A stream that says how much of it was asked for."""

    def __init__(self, block: bytes) -> None:
        self._block, self.asked = block, 0

    def read(self, size: int = -1, /) -> bytes:
        self.asked += size
        return self._block[:size]


def test_a_value_that_never_ends_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "RESULT_VALUE", RESULT_VALUE._replace(cap=3 << 20))
    monkeypatch.setattr(reading, "RESULT_FILE", RESULT_FILE._replace(cap=40 << 20))
    stream = Endless(b'"' + b"x" * reading.CHUNK)
    found = list(values(cast("BinaryIO", stream)))
    assert isinstance(found[0], Damage)
    assert stream.asked < 60 << 20


def test_a_bomb_is_not_read_to_its_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "RESULT_FILE", RESULT_FILE._replace(cap=8 << 20))
    packer = zlib.compressobj(wbits=31)
    bomb = b"".join(packer.compress(b" " * (1 << 20)) for _ in range(200)) + packer.flush()
    unpacked = 0

    def counted(pieces: Iterator[bytes]) -> Iterator[bytes]:
        nonlocal unpacked
        for piece in pieces:
            unpacked += len(piece)
            yield piece

    real = reading._unpacked
    monkeypatch.setattr(reading, "_unpacked", lambda stream: counted(real(stream)))
    assert read(bomb) == [Damage("it is larger than what is read of one file", None)]
    assert unpacked < 12 << 20


def test_what_cannot_be_read_is_an_os_error() -> None:
    class Broken(io.RawIOBase):
        def read(self, size: int = -1, /) -> bytes:
            raise OSError("disk on fire")

    with pytest.raises(OSError, match="disk on fire"):
        list(values(cast("BinaryIO", Broken())))
