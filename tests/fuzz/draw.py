"""Makes JSON values from bytes, with the words of our own files: so a fuzzer finds the types that hurt."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

DEPTH = 4


class Draw:
    """Takes small numbers and values from `data`; at its end everything is zero, so every draw ends."""

    def __init__(self, data: bytes):
        self._data = data
        self._at = 0

    @property
    def more(self) -> bool:
        """Whether anything is left."""
        return self._at < len(self._data)

    def number(self, limit: int) -> int:
        """A number below `limit`, which is 256 at most."""
        self._at += 1
        return self._data[self._at - 1] % limit if self._at <= len(self._data) else 0

    def text(self) -> str:
        """Up to 15 characters, whatever they are."""
        size = self.number(16)
        taken = self._data[self._at : self._at + size]
        self._at += size
        return taken.decode("utf-8", "surrogateescape")

    def one_of(self, words: Sequence[str]) -> str:
        """Mostly one of the words."""
        choice = self.number(len(words) + 1)
        return words[choice] if choice < len(words) else self.text()

    def value(self, words: Sequence[str], depth: int = DEPTH) -> Any:
        """Any JSON value; objects have mostly keys out of `words`."""
        kind = self.number(10 if depth else 7)
        match kind:
            case 0:
                return None
            case 1:
                return self.number(2) == 1
            case 2:
                return self.number(256) - 3
            case 3:
                return float("inf") if self.number(2) else 10**400
            case 4 | 5:
                return self.one_of(words)
            case 6:
                return self.text()
            case 7:
                return [self.value(words, depth - 1) for _ in range(self.number(4))]
        return {self.one_of(words): self.value(words, depth - 1) for _ in range(self.number(8))}
