"""Completion for bash, zsh and fish, from the command line as values. Pure.

The scripts have all words in them: no Python starts when somebody presses Tab, and root's Tab runs nothing.
The ids of runs are names of directories, and stanzas are read from the client's dsm.sys, by the shell itself.
Labels are those that the client makes of stanzas: the key databases are not opened.
"""

RUNS = ("/var/lib/dsmcertfix/runs/", "$HOME/.local/state/dsmcertfix/runs/")
"""Where the runs of root and of others are; below each a directory by the id of a run."""

OPTION_FILES = (
    "${DSM_DIR:-/opt/tivoli/tsm/client/ba/bin}/dsm.sys",
    "/opt/tivoli/tsm/client/api/bin64/dsm.sys",
    "/usr/tivoli/tsm/client/ba/bin64/dsm.sys",
    "/usr/tivoli/tsm/client/api/bin64/dsm.sys",
)
"""Where stanzas are defined: the client's own places on Linux, Solaris and AIX."""

LABEL = ("TSM server ", " self-signed key")
"""What stands before and behind the stanza in the label of a certificate that the client fetched."""

NOTE = "Made by packaging/unix from the source of --help. Change that, not this file."


def quoted(text: str) -> str:
    """The text as one word of a shell."""
    return "'" + text.replace("'", "'\\''") + "'"
