"""Takes from JSON of another release, or from damaged JSON, what has the right form. Pure; never raises."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, get_type_hints

_PLAIN = (str, str | None, int | None, bool)


def fitting(kind: type[Any], value: object) -> dict[str, Any]:
    """The fields of the named tuple `kind` that are plain values and have their form in that object."""
    data, forms = mapping(value), get_type_hints(kind)
    fields = [name for name in kind._fields if name in data and forms[name] in _PLAIN]
    return {name: data[name] for name in fields if isinstance(data[name], forms[name])}


def mapping(value: object) -> Mapping[str, Any]:
    """The value if it is an object, else an empty one."""
    return value if isinstance(value, Mapping) else {}


def objects(value: object) -> tuple[Mapping[str, Any], ...]:
    """The objects of a list, none for anything else."""
    if not isinstance(value, list | tuple):
        return ()
    return tuple([item for item in value if isinstance(item, Mapping)])


def texts(value: object) -> tuple[str, ...]:
    """The texts of a list, none for anything else."""
    return tuple(item for item in value if isinstance(item, str)) if isinstance(value, list | tuple) else ()


def text(value: object) -> str | None:
    """The value if it is text."""
    return value if isinstance(value, str) else None
