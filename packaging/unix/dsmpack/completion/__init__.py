"""Completion for bash, zsh and fish, from the command line as values. Pure.

The scripts have all words in them: no Python starts when somebody presses Tab, and root's Tab runs nothing.
"""

NOTE = "Made by packaging/unix from the source of --help. Change that, not this file."


def quoted(text: str) -> str:
    """The text as one word of a shell."""
    return "'" + text.replace("'", "'\\''") + "'"
