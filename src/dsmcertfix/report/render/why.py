"""Why: each cause of a result once, with what it covers, who must act, and the commands for that. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from dsmcertfix import NamedTuple
from dsmcertfix.errors import Problem
from dsmcertfix.report.causes import YOU, Cause
from dsmcertfix.report.reasons import NO_SERVER, servers_of, sessions_of
from dsmcertfix.report.render.answer import AFFECTED
from dsmcertfix.report.render.lines import command, wrap
from dsmcertfix.report.result import PresentedReport, Report, StoreReport
from dsmcertfix.wording import counted, plain, printable

ROOM = 22
"""Lines: a window of 24 has the command above them and the prompt below."""


class Level(NamedTuple):
    """How many causes, places and nodes of each, and notes are told, and what stands between paragraphs.

    `terse` leaves of the next commands only the first, and no steps.
    """

    causes: int
    places: int
    nodes: int
    notes: int
    between: str = "\n\n"
    terse: bool = False


LEVELS = (
    Level(4, 5, 16, 4),
    Level(3, 3, 13, 3),
    Level(3, 1, 13, 2),
    Level(3, 1, 13, 2, "\n"),
    Level(2, 1, 8, 2),
    Level(2, 1, 8, 2, "\n"),
    Level(2, 1, 4, 1, "\n"),
    Level(1, 1, 2, 1, "\n"),
    Level(1, 0, 1, 1, "\n", terse=True),
)
"""From all that there is to what fits in any case."""


class Why:
    """The causes of a result as paragraphs of that width, with so much in each as `level` says."""

    def __init__(self, report: Report, width: int, level: Level):
        self._report, self._width, self._level = report, width, level
        self._told: tuple[int, ...] = ()

    def paragraphs(self, causes: tuple[Cause, ...]) -> Iterator[str]:
        """One for each of them, or for each server that refused nodes."""
        for cause in causes[: self._level.causes]:
            yield from self._cause(cause)
        if len(causes) > self._level.causes:
            yield more(len(causes) - self._level.causes, "cause", self._width)

    def _said(self, text: str, *below: str) -> str:
        return "\n".join((wrap(printable(text), self._width, "", "  "), *below))

    def _cause(self, cause: Cause) -> Iterator[str]:
        report = self._report
        stores = [store for number, store in enumerate(report.stores) if number in cause.covers]
        if cause.by_macro and sessions_of(stores):
            yield from self._strict(cause, stores)
            return
        mine = _problems(report, cause, stores)
        messages, hints = ({getattr(one, name) for one in mine} for name in ("message", "hint"))
        meaning = messages.pop() if len(messages) == 1 else cause.meaning
        if needs_root(cause, stores):
            meaning = f"{len(stores)} of {counted(len(report.stores), 'store')} need root"
        code = f" [{cause.key}]" if mine else ""
        places = () if cause.covers == self._told else self.places(stores)
        if cause.key == NO_SERVER:
            places = self._listed([server_name(one) for one in report.servers if one.problem], "server")
        self._told = cause.covers
        advice = (hints.pop() if len(hints) == 1 else None) or cause.advice
        to_do: tuple[str, ...] = ()
        if needs_root(cause, stores):
            pass  # the next command is the same one, as root
        elif mine or not cause.key.startswith("certificate-") or _can_renew(report, stores):
            who = "To do" if cause.actor == YOU else f"To do, by {cause.actor}"
            to_do = (wrap(printable(f"{who}: {sentence_of(advice)}"), self._width, "", "  "),)
        yield self._said(f"Why: {meaning}{code}{self._of(cause, stores)}", *places, *to_do)

    def _of(self, cause: Cause, stores: list[StoreReport]) -> str:
        """The servers of a cause that certificates have."""
        status = cause.key.removeprefix("certificate-")
        held = {one.server for store in stores for one in store.certificates if one.status == status}
        names = [server_name(server) for server in self._report.servers if server.server in held]
        shown = ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
        return f": {shown}" if names else ""

    def places(self, stores: Sequence[StoreReport]) -> Iterator[str]:
        """The first of these stores, a line each."""
        owned = [f"{store.directory} ({store.owner})" if store.owner else store.directory for store in stores]
        yield from self._listed(owned, "store")

    def _listed(self, items: Sequence[str], noun: str) -> Iterator[str]:
        most = self._level.places if len(items) > self._level.places + 1 else len(items)
        for item in items[:most]:
            yield wrap(printable(f"- {item}"), self._width, "  ", "    ")
        if items[most:]:
            more_of = f"more {noun}" if most else noun
            yield f"  - {'and ' if most else ''}{counted(len(items) - most, more_of)}"

    def _strict(self, cause: Cause, stores: list[StoreReport]) -> Iterator[str]:
        """What the administrator of each server runs for the nodes that it refused."""
        nodes: dict[str, dict[str, None]] = {}
        for session in sessions_of(stores):
            node = plain(session.node and session.node.upper(), f"<node of {session.stanza}>")
            nodes.setdefault(_server_named(self._report, session.stanza, session.server), {})[node] = None
        for number, (server, refused) in enumerate(nodes.items()):
            if number == 2 and len(nodes) > 3:
                yield more(len(nodes) - 2, "server that refused nodes", self._width)
                return
            they = "it is" if len(refused) == 1 else "they are"
            code = f" [{cause.key}]" if number == 0 else ""
            yield self._said(
                f"Why: server {server} refused {counted(len(refused), 'node')}: {they} STRICT{code}. "
                "Its administrator runs there:",
                *(
                    command(f"UPDATE NODE {node} SESSIONSECURITY=TRANSITIONAL", self._width)
                    for node in list(refused)[: self._level.nodes]
                ),
                *self._rest_of_nodes(len(refused) - self._level.nodes),
            )

    def _rest_of_nodes(self, count: int) -> Iterator[str]:
        if count > 0:
            where = f"; `dsmcertfix history {self._report.run}` lists all" if self._report.run else ""
            yield wrap(f"and {counted(count, 'more node')}{where}", self._width, "  ", "    ")


def needs_root(cause: Cause, stores: Sequence[StoreReport]) -> bool:
    """Whether the cause is that the caller is not root, on a system that has one."""
    return cause.key == "access-denied" and any(store.directory.startswith("/") for store in stores)


def more(count: int, noun: str, width: int) -> str:
    """Of what is not told here."""
    return wrap(f"And {counted(count, f'more {noun}')}: `--verbose` tells all.", width, "", "  ")


def affected(store: StoreReport) -> Iterator[str]:
    """The fingerprints of the store's certificates that need action."""
    return (one.sha256 for one in store.certificates if one.status in AFFECTED)


def is_new(server: PresentedReport, stores: list[StoreReport]) -> bool:
    """Whether the server shows another certificate than the affected ones of these stores."""
    held = {sha256 for store in stores for sha256 in affected(store)}
    return server.sha256 is not None and server.sha256 not in held


def answering(report: Report, stores: list[StoreReport]) -> list[PresentedReport]:
    """The servers of these stores that showed a certificate."""
    return [server for server in servers_of(report, stores) if server.sha256 is not None]


def _can_renew(report: Report, stores: list[StoreReport]) -> bool:
    """Whether it is the servers' turn: they answer, and show what is stored."""
    found = answering(report, stores)
    return bool(found) and not any(is_new(server, stores) for server in found)


def _problems(report: Report, cause: Cause, stores: list[StoreReport]) -> list[Problem]:
    """The problems that the cause is made of: the stores' own, their servers', and the machine's."""
    found = [store.problem for store in stores]
    found += [server.problem for server in servers_of(report, stores)]
    found += [report.problem] if len(report.stores) in cause.covers else []
    return [one for one in found if one is not None and cause.key.split()[0] == one.code]


def server_name(server: PresentedReport) -> str:
    """What the server is called, as it can be printed."""
    return printable(server.called)


def _server_named(report: Report, stanza: str, address: str | None) -> str:
    server = next((one for one in report.servers if stanza in one.stanzas), None)
    return server_name(server) if server is not None else printable(address or stanza)


def sentence_of(text: str) -> str:
    """The text as a sentence that can be printed."""
    text = printable(text).strip()
    return text[:1].upper() + text[1:] + ("" if text.endswith((".", "!", "?")) else ".")
