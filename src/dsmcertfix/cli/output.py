"""The standard streams of the process, which whoever started it may have closed (`>&-`, a launcher)."""

from __future__ import annotations

import contextlib
import os
import shutil
import sys
from collections.abc import Iterable, Iterator
from pathlib import PurePath
from typing import TYPE_CHECKING, TextIO

from dsmcertfix.report.result import Report
from dsmcertfix.wording import is_plain_word, quoted

if TYPE_CHECKING:
    from dsmcertfix.report.render.brief import Typed

_VERBOSE = ("-v", "--verbose")
_OF_DETECT_ALONE = {
    "--prove": 0,
    "--json": 0,
    "--timeout": 1,
    "--format": 1,
    "--output": 1,
    "--exit-profile": 1,
}
"""Options of `detect` that no repair has, or that mean something else there, and how many values follow."""


def open_streams() -> None:
    """The descriptors 0, 1 and 2 are open, and `sys.stdin`, `sys.stdout` and `sys.stderr` are streams.

    What was closed leads nowhere. So no file that is opened later gets one of these numbers: what is meant
    for people would be written into a journal or a key database.
    """
    for number in range(3):
        _open(number)
    # Python has None for a stream that was closed when it started.
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            nowhere = os.open(os.devnull, os.O_RDWR)
            setattr(sys, name, os.fdopen(nowhere, mode, encoding="utf-8", errors="backslashreplace"))


def _open(number: int) -> None:
    """The descriptor is open; one that was closed leads nowhere, here and in programs that are started."""
    try:
        os.fstat(number)
    except OSError:
        nowhere = os.open(os.devnull, os.O_RDWR)
        if nowhere == number:
            os.set_inheritable(number, True)
        else:
            os.dup2(nowhere, number)
            os.close(nowhere)


def print_to(stream: TextIO, text: str) -> None:
    """The text is written, a line end after it, what the stream cannot take escaped; nothing for no text.

    What cannot be written (a full disk, a pipe that nobody reads) is lost, which standard error is told; the
    exit code says what state the machine is in all the same.
    """
    if not text:
        return
    try:
        encoding = _encoding(stream)
        stream.write(text.encode(encoding, "backslashreplace").decode(encoding) + "\n")
        stream.flush()
    except OSError as error:
        give_up(stream, error)
    except ValueError:
        # The stream was closed from inside: nobody is there to be told.
        return


def _encoding(stream: TextIO) -> str:
    """What the stream is written in: on a pipe UTF-8 where the locale is, and ASCII elsewhere.

    Python takes the locale C for UTF-8, and Windows has several code pages: who reads the pipe need not.
    """
    if stream.isatty():
        return stream.encoding or "ascii"
    named = (stream.encoding or "").lower().replace("-", "")
    return "utf-8" if named == "utf8" and not sys.flags.utf8_mode else "ascii"


def give_up(stream: TextIO, error: OSError) -> None:
    """What is left for the stream goes nowhere: the interpreter would fail on it when it ends.

    Standard error is told that standard output cannot be written, unless nobody reads it any more.
    """
    with contextlib.suppress(OSError, ValueError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stream.fileno())
        os.close(nowhere)
    if stream is sys.stdout and not isinstance(error, BrokenPipeError):
        print_to(sys.stderr, f"the result cannot be written to standard output: {error.strerror}")


def show(report: Report, *, as_json: bool, quiet: bool = False) -> None:
    """The result is on standard output, errors on standard error: once where both are the same terminal.

    With `quiet` there is only JSON, and errors.
    """
    if as_json:
        from dsmcertfix.report.render import json

        print_to(sys.stdout, json.render(report))
        return
    from dsmcertfix.report.render import brief, text

    if not quiet:
        width, colour = terminal(sys.stdout)
        print_to(sys.stdout, text.render(report, width=width, colour=colour, typed=typed_words(sys.argv[1:])))
        if width is not None and sys.stderr.isatty() and brief.told_so(report):
            return
    width, colour = terminal(sys.stderr)
    print_to(sys.stderr, text.render_problem(report, width=width, colour=colour))


def show_list(report: Report) -> None:
    """What is about to be done is on standard error; a question follows."""
    from dsmcertfix.report.render import text

    width, colour = terminal(sys.stderr)
    typed = typed_words(sys.argv[1:])
    print_to(sys.stderr, text.render(report, width=width, colour=colour, typed=typed, asking=True))


def typed_words(words: list[str]) -> Typed:
    """What was typed, as it can be typed once more."""
    from dsmcertfix.cli.words import understood
    from dsmcertfix.report.render.brief import COMMANDS, Typed

    words = understood(words)
    named = (*COMMANDS, "history")
    at = next((number for number, word in enumerate(words) if word in named), len(words))
    before, after = words[:at], words[at + 1 :]
    program = " ".join(("dsmcertfix", _again(before))).rstrip()
    return Typed(program, _again(after), bool({*_VERBOSE} & {*words}), _again(_for_repair(after)))


def _again(words: Iterable[str]) -> str:
    """The words as they can be typed once more."""
    plain = (word if is_plain_word(word) else quoted(PurePath(word)) for word in words)
    return " ".join(word for word in plain if word not in _VERBOSE)


def _for_repair(words: list[str]) -> Iterator[str]:
    """Those of the options of `detect` that choose what is repaired, and by which policy."""
    left = iter(words)
    for word in left:
        name, equals, _ = word.partition("=")
        if name not in _OF_DETECT_ALONE:
            yield word
        elif _OF_DETECT_ALONE[name] and not equals:
            next(left, None)


def terminal(stream: TextIO) -> tuple[int | None, bool]:
    """The width of the terminal, None for a pipe, and whether colour is welcome (no-color.org)."""
    from dsmcertfix.system import no_colour_wanted

    if not stream.isatty():
        return None, False
    return shutil.get_terminal_size().columns, not no_colour_wanted()
