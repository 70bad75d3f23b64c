"""`python -m dsmcertfix`, and the frozen program."""

import os
import sys

if os.name == "nt" and sys.argv[1:2] == ["(child)"]:
    from dsmcertfix.system.windows.serving import serve

    serve(*map(int, sys.argv[2:]))
else:
    from dsmcertfix.cli import program

    program()
