"""How the played client comes to a session: IBM's TLS with its store, the fetch, the sign-on.

Whether the client trusts its server is the answer of IBM's own library (gsktls.py). Played is only how a
certificate comes into the store: while the node is TRANSITIONAL, over a connection that checks nothing; it is
put in by IBM's key management.
"""

from __future__ import annotations

import hashlib
import json
import socket
import ssl
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from dsmbench import gsktls, keystore
from dsmbench.lookup import STORE, Surroundings
from dsmbench.optionfile import Stanza
from dsmbench.texts import Failure
from dsmbench.trouble import Trouble

PATIENCE_S = 60.0
REASONS = {
    "strict": Failure("ANS1592E"),
    "password": Failure("ANS1051I", then="ANS1029E"),
    "locked": Failure("ANS1051I", then="ANS1029E"),
    "unknown-node": Failure("ANS1353E"),
}


@dataclass(frozen=True, slots=True)
class Session:
    """What a session tells: the server's own name, and the protocol and cipher."""

    server: str
    tls: str


def sign_on(surroundings: Surroundings, stanza: Stanza, node: str, proof: str, trouble: Trouble) -> Session:
    """There was a session with the stanza's server, which IBM's TLS trusts with the store. Raises Failure."""
    directory = trouble.store_directory(surroundings.store_directory(stanza), surroundings.home)
    stored = keystore.certificates(directory)
    trouble.opened(directory, empty=not stored)
    client = _Client(surroundings, stanza, directory, node, proof, trouble)
    try:
        return (client.session() if stored else None) or client.fetch(stored)
    except OSError as error:  # TLS errors are among them
        raise Failure("ANS1592E" if isinstance(error, ssl.SSLError) else "ANS1017E") from error


@dataclass(frozen=True, slots=True)
class _Client:
    surroundings: Surroundings
    stanza: Stanza
    directory: Path
    node: str
    proof: str
    trouble: Trouble

    def session(self) -> Session | None:
        """A session over IBM's TLS; None when it does not trust the server. Raises OSError and Failure."""
        try:
            with gsktls.Connection(*self._server, self.directory / f"{STORE}.kdb") as secure:
                presented = _fingerprint(secure.presented)
                answer = _Exchange(secure).ask_for_session(self.node, self.proof, presented)
                return Session(answer["server"], secure.cipher)
        except gsktls.Refused as refused:
            if refused.step == "environment":
                raise Failure("ANS1593E") from refused
            if refused.code not in gsktls.DISTRUST:
                raise Failure("ANS1592E") from refused
            return None

    def fetch(self, stored: dict[str, bytes]) -> Session:
        """The server's certificate came in a session of its own, and then IBM's TLS trusts the server.

        Raises OSError, and Failure: when the store has another certificate for this server, the server hands
        none out, or what it handed out is not trusted.
        """
        with socket.create_connection(self._server, PATIENCE_S) as plain, _secured(plain) as secure:
            exchange = _Exchange(secure)
            label = _label(self.surroundings, self.stanza, exchange)
            if label.casefold() in (known.casefold() for known in stored):
                raise Failure("ANS1592E")
            if self.stanza.get("sslacceptcertfromserv", "yes").lower() == "no":
                raise Failure("ANS1592E")
            answer = exchange.ask_for_session(self.node, self.proof, "none")
            if answer["answer"] == "fetch" and not self.trouble.skips_the_fetch:
                version = self.surroundings.config.store_version
                der = self.trouble.fetched(_chain(secure))
                for _ in range(1 + self.trouble.meets_another):
                    keystore.add(self.directory, self.trouble.label(label), der, version)
                self.trouble.after_fetch(self.directory)
            if self.trouble.claims_to_trust:
                presented = secure.getpeercert(binary_form=True) or b""
                answer = exchange.ask_for_session(self.node, self.proof, _fingerprint(presented))
                return Session(answer["server"], _cipher(secure))
        session = self.session()
        if session is None:
            raise Failure("ANS1592E")
        return session

    @property
    def _server(self) -> tuple[str, int]:
        return self.stanza.get("tcpserveraddress", "127.0.0.1"), int(self.stanza.get("tcpport", "1500"))


class _Secure(Protocol):
    def sendall(self, data: bytes, /) -> None: ...

    def recv(self, size: int, /) -> bytes: ...


class _Exchange:
    """Lines to the server and back."""

    def __init__(self, secure: _Secure):
        self._secure = secure

    def ask(self, request: dict[str, str]) -> dict[str, Any]:
        """The server's answer. Raises OSError when it says nothing."""
        self._secure.sendall(json.dumps(request).encode() + b"\n")
        line = b""
        while not line.endswith(b"\n"):
            more = self._secure.recv(4096)
            if not more:
                raise ConnectionResetError("the server went away")
            line += more
        answer: dict[str, Any] = json.loads(line)
        return answer

    def ask_for_session(self, node: str, proof: str, trusts: str) -> dict[str, Any]:
        """The answer to a sign-on. Raises Failure when refused."""
        answer = self.ask({"ask": "sign-on", "node": node, "token": proof, "trusts": trusts})
        if answer["answer"] == "refused":
            raise REASONS[answer["reason"]]
        return answer


def _secured(plain: socket.socket) -> ssl.SSLSocket:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE  # trust on first use
    return context.wrap_socket(plain)


def _chain(secure: ssl.SSLSocket) -> list[bytes]:
    """What the server presents, its own certificate first."""
    public: Any = getattr(secure, "get_unverified_chain", None)  # Python 3.13 and later
    found = public() if public else secure._sslobj.get_unverified_chain()  # type: ignore[attr-defined]
    return [one if isinstance(one, bytes) else one.public_bytes(2) for one in found]


def _label(surroundings: Surroundings, stanza: Stanza, exchange: _Exchange) -> str:
    match surroundings.config.label_form:
        case "address":
            name = stanza.get("tcpserveraddress", "127.0.0.1")
        case "server":
            name = exchange.ask({"ask": "name"})["server"]
        case _:
            name = stanza.name
    return f"TSM server {name} self-signed key"


def _fingerprint(der: bytes) -> str:
    return hashlib.sha256(der).hexdigest()


def _cipher(secure: ssl.SSLSocket) -> str:
    name = (secure.cipher() or ("", "", 0))[0]
    if not name.startswith("TLS_"):
        name = "TLS_" + name.replace("-", "_").replace("AES256", "WITH_AES_256").replace(
            "AES128", "WITH_AES_128"
        )
    return f"{secure.version()} {name}"
