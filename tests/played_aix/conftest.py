"""The machines of the tests of whole commands."""

from tests.endtoend.conftest import machine, make_machine

__all__ = ["machine", "make_machine"]
