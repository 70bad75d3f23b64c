"""Reads IBM's option files, dsm.sys and dsm.opt, as the client does: bytes in, values out.

Owns the grammar. Never opens a file, never fails on a file's content, and never keeps the value of PASSWORD,
which stands in clear text in some dsm.opt files; no message quotes a value other than a stanza's name.

The grammar (option reference, 8.1.10 and 8.2.2 manuals): a line is `keyword value`, indented at will; `*` as
the first character that is not blank makes it a comment; keywords may be in any case and cut short down to
the capitals of the manual. Quotes stand around file specifications with blanks. In dsm.sys a stanza goes from
its SERVERNAME to the next one, and only DEFAULTSERVER may stand outside. REPLSERVERNAME opens the stanza of a
failover server, which the client writes itself. An option that is not listed here is not looked at.

What the manuals leave open, and what is assumed: an option given twice counts as given last; stanza names are
compared without case; a line ends at a NUL, as a C string does; there is no trailing comment and no
continuation line.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from operator import itemgetter
from pathlib import Path

from dsmcertfix import NamedTuple, budgets
from dsmcertfix.model import Server, Stanza
from dsmcertfix.wording import printable

DEFAULT_PORT = 1500
"""TCPPORT when a stanza has none (TCPPORT option, 8.2.2 manual)."""

_KEYWORDS = (
    ("SERVERNAME", 2),
    ("TCPSERVERADDRESS", 4),
    ("TCPPORT", 4),
    ("PASSWORDDIR", 11),
    ("ERRORLOGNAME", 9),
    ("REPLSERVERNAME", 11),
    # The manual's examples show these two as `NODEname` and `MYREPLICATIONServer`, not their diagrams.
    ("NODENAME", 3),
    ("MYREPLICATIONSERVER", 14),
    # No diagram of these was seen: the shortest form that can mean nothing else.
    ("PASSWORDACCESS", 9),
    ("DEFAULTSERVER", 8),
    ("REPLTCPSERVERADDRESS", 8),
    ("REPLTCPPORT", 8),
    ("REPLSSLPORT", 8),
    # Shorter than the manual may allow: a `No` that is overlooked removes trust that cannot come back.
    ("SSLACCEPTCERTFROMSERV", 9),
)
"""The options that matter here, each with the length of its shortest form."""

_OPTIONS = {
    name[:length].lower().encode(): name
    for name, least in _KEYWORDS
    for length in range(least, len(name) + 1)
}
_OPENERS = ("SERVERNAME", "REPLSERVERNAME")
# Zeroes in front are none of the number.
_PORT = re.compile(rb"0*([0-9]{1,5})\Z")
_LARGEST_PORT = 65535
_SHORTEST_GENERATE = 3
_MOST_WARNINGS = 20
_LONGEST_SHOWN = 80
_UTF8_BOM = b"\xef\xbb\xbf"
_UTF16_BOMS = (b"\xff\xfe", b"\xfe\xff")


class SystemOptions(NamedTuple):
    """A dsm.sys: its stanzas in the order of the file, replication stanzas among them."""

    stanzas: tuple[Stanza, ...] = ()
    default_server: str | None = None
    warnings: tuple[str, ...] = ()


class UserOptions(NamedTuple):
    """A dsm.opt: the stanza that it selects, and the options of its own.

    `stanza` is None unless the file says where a server is: then, on a system without dsm.sys, it is the only
    stanza, with `replication` as its failover servers.
    """

    servername: str | None = None
    stanza: Stanza | None = None
    replication: tuple[Stanza, ...] = ()
    warnings: tuple[str, ...] = ()


def read_system_options(data: bytes, path: Path, most: budgets.Budget = budgets.STANZAS) -> SystemOptions:
    """What a dsm.sys says. Never raises; `path` is only named in the result.

    What comes after `most` stanzas is left out, with a warning. A stanza without TCPSERVERADDRESS has no
    `server`, although the client then looks on its own host: a guess would judge a certificate by whatever
    answers there.
    """
    notes = _Notes(path)
    drafts: list[_Draft] = []
    default_server: str | None = None
    current: _Draft | None = None
    for entry in _entries(data, notes):
        if entry.option == "DEFAULTSERVER":
            default_server = _name(entry.value)
        elif entry.option in _OPENERS:
            if len(drafts) >= most.cap:
                notes.left_out(most.exceeded())
                break
            current = _opened(entry, notes)
            if current is not None:
                drafts.append(current)
        elif current is None:
            notes.add(entry.line, f"{entry.option} stands outside every stanza and has no effect")
        else:
            current.take(entry, notes)
    _note_duplicates(drafts, notes)
    stanzas = tuple(_stanza(draft, path, notes) for draft in drafts)
    return SystemOptions(stanzas, default_server, notes.all())


def read_user_options(data: bytes, path: Path) -> UserOptions:
    """What a dsm.opt says. Never raises; `path` is only named in the result."""
    notes = _Notes(path)
    own = _Draft(path.name, 1)
    drafts: list[_Draft] = []
    current: _Draft | None = None
    servername: str | None = None
    for entry in _entries(data, notes):
        if entry.option == "SERVERNAME":
            servername, own.line = _name(entry.value) or None, entry.line
        elif entry.option == "REPLSERVERNAME":
            current = _opened(entry, notes)
            if current is not None:
                drafts.append(current)
        elif not entry.option.startswith("REPL"):
            own.take(entry, notes)
        elif current is not None:
            current.take(entry, notes)
    own.name = servername or _name(own.value("TCPSERVERADDRESS")) or own.name
    has_server = bool(own.value("TCPSERVERADDRESS"))
    return UserOptions(
        servername,
        _stanza(own, path, notes) if has_server else None,
        tuple(_stanza(draft, path, notes) for draft in drafts),
        notes.all(),
    )


class _Entry(NamedTuple):
    """One line with an option that matters; `value` is not decoded and has no blanks around it."""

    line: int
    option: str
    value: bytes


class _Draft:
    """A stanza while its lines are read."""

    def __init__(self, name: str, line: int, replication: bool = False):
        self.name, self.line, self.replication = name, line, replication
        self.values: dict[str, _Entry] = {}
        self.failover: dict[str, None] = {}

    def take(self, entry: _Entry, notes: _Notes) -> None:
        if entry.option != "MYREPLICATIONSERVER":
            self.values[entry.option] = entry
            return
        for name in _names(entry.value):
            if len(self.failover) >= budgets.FAILOVER.cap:
                notes.left_out(f"stanza {_shown(self.name)}: {budgets.FAILOVER.exceeded()}")
                return
            self.failover[name] = None

    def value(self, option: str) -> bytes:
        entry = self.values.get(option)
        return entry.value if entry is not None else b""


class _Notes:
    """The warnings about one file; the first ones, and how many more there were."""

    def __init__(self, path: Path):
        self._path = path
        self._kept: list[tuple[int, str]] = []
        self._count = 0
        self._left_out: dict[str, None] = {}

    def add(self, line: int, text: str) -> None:
        self._count += 1
        if self._count <= _MOST_WARNINGS:
            self._kept.append((line, f"{self._path}, line {line}: {text}"))

    def left_out(self, text: str) -> None:
        """What is over a budget is told once, however many warnings there are."""
        if len(self._left_out) < _MOST_WARNINGS:
            self._left_out[f"{self._path}: {text}"] = None

    def all(self) -> tuple[str, ...]:
        more = self._count - len(self._kept)
        told = (text for _, text in sorted(self._kept, key=itemgetter(0)))
        return (*told, *self._left_out, *([f"{self._path}: {more} more warnings"] if more > 0 else []))


def lines_of(data: bytes) -> tuple[list[bytes], bool]:
    """The lines of an option file, as many as the budget allows, and whether there are more.

    A line ends at LF, CRLF or a lone CR, and at nothing else.
    """
    text = data.removeprefix(_UTF8_BOM).replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    # No more than that is ever split: a list of millions of empty lines takes a hundred times their bytes.
    lines = text.split(b"\n", budgets.LINES.cap)
    rest = lines.pop() if len(lines) > budgets.LINES.cap else b""
    if lines and not lines[-1] and not rest:
        lines.pop()
    return lines, bool(rest)


def option_named(word: bytes) -> str | None:
    """The option that a line's first word names, of those that matter here."""
    return _OPTIONS.get(word.lower())


def _entries(data: bytes, notes: _Notes) -> Iterator[_Entry]:
    if data.startswith(_UTF16_BOMS):
        notes.add(1, "the file is in UTF-16, which the client cannot read: save it as plain text")
        return
    lines, has_more = lines_of(data)
    if has_more:
        notes.left_out(budgets.LINES.exceeded())
    for number, raw in enumerate(lines, start=1):
        line = raw
        if b"\0" in raw:
            line = raw[: raw.index(b"\0")]
            notes.add(number, "the line has a NUL character and is read up to there")
        words = line.split(None, 1)
        option = option_named(words[0]) if words else None
        if option is None:
            continue
        value = words[1].strip() if len(words) > 1 else b""
        if len(value) > budgets.VALUE.cap:
            notes.left_out(f"line {number}: {option} has {budgets.VALUE.exceeded()}")
            value = b""
        if not value and option not in _OPENERS:
            notes.add(number, f"{option} has no value")
            continue
        yield _Entry(number, option, value)


def _opened(entry: _Entry, notes: _Notes) -> _Draft | None:
    name = _name(entry.value)
    if not name:
        # What follows must not fall to the stanza before it.
        notes.add(entry.line, f"{entry.option} has no value: this stanza cannot be selected")
        return None
    return _Draft(name, entry.line, entry.option == "REPLSERVERNAME")


def _note_duplicates(drafts: list[_Draft], notes: _Notes) -> None:
    seen: dict[tuple[str, bool], int] = {}
    for draft in drafts:
        key = (draft.name.casefold(), draft.replication)
        if key in seen:
            notes.add(draft.line, f"stanza {_shown(draft.name)} is there already in line {seen[key]}")
        else:
            seen[key] = draft.line


def _stanza(draft: _Draft, path: Path, notes: _Notes) -> Stanza:
    access = draft.value("PASSWORDACCESS").split(None, 1)
    generate = access[0].lower() if access else b""
    return Stanza(
        draft.name,
        path,
        draft.line,
        server=_server(draft, notes),
        node=_name(draft.value("NODENAME")) or None,
        passworddir=_file(draft, "PASSWORDDIR", notes),
        password_generate=len(generate) >= _SHORTEST_GENERATE and b"generate".startswith(generate),
        accept_certificate=not draft.value("SSLACCEPTCERTFROMSERV").lower().startswith(b"n"),
        replication=draft.replication,
        errorlogname=_file(draft, "ERRORLOGNAME", notes),
        failover=tuple(draft.failover),
    )


def _server(draft: _Draft, notes: _Notes) -> Server | None:
    prefix = "REPL" if draft.replication and draft.value("REPLTCPSERVERADDRESS") else ""
    address = _name(draft.value(f"{prefix}TCPSERVERADDRESS")).removeprefix("[").removesuffix("]")
    if not address:
        notes.add(draft.line, f"stanza {_shown(draft.name)} does not say where its server is")
        return None
    entry = draft.values.get(f"{prefix}TCPPORT") or draft.values.get("REPLSSLPORT" if prefix else "")
    if entry is None:
        return Server(address, DEFAULT_PORT)
    written = _PORT.match(entry.value.split(None, 1)[0])
    port = int(written[1]) if written else 0
    if not 1 <= port <= _LARGEST_PORT:
        notes.add(entry.line, f"{entry.option} of stanza {_shown(draft.name)} is no port number")
        return None
    return Server(address, port)


def _names(value: bytes) -> list[str]:
    """A value that is a list: names with commas or blanks between them, as many as there are."""
    return [_name(word) for word in value.translate(None, b"\"'").replace(b",", b" ").split()]


def _name(value: bytes) -> str:
    """A value of one word. Bytes that are not UTF-8 are taken for Latin-1."""
    quoted = _quoted(value)
    words = [quoted[0]] if quoted is not None else value.split(None, 1)
    word = words[0] if words else b""
    try:
        return word.decode("utf-8")
    except UnicodeDecodeError:
        return word.decode("latin-1")


def _file(draft: _Draft, option: str, notes: _Notes) -> str | None:
    """A file specification, in the form that Python uses for a path of the same bytes."""
    entry = draft.values.get(option)
    if entry is None:
        return None
    quoted = _quoted(entry.value)
    if quoted is None:
        if len(entry.value.split(None, 1)) > 1:
            notes.add(entry.line, f"{option} has blanks but no quotes; all of it is taken for the name")
        return entry.value.decode("utf-8", "surrogateescape")
    text, closed = quoted
    if not closed:
        notes.add(entry.line, f"{option} has an opening quote only")
    return text.decode("utf-8", "surrogateescape") or None


def _quoted(value: bytes) -> tuple[bytes, bool] | None:
    """What is between quotes and whether they close, None for a value that does not begin with a quote."""
    if value[:1] not in (b'"', b"'"):
        return None
    text, closing, _ = value[1:].partition(value[:1])
    return text.strip(), bool(closing)


def _shown(name: str) -> str:
    """A name as a message may show it: printable and short."""
    text = printable(name)
    return text if len(text) <= _LONGEST_SHOWN else f"{text[:_LONGEST_SHOWN]}..."
