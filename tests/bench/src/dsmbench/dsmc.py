"""`dsmc query session`, played: real option files, TLS, users and key databases behind the real command line.

It is a stand-in. What it looks for and where is in lookup.py, how it gets a session in signon.py, how it
misbehaves in trouble.py.
"""

from __future__ import annotations

import os
import platform
import sys
from argparse import ArgumentParser
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from dsmbench import config, passwords, record
from dsmbench.lookup import Surroundings
from dsmbench.optionfile import Stanza
from dsmbench.signon import sign_on
from dsmbench.texts import Failure, Voice
from dsmbench.trouble import Trouble

QUERY, SESSION = "query", "session"


@dataclass(slots=True)
class Words:
    """A command line: what is not an option, and the options with values."""

    command: list[str] = field(default_factory=list)
    options: dict[str, str] = field(default_factory=dict)

    def option(self, *names: str) -> str:
        """The value of the option of one of these names; empty without it."""
        return next((self.options[name] for name in names if name in self.options), "")


def surroundings(arguments: list[str]) -> tuple[Surroundings, list[str]]:
    """What a program's wrapper says of the bench, and the arguments of whoever called the program."""
    parser = ArgumentParser(add_help=False, allow_abbrev=False)
    parser.add_argument("--bench-config", type=Path, required=True)
    parser.add_argument("--bench-program", type=Path, required=True)
    given, rest = parser.parse_known_args(arguments[:4])
    found = _kind()(config.read(given.bench_config), given.bench_program, dict(os.environ))
    others = [*rest, *arguments[4:]]
    record.note(Path(found.config.root), given.bench_program.name, others)
    return found, others


def _kind() -> type[Surroundings]:
    if sys.platform != "win32":
        return Surroundings
    from dsmbench.windows_lookup import WindowsSurroundings

    return WindowsSurroundings


def main() -> None:
    """Runs the client; ends with the highest severity of its messages: 0, 8 or 12."""
    found, arguments = surroundings(sys.argv[1:])
    trouble = Trouble(found.config.dsmc, found.config.root)
    client = Client(found, trouble)
    sys.exit(client.run(words(arguments)))


def words(arguments: list[str]) -> Words:
    """The command line, split."""
    split = Words()
    for argument in arguments:
        if argument.startswith("-"):
            name, _, value = argument.lstrip("-").partition("=")
            split.options[name.lower()] = value
        else:
            split.command.append(argument)
    return split


class Client:
    """One run of dsmc."""

    def __init__(self, found: Surroundings, trouble: Trouble):
        self._found = found
        self._trouble = trouble
        self._voice = Voice(french=trouble.french, codes=trouble.codes)
        self._stanza: Stanza | None = None

    def run(self, given: Words) -> int:
        """The client has said everything; returns its return code."""
        self._say(*self._voice.banner())
        self._trouble.before()
        try:
            self._query_session(given)
        except Failure as failure:
            messages = self._voice.failure(failure)
            self._say(*messages)
            self._log(messages)
            return 0 if self._trouble.fails_with_0 else 12
        return self._trouble.success

    def _query_session(self, given: Words) -> None:
        if not _is_query_session(given.command):
            raise Failure("ANS1107E", " ".join(given.command))
        server = given.option("se", "servername", "server")
        stanza = self._stanza = self._found.stanza(given.option("optfile"), server)
        node = stanza.get("nodename", platform.node()).upper()
        self._say(self._voice.node(node))
        proof = self._proof(stanza, node)
        if self._trouble.fails_with_0:
            raise Failure("ANS1592E")
        session = sign_on(self._found, stanza, node, proof, self._trouble)
        self._say(*self._voice.established(session.server))
        self._trouble.after_session(self._found.directory / "dsm.sys", stanza.name)
        body = self._voice.query_session(session.server, node, self._found.user, session.tls)
        silent = self._trouble.silent_about_tls
        self._say(*(line for line in body if not (silent and line.startswith("SSL"))))

    def _proof(self, stanza: Stanza, node: str) -> str:
        directory = self._found.password_directory(stanza)
        generates = stanza.get("passwordaccess", "prompt").lower() == "generate"
        stored = passwords.stored(directory, node, stanza.name) if generates else None
        if stored and not self._trouble.prompts:
            return stored
        proof = self._ask_for_password(node)
        if generates:
            passwords.store(directory, node, stanza.name, proof)
        return proof

    def _ask_for_password(self, node: str) -> str:
        """The proof of a password typed at the terminal. Raises Failure when there is none."""
        terminal = sys.stdin is not None and sys.stdin.isatty()
        if not terminal and not self._trouble.prompts:
            raise Failure("ANS2050E", then="ANS1029E")
        user = self._asked(f"Please enter your user id <{node}>: ") or node
        password = self._asked(f'Please enter password for user id "{user}": ')
        return passwords.token(user, password)

    def _asked(self, question: str) -> str:
        sys.stdout.write(question)
        sys.stdout.flush()
        line = sys.stdin.readline() if sys.stdin else ""
        if not line:
            raise Failure("ANS2050E", then="ANS1029E")
        return line.strip()

    def _say(self, *lines: str) -> None:
        text = "".join(f"{line}\n" for line in lines)
        sys.stdout.flush()
        sys.stdout.buffer.write(text.encode("latin-1", "replace"))
        sys.stdout.buffer.flush()

    def _log(self, messages: list[str]) -> None:
        """The messages are in the error log, if it can be written."""
        with suppress(OSError), self._found.error_log(self._stanza).open("ab") as log:
            for message in messages:
                log.write(f"{datetime.now():%m/%d/%Y %H:%M:%S} {message}\n".encode("latin-1", "replace"))


def _is_query_session(command: list[str]) -> bool:
    """Whether these are `query session` or an abbreviation of it."""
    if len(command) != 2:
        return False
    first, second = (word.lower() for word in command)
    return QUERY.startswith(first) and len(second) >= 2 and SESSION.startswith(second)


if __name__ == "__main__":
    main()
