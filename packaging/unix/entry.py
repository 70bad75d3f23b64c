"""Where the program with a Python of its own begins."""

from dsmcertfix.cli import program

program()
