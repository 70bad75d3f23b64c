"""The use case `policy make`: a policy from what servers present now, to be compared and signed off."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timezone
from pathlib import Path

from dsmcertfix import NamedTuple
from dsmcertfix.errors import NotFound, UsageError
from dsmcertfix.ibm.certificate_file import certificates_of_file
from dsmcertfix.ibm.inventory import take_inventory
from dsmcertfix.ibm.key_database.certificate import describe
from dsmcertfix.ibm.tls import ask_all
from dsmcertfix.model import Certificate, Presented, Server
from dsmcertfix.planning.policy import Allowed, ServerRule
from dsmcertfix.planning.policy_text import written
from dsmcertfix.report.result import Report
from dsmcertfix.system.host import Host, Limits, host_name
from dsmcertfix.wording import counted


class MakeWish(NamedTuple):
    """Which servers, by address (none: those that this machine's stanzas name), and files with certificates.

    A file stands beside the server whose it is, None where there is only one.
    """

    servers: tuple[Server, ...] = ()
    files: tuple[tuple[str | None, Path], ...] = ()


class _Made(NamedTuple):
    """A rule, and what stands beside it as a remark."""

    rule: ServerRule
    remarks: tuple[str, ...]


def make(host: Host, wish: MakeWish, limits: Limits) -> Report:
    """A policy's text from what the servers present now, and from files.

    Raises NotFound where there is no server to ask, CannotReconnect where none answers, UsageError for a file
    of which it is not known whose it is.
    """
    names: Mapping[Server, tuple[str, ...]] = {}
    if wish.servers:
        seen = ask_all(tuple(dict.fromkeys(wish.servers)), timeout_s=limits.probe_s)()
    else:
        inventory = take_inventory(host.platform, (), probe_timeout_s=limits.probe_s)
        seen, stanzas = inventory.presented, inventory.located.stanzas
        names = {
            one.server: tuple(dict.fromkeys(item.name for item in stanzas if item.server == one.server))
            for one in seen
        }
    if not seen:
        raise NotFound("no-server-known", "no stanza of this machine names a server, and none was given")
    silent = tuple(one.problem for one in seen if one.problem is not None)
    if len(silent) == len(seen):
        raise silent[0].error()
    made = _with_files(_rules(seen, names), wish.files)
    head = (
        f"Made on {datetime.now(timezone.utc).date()} on {host_name()} from what the servers presented then.",
        "Compare every SHA-256 with the server's own cert256.arm before this is signed off. Give the old",
        "certificate an `until`, and put the files that are named beside this one.",
        *(f"Left out: {problem.message}" for problem in silent),
    )
    return Report(
        "policy make",
        host_name(),
        comment=f"a policy for {counted(len(made), 'server')}",
        macro=written(made, head),
        warnings=tuple(problem.message for problem in silent),
    )


def _rules(seen: tuple[Presented, ...], names: Mapping[Server, tuple[str, ...]]) -> list[_Made]:
    made, taken = [], set[str]()
    for one in seen:
        if one.certificate is None:
            continue
        # A name that leads to several servers would say nothing about either.
        called = (
            name for name in (*names.get(one.server, ()), str(one.server)) if name.casefold() not in taken
        )
        rule = ServerRule(tuple(called), (Allowed(one.certificate.sha256),))
        taken |= {name.casefold() for name in rule.names}
        made.append(_Made(rule, (_remark(one.certificate, f"presented by {one.server}"),)))
    return made


def _remark(one: Certificate, where: str) -> str:
    return f"{where}: {one.subject}, valid from {one.first_day} until {one.last_day}"


def _with_files(made: list[_Made], files: Iterable[tuple[str | None, Path]]) -> list[_Made]:
    """The rules with the first certificate of each file."""
    for name, path in files:
        meant = [
            item for item in made if name is None or name.casefold() in map(str.casefold, item.rule.names)
        ]
        if len(meant) != 1:
            raise UsageError("policy-file-of-nobody", f"it is not known whose certificate `{path}` is")
        new = describe(certificates_of_file(path)[0], path.name)
        (rule, remarks) = meant[0]
        others = tuple(one for one in rule.certificates if one.sha256 != new.sha256)
        rule = rule._replace(certificates=(*others, Allowed(new.sha256, file=path.name)))
        made[made.index(meant[0])] = _Made(rule, (*remarks, _remark(new, f"in {path.name}")))
    return made
