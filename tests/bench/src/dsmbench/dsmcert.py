"""`dsmcert -add -server NAME -file F` and `dsmcert -list`, played."""

from __future__ import annotations

import re
import sys
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from dsmbench import keystore
from dsmbench.dsmc import surroundings
from dsmbench.lookup import Surroundings
from dsmbench.optionfile import Stanza
from dsmbench.texts import Failure, Voice


def main() -> None:
    """Does what the command line says; ends with 0, or with 12 and the reason."""
    found, arguments = surroundings(sys.argv[1:])
    try:
        _perform(found, arguments)
    except Failure as failure:
        print(*Voice().failure(failure), sep="\n")
        sys.exit(12)


def _perform(found: Surroundings, arguments: list[str]) -> None:
    given = [argument.lower() for argument in arguments]
    if given == ["-list"]:
        for label in keystore.certificates(found.store_directory(_stanza(found, ""))):
            print(label)
        return
    if len(given) != 5 or given[0] != "-add" or {given[1], given[3]} != {"-server", "-file"}:
        raise Failure("ANS1107E", " ".join(arguments))
    values = dict(zip(given[1::2], arguments[2::2], strict=True))
    server, file = values["-server"], Path.cwd() / values["-file"]
    directory = found.store_directory(_stanza(found, server))
    label = f"TSM server {server} self-signed key"
    keystore.add(directory, label, _certificate(file), found.config.store_version)
    print(f"The certificate for server {server} was successfully added to {directory}.")


def _stanza(found: Surroundings, server: str) -> Stanza | None:
    """The stanza of that name, or of none; the program also works without option files."""
    try:
        return found.stanza("", server)
    except Failure:
        return None


def _certificate(file: Path) -> bytes:
    try:
        content = file.read_bytes()
        if re.search(rb"-----BEGIN CERTIFICATE-----", content):
            return x509.load_pem_x509_certificate(content).public_bytes(Encoding.DER)
        return x509.load_der_x509_certificate(content).public_bytes(Encoding.DER)
    except (OSError, ValueError) as error:
        raise Failure("ANS5283E") from error


if __name__ == "__main__":
    main()
