"""JSON values from the bytes of a file, however many there are and however they were put together.

One object, JSON Lines, objects one after the other, a list, with or without gzip, in UTF-8 or in the UTF-16
that Windows PowerShell writes. What is damaged is told and passed over: reading goes on after it if it can.
"""

from __future__ import annotations

import codecs
import json
import zlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, BinaryIO

from dsmcertfix.budgets import RESULT_FILE, RESULT_RATIO, RESULT_UNPACKED, RESULT_VALUE

CHUNK = 1 << 20
"""Bytes that are read, and characters that are unpacked, at a time."""

_NEAR = 16
"""A word or an escape that is cut off is told at its beginning, so many characters before the end at most."""

_MARK = 4
"""So many bytes tell what a stream is."""

_GZIP = b"\x1f\x8b"
_BETWEEN = " \t\r\n,[]\x1e\ufeff"
_ENCODINGS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


@dataclass(frozen=True, slots=True)
class Damage:
    """A part of a file that is no JSON; `line` counts from 1, None where the whole file cannot be read."""

    reason: str
    line: int | None = None


class TooMuch(Exception):
    """The data become more than what is read."""


def values(
    stream: BinaryIO, within: Callable[[int], None] = lambda _: None
) -> Iterator[dict[str, Any] | Damage]:
    """Every JSON object in the stream, in order, and the damage between them.

    `within` is told how many bytes there are, unpacked, before they are looked at. It may raise TooMuch: then
    the rest is not read. Never raises for what is in the stream, but OSError when it cannot be read.
    """
    try:
        yield from _Splitter(decoded(_counted(_unpacked(stream), within))).values()
    except TooMuch as error:
        yield Damage(str(error))
    except (zlib.error, EOFError) as error:
        yield Damage(f"the compressed data is damaged: {error}")


def _counted(chunks: Iterator[bytes], within: Callable[[int], None]) -> Iterator[bytes]:
    for chunk in chunks:
        within(len(chunk))
        yield chunk


def _unpacked(stream: BinaryIO) -> Iterator[bytes]:
    """The bytes, of all members if they are gzip's. Raises zlib.error and EOFError for damaged ones."""
    chunk = stream.read(CHUNK)
    while 0 < len(chunk) < _MARK and (more := stream.read(CHUNK)):
        chunk += more
    if chunk[:2] != _GZIP:
        while chunk:
            yield chunk
            chunk = stream.read(CHUNK)
        return
    packed, unpacked = len(chunk), 0
    while chunk:
        unpacker = zlib.decompressobj(wbits=31)
        while not unpacker.eof:
            if not chunk:
                raise EOFError("it is cut off")
            piece = unpacker.decompress(chunk, CHUNK)
            unpacked += len(piece)
            if unpacked > max(RESULT_UNPACKED.cap, RESULT_RATIO.cap * packed):
                raise TooMuch(f"it becomes more than {RESULT_RATIO.cap} times as large when it is unpacked")
            yield piece
            chunk = unpacker.unconsumed_tail
            if not chunk and not unpacker.eof:
                chunk = stream.read(CHUNK)
                packed += len(chunk)
        # Zeros may pad the end of an archive.
        chunk = unpacker.unused_data.lstrip(b"\0")
        if not chunk:
            chunk = stream.read(CHUNK)
            packed += len(chunk)
            chunk = chunk.lstrip(b"\0")


def decoded(pieces: Iterable[bytes]) -> Iterator[str]:
    """The text of the bytes: UTF-8, or UTF-16 where its mark stands first."""
    first, chunks = b"", iter(pieces)
    for chunk in chunks:
        first += chunk
        if len(first) >= _MARK:
            break
    named = (encoding for mark, encoding in _ENCODINGS if first.startswith(mark))
    # A byte that is wrong costs a character and not the file.
    decoder = codecs.getincrementaldecoder(next(named, "utf-8"))("replace")
    yield decoder.decode(first)
    for chunk in chunks:
        yield decoder.decode(chunk)


class _Splitter:
    """Takes values off the front of a text that comes in pieces."""

    def __init__(self, pieces: Iterator[str]):
        self._pieces = pieces
        self._buffer = ""
        self._at = 0
        self._line = 1
        self._read = 0
        self._decoder = json.JSONDecoder()

    def values(self) -> Iterator[dict[str, Any] | Damage]:
        """The values and the damage; what stands between values is passed over."""
        while self._skip_between():
            try:
                value, end = self._decoder.raw_decode(self._buffer, self._at)
            except (ValueError, RecursionError) as error:
                if self._is_cut_off(error) and self._read_on(len(self._buffer) - self._at):
                    continue
                yield Damage(_reason(error), self._line_of(self._at))
                self._skip_to_object(self._at)
                continue
            if isinstance(value, dict):
                yield value
                self._at = end
            else:
                yield Damage("it holds something else than objects", self._line_of(self._at))
                self._skip_to_object(end)
        if self._read > RESULT_FILE.cap:
            yield Damage("it is larger than what is read of one file")

    def _skip_between(self) -> bool:
        """`_at` is at the beginning of something; False at the end."""
        while True:
            buffer, at = self._buffer, self._at
            while at < len(buffer) and buffer[at] in _BETWEEN:
                at += 1
            self._at = at
            if at < len(buffer):
                return True
            if not self._read_on(0):
                return False

    def _skip_to_object(self, at: int) -> None:
        """`_at` is at the next object that begins a line, or at the end: damage is told once, not by line."""
        self._at = at
        while (found := self._buffer.find("\n{", self._at)) < 0:
            # The line end may be the last character here, and the brace the first of the next piece.
            self._at = max(self._at, len(self._buffer) - 1)
            if not self._read_on(0):
                self._at = len(self._buffer)
                return
        self._at = found + 1

    def _is_cut_off(self, error: Exception) -> bool:
        """Whether the error may come from the end of the buffer, and not from the text itself."""
        if not isinstance(error, json.JSONDecodeError):
            return False
        return error.msg.startswith("Unterminated string") or error.pos >= len(self._buffer) - _NEAR

    def _read_on(self, more: int) -> bool:
        """At least `more` characters came to what is left of the buffer; False at the end and at a limit."""
        if len(self._buffer) - self._at > RESULT_VALUE.cap or self._read > RESULT_FILE.cap:
            return False
        pieces, length = [], 0
        for piece in self._pieces:
            pieces.append(piece)
            length += len(piece)
            if length > more:
                break
        if not length:
            return False
        self._line += self._buffer.count("\n", 0, self._at)
        self._buffer = self._buffer[self._at :] + "".join(pieces)
        self._at = 0
        self._read += length
        return True

    def _line_of(self, at: int) -> int:
        return self._line + self._buffer.count("\n", 0, at)


def _reason(error: Exception) -> str:
    if isinstance(error, RecursionError):
        return "it is nested too deeply"
    told = error.msg.removesuffix(" starting at") if isinstance(error, json.JSONDecodeError) else str(error)
    return f"it is no JSON: {told}"
