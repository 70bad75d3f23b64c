"""The base of the values: what `typing.NamedTuple` makes of the same lines."""

from __future__ import annotations

import re
import typing
from pathlib import Path
from typing import Any

import pytest

import dsmcertfix

BODY = '''
class Value(NamedTuple):
    """What it says."""

    one: int
    two: str | None = None
    three: tuple[int, ...] = ()

    @property
    def sum(self) -> int:
        return self.one + len(self.three)

    @classmethod
    def of(cls, one: int) -> Value:
        return cls(one, two="x")

    def __str__(self) -> str:
        return f"<{self.one}>"


class Narrower(Value):
    def more(self) -> int:
        return self.sum + 1
'''


def made(base: object, body: str = BODY) -> dict[str, Any]:
    """What the lines define, with that base."""
    names: dict[str, Any] = {"NamedTuple": base, "__name__": __name__}
    exec(compile("from __future__ import annotations\n" + body, "<made>", "exec"), names)
    return names


OURS, PYTHONS = made(dsmcertfix.NamedTuple), made(typing.NamedTuple)


@pytest.mark.parametrize(
    "say",
    [
        lambda Value: Value(1),
        lambda Value: Value(1, three=(2, 3)),
        lambda Value: Value.of(4),
        lambda Value: str(Value.of(4)),
        lambda Value: Value(1, "a", (2,)).sum,
        lambda Value: Value(1)._replace(two="b"),
        lambda Value: Value(1)._asdict(),
        lambda Value: (Value._fields, Value._field_defaults, Value.__doc__, Value.__match_args__),
        lambda Value: (Value.__name__, Value.__qualname__, Value.__module__, Value.__mro__[1:]),
        lambda Value: Value(1) == (1, None, ()) and hash(Value(1)) == hash((1, None, ())),
        lambda Value: list(typing.get_type_hints(Value, {}).items()),
        lambda Value: hasattr(Value(1), "__dict__"),
    ],
)
def test_it_is_as_pythons_own(say: Any) -> None:
    assert repr(say(OURS["Value"])) == repr(say(PYTHONS["Value"]))


def test_a_class_below_it_is_an_ordinary_class() -> None:
    assert OURS["Narrower"](2, three=(1,)).more() == PYTHONS["Narrower"](2, three=(1,)).more() == 4


def test_beside_generic_it_is_the_same() -> None:
    body = "from typing import Generic, TypeVar\nT = TypeVar('T')\n" + BODY.replace(
        "(NamedTuple)", "(NamedTuple, Generic[T])"
    )
    assert made(dsmcertfix.NamedTuple, body)["Value"](1) == (1, None, ())


@pytest.mark.parametrize("words", [(), (1, 2, 3, 4)])
def test_too_few_and_too_many_values_are_refused(words: tuple[int, ...]) -> None:
    for names in (OURS, PYTHONS):
        with pytest.raises(TypeError):
            names["Value"](*words)


def test_no_class_has_pythons_own() -> None:
    ours = Path(dsmcertfix.__file__)
    others = {path.name: path.read_text("utf-8") for path in ours.parent.rglob("*.py") if path != ours}
    assert others
    assert [name for name in others if re.search(r"(?m)^from typing import .*NamedTuple", others[name])] == []
