"""Just enough DER to walk a key record and a certificate, on bytes that may be anything.

Works on offsets into one `bytes`, reads only the elements asked for, and never recurses: time and memory stay
linear whatever the bytes say.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from dsmcertfix import NamedTuple

if TYPE_CHECKING:
    from typing_extensions import Self

BOOLEAN = 0x01
INTEGER = 0x02
BIT_STRING = 0x03
OCTET_STRING = 0x04
NULL = 0x05
OBJECT_IDENTIFIER = 0x06
UTC_TIME, GENERALIZED_TIME = 0x17, 0x18
SEQUENCE = 0x30
SET = 0x31
VISIBLE_STRING = 0x1A
LABEL_STRINGS = frozenset((0x0C, 0x13, 0x14, 0x16, VISIBLE_STRING))


class Malformed(ValueError):
    """The bytes are not the DER that was asked for."""


class Element(NamedTuple):
    """One tag-length-value: it starts at `start`, its content at `content`, and both end before `end`."""

    tag: int
    start: int
    content: int
    end: int


class Cursor:
    """Takes elements from a stretch of `data`, one after the other."""

    def __init__(self, data: bytes, start: int = 0, end: int | None = None):
        self._data = data
        self._at = start
        self._end = len(data) if end is None else end

    @property
    def more(self) -> bool:
        """Whether anything is left."""
        return self._at < self._end

    def take(self, *tags: int) -> Element:
        """The next element. Raises Malformed when it is not whole, or not one of `tags` if there are any."""
        tag = self._byte(self._at)
        if tag & 0x1F == 0x1F:
            raise Malformed("a tag of several bytes")
        if tags and tag not in tags:
            raise Malformed(f"tag {tag:02x} where {' or '.join(f'{each:02x}' for each in tags)} belongs")
        length, content = self._length(self._at + 1)
        if length > self._end - content:
            raise Malformed(f"{length} bytes announced, {self._end - content} left")
        found = Element(tag, self._at, content, content + length)
        self._at = found.end
        return found

    def enter(self, *tags: int) -> Self:
        """A cursor over the content of the next element. Raises Malformed as `take` does."""
        found = self.take(*tags)
        return type(self)(self._data, found.content, found.end)

    def content(self, *tags: int) -> bytes:
        """The content of the next element. Raises Malformed as `take` does."""
        found = self.take(*tags)
        return self._data[found.content : found.end]

    def begins_with(self, tag: int) -> bool:
        """Whether the next element, if there is one, has that tag."""
        return self.more and self._data[self._at] == tag

    def close(self) -> None:
        """Nothing is left. Raises Malformed when something is."""
        if self.more:
            raise Malformed("more than belongs there")

    def whole(self, *tags: int) -> bytes:
        """The next element with its tag and length. Raises Malformed as `take` does."""
        found = self.take(*tags)
        return self._data[found.start : found.end]

    def _length(self, at: int) -> tuple[int, int]:
        first = self._byte(at)
        if first < 0x80:
            return first, at + 1
        size = first & 0x7F
        if not 1 <= size <= 4:
            raise Malformed("a length of no usable size")
        length = 0
        for offset in range(at + 1, at + 1 + size):
            length = length << 8 | self._byte(offset)
        return length, at + 1 + size

    def _byte(self, at: int) -> int:
        if at >= self._end:
            raise Malformed("it ends too early")
        return self._data[at]


class Strict(Cursor):
    """A cursor that takes no length but the shortest, as DER demands."""

    def _length(self, at: int) -> tuple[int, int]:
        length, content = super()._length(at)
        size = content - at - 1
        if size and (length < 0x80 or length >> 8 * (size - 1) == 0):
            raise Malformed("a length that is longer than need be")
        return length, content


def encode(tag: int, content: bytes) -> bytes:
    """The element with that tag and content."""
    size = len(content)
    if size < 0x80:
        return bytes((tag, size)) + content
    length = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes((tag, 0x80 | len(length))) + length + content


def encode_integer(value: int) -> bytes:
    """The INTEGER of a number that is not negative."""
    return encode(INTEGER, value.to_bytes(value.bit_length() // 8 + 1, "big"))
