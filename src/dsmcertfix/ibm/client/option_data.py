"""What an option file says, as data: so a child that read it with its owner's rights tells it. Pure.

What comes back is taken for that user's word: it has the right form, and the path that we read.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from dsmcertfix import budgets
from dsmcertfix.ibm.client import options as read
from dsmcertfix.ibm.client.options import SystemOptions, UserOptions
from dsmcertfix.model import Server, Stanza

_FLAGS = ("password_generate", "accept_certificate", "replication")
_LARGEST_PORT = 65535


def system_read(content: bytes, path: str, trusted: bool) -> object:
    """The data of the dsm.sys with that content. See `options.read_system_options`."""
    most = budgets.STANZAS if trusted else budgets.STANZAS_OF_A_USER
    return of_system(read.read_system_options(content, Path(path), most))


def user_read(content: bytes, path: str) -> object:
    """The data of the dsm.opt with that content. See `options.read_user_options`."""
    return of_user(read.read_user_options(content, Path(path)))


def of_system(options: SystemOptions) -> dict[str, object]:
    """The data of a dsm.sys."""
    return options._asdict() | {"stanzas": [_stanza_to(stanza) for stanza in options.stanzas]}


def of_user(options: UserOptions) -> dict[str, object]:
    """The data of a dsm.opt."""
    return options._asdict() | {
        "stanza": _stanza_to(options.stanza) if options.stanza is not None else None,
        "replication": [_stanza_to(stanza) for stanza in options.replication],
    }


def to_system(told: Any, path: Path) -> SystemOptions:
    """What `of_system` was given, of the file at `path`.

    Raises ValueError, TypeError, KeyError or AttributeError for other data.
    """
    return SystemOptions(
        tuple(_stanza(item, path) for item in told["stanzas"]),
        _optional(told["default_server"]),
        _texts(told["warnings"]),
    )


def to_user(told: Any, path: Path) -> UserOptions:
    """What `of_user` was given, as `to_system`."""
    return UserOptions(
        _optional(told["servername"]),
        _stanza(told["stanza"], path) if told["stanza"] is not None else None,
        tuple(_stanza(item, path) for item in told["replication"]),
        _texts(told["warnings"]),
    )


def _stanza_to(stanza: Stanza) -> dict[str, object]:
    return stanza._asdict() | {"option_file": None}


def _stanza(told: Mapping[str, Any], path: Path) -> Stanza:
    for name in _FLAGS:
        if type(told[name]) is not bool:
            raise TypeError(name)
    if type(told["line"]) is not int:
        raise TypeError("line")
    return Stanza(
        name=_text(told["name"]),
        option_file=path,
        line=told["line"],
        server=_server(*told["server"]) if told["server"] is not None else None,
        failover=_texts(told["failover"]),
        aliases=_texts(told["aliases"]),
        node=_optional(told["node"]),
        passworddir=_optional(told["passworddir"]),
        errorlogname=_optional(told["errorlogname"]),
        **{name: told[name] for name in _FLAGS},
    )


def _server(address: object, port: object) -> Server:
    if type(port) is not int or not 0 < port <= _LARGEST_PORT:
        raise ValueError("port")
    return Server(_text(address), port)


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{type(value).__name__} is not str")
    if "\0" in value:
        raise ValueError("no line of an option file is read beyond a NUL")
    return value


def _optional(value: object) -> str | None:
    return None if value is None else _text(value)


def _texts(values: Any) -> tuple[str, ...]:
    return tuple(map(_text, values))
