"""The command `probe`: the certificate that a server presents now."""

from __future__ import annotations

import re

from dsmcertfix.errors import UsageError, exit_code
from dsmcertfix.ibm.tls import present
from dsmcertfix.model import Server
from dsmcertfix.report.result import Report, presented_report
from dsmcertfix.system.host import Limits, host_name

DEFAULT_PORT = 1500
"""TCPPORT when a stanza does not say (TCPPORT option, 8.2.2 manual)."""


def server_named(text: str) -> Server:
    """HOST, HOST:PORT, an IPv6 address, [IPv6]:PORT, or one of them as in `https://HOST:PORT/`.

    Raises UsageError for anything else.
    """
    text = re.sub(r"(?i)\A[a-z]{2,8}://([^/]+)/?\Z", r"\1", text)
    written = re.fullmatch(r"(?:\[([^\[\]]*)\]|([^\s:\[\]]+))(?::([0-9]{1,9}))?", text)
    address, name, port = written.groups() if written else (text, None, None)
    if name is None and not _is_ipv6(address):
        raise UsageError("not-a-server", f"`{text}` is not HOST[:PORT]")
    number = int(port) if port else DEFAULT_PORT
    if not 0 < number < 65536:
        raise UsageError("not-a-port", f"{number} is not a port number")
    return Server(name or address, number)


def _is_ipv6(address: str) -> bool:
    import ipaddress

    try:
        ipaddress.IPv6Address(address)
    except ValueError:
        return False
    return True


def probe(server: Server, limits: Limits) -> Report:
    """The certificate that the server presents now, with its chain; or why there is none."""
    seen = present(server, timeout_s=limits.probe_s)
    found = seen.certificate
    comment = f"{server} presents SHA-256 {found.sha256}" if found else ""
    if seen.problem is not None:
        comment = seen.problem.message
    return Report(
        "probe",
        host_name(),
        comment=comment,
        exit_code=exit_code(seen.problem, "unchanged"),
        servers=(presented_report(seen),),
        problem=seen.problem,
    )
