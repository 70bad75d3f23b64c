"""`python -m dsmcertfix`."""

from dsmcertfix.cli import main

main()
