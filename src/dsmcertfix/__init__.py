"""dsmcertfix repairs the trust of IBM Spectrum/Storage Protect clients in their servers."""

from __future__ import annotations

from collections import namedtuple
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from typing import NamedTuple as NamedTuple
else:

    class _Made(type):
        def __new__(cls, name: str, bases: tuple[type, ...], body: dict[str, Any]) -> type:
            if not bases:
                return super().__new__(cls, name, bases, body)
            fields = body["__annotations__"]
            defaults = [body.pop(field) for field in fields if field in body]
            made = namedtuple(name, fields, defaults=defaults, module=body["__module__"])
            for key, value in body.items():
                setattr(made, key, value)
            return made

    class NamedTuple(metaclass=_Made):
        """A base like `typing.NamedTuple`, for modules with `from __future__ import annotations`.

        That looks at each annotation, which takes longer than all the rest of making the class: the ninety
        classes that `detect` loads were a tenth of its time. `Generic` beside it is for mypy alone.
        """
