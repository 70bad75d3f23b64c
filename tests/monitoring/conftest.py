"""Machines for the help desk: the same as for whole commands."""

from __future__ import annotations

from tests.endtoend.conftest import machine, make_machine, three

__all__ = ["machine", "make_machine", "three"]
