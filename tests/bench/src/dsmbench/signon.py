"""How the played client comes to a session: TLS, the comparison with its store, the fetch, the sign-on."""

from __future__ import annotations

import hashlib
import json
import socket
import ssl
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

from dsmbench import keystore
from dsmbench.lookup import Surroundings
from dsmbench.optionfile import Stanza
from dsmbench.texts import Failure
from dsmbench.trouble import Trouble

if TYPE_CHECKING:
    from cryptography import x509

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
    """There was a session with the stanza's server; its certificate is in the store. Raises Failure."""
    directory = trouble.store_directory(surroundings.store_directory(stanza), surroundings.home)
    stored = keystore.certificates(directory)
    trouble.opened(directory, empty=not stored)
    try:
        with _connect(stanza) as plain, _secured(plain) as secure:
            exchange = _Exchange(secure)
            label = _label(surroundings, stanza, exchange)
            presented = secure.getpeercert(binary_form=True) or b""
            trusts = _trusted(stored, label, presented)
            if not trusts and stanza.get("sslacceptcertfromserv", "yes").lower() == "no":
                raise Failure("ANS1592E")
            answer = exchange.ask_for_session(node, proof, _fingerprint(presented) if trusts else "none")
            if answer["answer"] == "fetch":
                if not trouble.skips_the_fetch:
                    version = surroundings.config.store_version
                    keystore.add(directory, trouble.label(label), trouble.fetched(_chain(secure)), version)
                    trouble.after_fetch(directory)
                answer = exchange.ask_for_session(node, proof, _fingerprint(presented))
            return Session(answer["server"], _cipher(secure))
    except OSError as error:  # TLS errors are among them
        raise Failure("ANS1592E" if isinstance(error, ssl.SSLError) else "ANS1017E") from error


class _Exchange:
    """Lines to the server and back."""

    def __init__(self, secure: ssl.SSLSocket):
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


def _connect(stanza: Stanza) -> socket.socket:
    address = stanza.get("tcpserveraddress", "127.0.0.1")
    return socket.create_connection((address, int(stanza.get("tcpport", "1500"))), timeout=PATIENCE_S)


def _secured(plain: socket.socket) -> ssl.SSLSocket:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE  # the store decides, not a chain
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


def _trusted(stored: dict[str, bytes], label: str, presented: bytes) -> bool:
    """Whether the store has what was presented, or its issuer; not, when it has nothing for this server.

    Raises Failure when the server's certificate has expired or the store has another one for this server.
    """
    from cryptography import x509

    certificate = x509.load_der_x509_certificate(presented)
    if presented in stored.values() or any(_issued(certificate, issuer) for issuer in stored.values()):
        if certificate.not_valid_after_utc < datetime.now(timezone.utc):
            raise Failure("ANS1592E")
        return True
    if label.casefold() in (known.casefold() for known in stored):
        raise Failure("ANS1592E")
    return False


def _issued(certificate: x509.Certificate, issuer_der: bytes) -> bool:
    """Whether that CA signed the certificate. Something that cannot be read signed nothing."""
    from cryptography import x509
    from cryptography.exceptions import InvalidSignature

    try:
        certificate.verify_directly_issued_by(x509.load_der_x509_certificate(issuer_der))
    except (ValueError, TypeError, InvalidSignature):
        return False
    return certificate.issuer != certificate.subject


def _fingerprint(der: bytes) -> str:
    return hashlib.sha256(der).hexdigest()


def _cipher(secure: ssl.SSLSocket) -> str:
    name = (secure.cipher() or ("", "", 0))[0]
    if not name.startswith("TLS_"):
        name = "TLS_" + name.replace("-", "_").replace("AES256", "WITH_AES_256").replace(
            "AES128", "WITH_AES_128"
        )
    return f"{secure.version()} {name}"
