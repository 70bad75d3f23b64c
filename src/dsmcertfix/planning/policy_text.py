"""From the text of a policy file to a policy, and the other way round. Pure.

Every error says where in the file it is. What is not known is an error, too: a word that is misspelled would
otherwise be a rule that does not hold.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import date, datetime
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Any, NoReturn

from dsmcertfix import NamedTuple, budgets
from dsmcertfix.errors import UsageError
from dsmcertfix.planning import toml_places
from dsmcertfix.planning.policy import Allowed, MachineRule, Others, Policy, ServerRule

SCHEMA = "dsmcertfix.policy/1"

_OTHERS: Mapping[str, Others] = {"report": "report", "remove": "remove"}
_SPAN = re.compile(r"(\d{1,6}) ?([smhd]?)\Z")
_UNITS = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86400}
_WORDS: Mapping[type, str] = {
    str: "a text in quotes",
    bool: "true or false",
    int: "a whole number",
    date: "a day, as 2027-01-31, without quotes",
    list: "a list",
    dict: "a table",
}


def parse(text: str, source: Path) -> Policy:
    """The policy, without what is in the files that it names. Raises UsageError with line and column."""
    return _Reader(text, source).policy()


def span_s(text: str) -> float | None:
    """Seconds from `90s`, `15m`, `4h`, `1d` or a bare number of seconds; None for anything else."""
    found = _SPAN.match(text.strip().lower())
    seconds = int(found[1]) * _UNITS[found[2]] if found is not None else None
    return float(seconds) if seconds is not None and seconds <= budgets.SPREAD_S.cap else None


class _Table(NamedTuple):
    """A table of the file, and the way to it."""

    path: toml_places.Path
    values: Mapping[str, Any]


class _Reader:
    def __init__(self, text: str, source: Path):
        self._text, self._source = text, source

    def policy(self) -> Policy:
        """The policy. Raises UsageError."""
        try:
            top = _Table((), toml_places.read(self._text))
        except toml_places.NotToml as error:
            raise self._error(error.message, error.line, error.column) from None
        if "schema" not in top.values:
            self._refuse((), f'`schema = "{SCHEMA}"` is missing')
        self._only(top, "schema", "expires", "note", "server", "machine")
        if self._text_of(top, "schema") != SCHEMA:
            self._refuse(("schema",), f"this release knows `{SCHEMA}` only")
        self._text_of(top, "note")
        servers = tuple(self._server(item) for item in self._tables(top, "server", budgets.POLICY_SERVERS))
        self._each_once(servers)
        machine = self._value(top, "machine", dict)
        rule = MachineRule() if machine is None else self._machine(_Table(("machine",), machine))
        return Policy(servers, rule, self._value(top, "expires", date), self._source)

    def _each_once(self, servers: tuple[ServerRule, ...]) -> None:
        first: dict[str, int] = {}
        for number, rule in enumerate(servers):
            for name in rule.names:
                if first.setdefault(name.casefold(), number) != number:
                    earlier = toml_places.place(self._text, ("server", first[name.casefold()], "name"))
                    message = f"the server `{name}` is named twice, the first time in line {earlier[0]}"
                    self._refuse(("server", number, "name"), message)

    def _server(self, table: _Table) -> ServerRule:
        self._only(table, "name", "addresses", "others", "trust_on_first_use", "note", "certificate")
        self._text_of(table, "note")
        names = (self._required(table, "name"), *self._texts(table, "addresses"))
        others = self._text_of(table, "others") or "report"
        if others not in _OTHERS:
            self._refuse((*table.path, "others"), f"`{others}` is neither `report` nor `remove`")
        found = self._tables(table, "certificate", budgets.POLICY_CERTIFICATES)
        certificates = tuple(self._certificate(item) for item in found)
        seen: set[str] = set()
        for number, one in enumerate(certificates):
            if one.sha256 in seen:
                self._refuse((*table.path, "certificate", number, "sha256"), "it is listed twice")
            seen.add(one.sha256)
        first_use = bool(self._value(table, "trust_on_first_use", bool))
        if not certificates and not first_use:
            self._refuse((*table.path, "name"), f"no certificate of `{names[0]}` is allowed")
        return ServerRule(tuple(dict.fromkeys(names)), certificates, _OTHERS[others], first_use)

    def _certificate(self, table: _Table) -> Allowed:
        self._only(table, "sha256", "from", "until", "file", "note")
        self._text_of(table, "note")
        given = self._required(table, "sha256")
        sha256 = re.sub(r"[\s:]", "", given).lower()
        if not re.fullmatch(r"[0-9a-f]{64}", sha256):
            digits = f"{len(sha256)} characters" if re.fullmatch(r"[0-9a-f]*", sha256) else "no hex number"
            message = f"a SHA-256 fingerprint has 64 hex digits, and this is {digits}"
            self._refuse((*table.path, "sha256"), message)
        since, until = self._value(table, "from", date), self._value(table, "until", date)
        if since is not None and until is not None and until < since:
            self._refuse((*table.path, "until"), f"{until} comes before `from`, {since}")
        file = self._text_of(table, "file")
        if file == "":
            self._refuse((*table.path, "file"), "no file is named")
        return Allowed(sha256, since, until, file)

    def _machine(self, table: _Table) -> MachineRule:
        self._only(table, "leave_out_users", "max_stores", "spread", "hooks", "hook_timeout", "note")
        self._text_of(table, "note")
        most = self._value(table, "max_stores", int)
        if most is not None and most < 1:
            self._refuse((*table.path, "max_stores"), "at least 1 is needed")
        hooks = self._texts(table, "hooks")
        for number, hook in enumerate(hooks):
            if not PurePosixPath(hook).is_absolute() and not PureWindowsPath(hook).is_absolute():
                self._refuse((*table.path, "hooks", number), f"`{hook}` is not an absolute path")
        spread, limit = self._span(table, "spread"), self._span(table, "hook_timeout")
        return MachineRule(
            self._texts(table, "leave_out_users"),
            most,
            spread or 0.0,
            tuple(map(Path, hooks)),
            MachineRule().hook_limit_s if limit is None else limit,
        )

    # --- values

    def _span(self, table: _Table, name: str) -> float | None:
        given = self._text_of(table, name)
        if given is None:
            return None
        seconds = span_s(given)
        if not seconds:
            message = f'`{given}` is no time up to {budgets.SPREAD_S.cap // 3600} hours, as "4h" or "30m"'
            self._refuse((*table.path, name), message)
        return seconds

    def _value(self, table: _Table, name: str, kind: type) -> Any:
        """The value of that name if it is of that kind, None where there is none."""
        value = table.values.get(name)
        # True is a number to Python, and a time of day is a day.
        if value is not None and (type(value) is not kind or isinstance(value, datetime)):
            self._refuse((*table.path, name), f"`{name}` must be {_WORDS[kind]}")
        return value

    def _text_of(self, table: _Table, name: str) -> str | None:
        value: str | None = self._value(table, name, str)
        if value is not None and len(value) > budgets.POLICY_TEXT.cap:
            self._refuse((*table.path, name), budgets.POLICY_TEXT.exceeded())
        return value

    def _required(self, table: _Table, name: str) -> str:
        value = (self._text_of(table, name) or "").strip()
        if not value:
            self._refuse((*table.path, name) if name in table.values else table.path, f"`{name}` is missing")
        return value

    def _texts(self, table: _Table, name: str) -> tuple[str, ...]:
        values = self._value(table, name, list) or []
        for number, value in enumerate(values):
            if not isinstance(value, str) or not value.strip() or len(value) > budgets.POLICY_TEXT.cap:
                self._refuse((*table.path, name, number), f"`{name}` must be a list of texts in quotes")
        if len(values) > budgets.POLICY_NAMES.cap:
            self._refuse((*table.path, name), budgets.POLICY_NAMES.exceeded())
        return tuple(values)

    def _tables(self, table: _Table, name: str, budget: budgets.Budget) -> Iterator[_Table]:
        values = self._value(table, name, list) or []
        if len(values) > budget.cap:
            self._refuse((*table.path, name, budget.cap), budget.exceeded())
        for number, value in enumerate(values):
            if not isinstance(value, dict):
                self._refuse((*table.path, name, number), f"write `[[{name}]]`, and its values below it")
            yield _Table((*table.path, name, number), value)

    def _only(self, table: _Table, *known: str) -> None:
        for name in table.values:
            if name not in known:
                message = f"`{name}` is not known here; known are {', '.join(known)}"
                self._refuse((*table.path, name), message)

    def _refuse(self, path: toml_places.Path, message: str) -> NoReturn:
        raise self._error(message, *toml_places.place(self._text, path))

    def _error(self, message: str, line: int, column: int) -> UsageError:
        return UsageError("policy-not-valid", f"`{self._source}`, line {line}, column {column}: {message}")


def written(servers: Iterable[tuple[ServerRule, tuple[str, ...]]], head: tuple[str, ...]) -> str:
    """A policy file for these servers, each with remarks, below a comment of these lines."""
    lines = [*(f"# {_one_line(line)}".rstrip() for line in head), f'schema = "{SCHEMA}"']
    for rule, remarks in servers:
        lines += ["", *(f"# {_one_line(line)}" for line in remarks), "[[server]]"]
        lines.append(f"name = {_quoted(rule.names[0])}")
        if rule.names[1:]:
            lines.append(f"addresses = [{', '.join(map(_quoted, rule.names[1:]))}]")
        lines += [f"others = {_quoted(rule.others)}", f"trust_on_first_use = {str(rule.first_use).lower()}"]
        for one in rule.certificates:
            lines += ["", "[[server.certificate]]", f"sha256 = {_quoted(one.sha256)}"]
            lines += [f"from = {one.since}"] if one.since else []
            lines += [f"until = {one.until}"] if one.until else []
            lines += [f"file = {_quoted(one.file)}"] if one.file else []
    return "\n".join(lines) + "\n"


def _quoted(text: str) -> str:
    """The text as a string of TOML."""
    escaped = (char if char >= " " and char not in '"\\\x7f' else f"\\u{ord(char):04x}" for char in text)
    return f'"{"".join(escaped)}"'


def _one_line(text: str) -> str:
    return "".join(char if char >= " " and char != "\x7f" else "?" for char in text)
