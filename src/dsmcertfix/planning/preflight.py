"""Could a reconnect work? Pure: answers from facts that were gathered before."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from dsmcertfix.errors import CannotReconnect, Problem
from dsmcertfix.ibm.key_database.chain import in_date, issued, out_of_date, proven
from dsmcertfix.model import Certificate, Inventory, Presented, Server, Stanza, Store
from dsmcertfix.planning.pins import another_problem
from dsmcertfix.wording import plain, trust_command

_TOO_EARLY = "Check the clocks of this host and of the server: the certificate is one of days to come."


def server_problem(
    server: Server,
    seen: Presented | None,
    refused: frozenset[str],
    pinned: tuple[str, ...] | None,
    at: datetime,
) -> Problem | None:
    """Why no new certificate can come from this server now; None when one can.

    `refused` are the fingerprints that are to go, `pinned` the ones of which one must come; None for any.
    """
    if seen is None or seen.certificate is None:
        return _no_answer(server, seen)
    new = seen.certificate
    if out_of_date(new, at) == "not-yet-valid":
        return _not_valid(server, new, early=True)
    if new.sha256 in refused:
        return _problem(
            "server-not-renewed",
            f"{server} still presents the certificate that is stored",
            context=(f"presented by {server}: SHA-256 {new.sha256}",),
            hint="Renew the certificate on the server first (APAR IT42905), then run this again.",
        )
    another = None if pinned is None else another_problem(server, new, pinned)
    if another is not None:
        return another
    return None if in_date(new, at) else _not_valid(server, new)


def unpinned_problem(server: Server, pinned: tuple[str, ...] | None) -> Problem | None:
    """What is wrong with a server for which no pin counts, where others have pins; None where nothing is."""
    if pinned != ():
        return None
    return _problem(
        "server-not-pinned",
        f"nobody said which certificate to expect of {server}: one is expected of other servers only",
        hint=f"Give its fingerprint, too (`--expect-sha256 {plain(server.address, '<server>')}=HEX`); or "
        "`--trust-on-first-use`, to trust what such servers present.",
    )


def given_problem(
    server: Server, seen: Presented | None, given: tuple[Certificate, ...], at: datetime, *, must_answer: bool
) -> Problem | None:
    """Why certificates that were handed over cannot be right for this server; None when they can.

    They are right when the server presents one of them, or one that one of them issued, and that one is in
    date. Where a session is to prove the result, what the server presents must be so too, and a server that
    does not answer is a problem.
    """
    if seen is None or not seen.chain:
        return _no_answer(server, seen) if must_answer else None
    linked = proven(seen.chain)
    presented = {item.sha256 for item in linked}
    fitting = tuple(item for item in given if item.sha256 in presented or issued(item, linked[-1]))
    if not fitting:
        return _problem(
            "unexpected-certificate",
            f"{server} presents a certificate that is not in the file",
            context=(
                *(f"presented: SHA-256 {item.sha256}" for item in seen.chain),
                *(f"in the file: SHA-256 {item.sha256}" for item in given),
            ),
            hint="Take cert256.arm from that server again. If it is the same, the server has not taken a new "
            "one into use yet (put its cert256.arm and the new one in one file, and give that), or someone "
            "intercepts the connection.",
        )
    if must_answer and in_date_problem(fitting, at) is None and not in_date(seen.chain[0], at):
        return _not_valid(server, seen.chain[0])
    return in_date_problem(fitting, at)


def in_date_problem(given: tuple[Certificate, ...], at: datetime) -> Problem | None:
    """Why none of these certificates, which were handed over, can be used; None when one is in date."""
    if any(in_date(item, at) for item in given):
        return None
    return _problem(
        "given-certificate-not-valid",
        "the certificate in the file is not valid today",
        context=tuple(f"in the file: {dated(item)}" for item in given),
        hint="Take the file from the server again: when its certificate was renewed there is a new "
        "cert256.arm. If it is the same, renew the certificate there (APAR IT42905), and check the clocks.",
    )


def dated(certificate: Certificate) -> str:
    """Which certificate it is, and when it is valid."""
    return f"SHA-256 {certificate.sha256}, valid from {certificate.not_before} until {certificate.not_after}"


def _not_valid(server: Server, presented: Certificate, *, early: bool = False) -> Problem:
    return _problem(
        "server-certificate-not-valid",
        f"the certificate that {server} presents is not valid today",
        context=(
            f"presented by {server}: SHA-256 {presented.sha256}",
            f"valid from {presented.not_before} until {presented.not_after}",
        ),
        hint=_TOO_EARLY
        if early
        else "Renew the certificate on the server (APAR IT42905), and check both clocks.",
    )


def _no_answer(server: Server, seen: Presented | None) -> Problem:
    if seen is not None and seen.problem is not None:
        return seen.problem
    return _problem("server-not-asked", f"{server} was not asked for its certificate")


def authority_problem(certificate: Certificate, name: str, why: str, file: Path | None = None) -> Problem:
    """What is wrong where only another CA certificate helps, and no server hands one out."""
    return _problem(
        "authority-needed",
        f"`{certificate.label}`: {why}",
        context=(f"SHA-256 {certificate.sha256}", f"valid until {certificate.last_day}"),
        hint=f"Get the root or CA certificate that signs for {name} from whoever runs that CA, and put it "
        f"in: {trust_command(name, file)}.",
    )


def no_stanza_problem(store: Store) -> Problem:
    """What is wrong with a store that no stanza uses: nothing would fill it again."""
    return _problem(
        "store-without-stanza",
        f"no server stanza uses the store in `{store.directory}`: nothing would be fetched",
        hint="Give `--no-reconnect` to move it out all the same.",
    )


def client_problem(
    store: Store, stanza: Stanza | None, server: Server, inventory: Inventory, file: Path | None = None
) -> Problem | None:
    """Why the client of this machine could not fetch a certificate into the store; None when it could.

    `file` holds the certificate that is expected, if somebody gave it.
    """
    if stanza is not None and stanza.database_backup:
        return session_problem(stanza, inventory)
    if not store.client_reconnects:
        return _problem(
            "store-of-api-applications",
            "no client program fills this store: only API applications use it",
            hint="Give `--no-reconnect`: the application's next session fetches the new certificate.",
        )
    if inventory.located.programs.dsmc is None:
        return _problem(
            "no-client-program",
            "there is no backup client (dsmc) on this machine to reconnect with",
            hint="Give `--no-reconnect`: the next session of an API application fetches the new certificate.",
        )
    cannot_fetch = _elsewhere_problem(store, server) if stanza is None else None
    cannot_fetch = cannot_fetch or fetch_problem(stanza, server, file)
    if cannot_fetch is not None or stanza is None:
        return cannot_fetch
    return session_problem(stanza, inventory)


def _elsewhere_problem(store: Store, server: Server) -> Problem | None:
    """What is wrong where the client keeps what it fetches from that server elsewhere; None where not."""
    uses = [use for use in store.located.stanzas if use.elsewhere and use.stanza.server == server]
    if not uses:
        return None
    return _problem(
        "no-stanza-for-server",
        f"no session with {server} fills this store: the client keeps those certificates elsewhere",
        context=tuple(f"{_where(use.stanza)} has its own in `{use.elsewhere}`" for use in uses),
        hint="Repair that store first: if it is of the same owner, this one gets what it holds. Or give "
        "`--no-reconnect`: the certificate goes, and a session that does use this store fetches it.",
    )


def fetch_problem(stanza: Stanza | None, server: Server, file: Path | None = None) -> Problem | None:
    """Why nobody's session could fetch a certificate with this stanza; None when one could."""
    if stanza is None or stanza.replication:
        return _problem("no-stanza-for-server", f"no server stanza of this store connects to {server}")
    if not stanza.accept_certificate:
        return _problem(
            "acceptance-switched-off",
            f"{_where(stanza)} says SSLACCEPTCERTFROMSERV No: the client would not accept a new certificate",
            hint=f"Put the certificate in from the server's file: {trust_command(stanza.name, file)}.",
        )
    return None


def session_problem(stanza: Stanza, inventory: Inventory) -> Problem | None:
    """Why the client could not open a session by itself, whatever certificates it has; None when it could."""
    where = _where(stanza)
    if stanza.database_backup:
        return _problem(
            "database-backup-stanza",
            f"{where} is for the server's own database backup: the backup client cannot sign on with it, and "
            "no file of the server vouches for its new certificate",
            context=tuple(
                f"`{item.file}`: SHA-256 {item.certificate.sha256}"
                for item in inventory.exports
                if item.stanza == stanza
            ),
            hint="`dsmcertfix server inspect` shows its cert256.arm. Or give `--no-reconnect`: the next "
            "database backup fetches the new certificate.",
        )
    if inventory.located.programs.dsmc is None:
        return _problem(
            "no-client-program",
            "there is no backup client (dsmc) on this machine to reconnect with",
            hint="Give `--no-reconnect`.",
        )
    if not stanza.password_generate:
        return _problem(
            "no-password-generate",
            f"{where} does not say PASSWORDACCESS GENERATE: the client would ask for a password",
            hint="Reconnect by hand with `dsmc query session` after `fix --no-reconnect`.",
        )
    if inventory.password_of(stanza) is False:
        return _problem(
            "no-stored-password",
            f"no password is stored for {where}: the client would ask for one",
            hint="Run `dsmc query session` once by hand as the user who backs up, then run this again.",
        )
    return None


def _where(stanza: Stanza) -> str:
    return f"stanza {stanza.name} of `{stanza.option_file}`"


def _problem(code: str, message: str, *, context: tuple[str, ...] = (), hint: str | None = None) -> Problem:
    return CannotReconnect(code, message, context=context, hint=hint).problem()
