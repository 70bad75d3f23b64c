"""How a result is told: in which format, where to, and with whose exit codes."""

from __future__ import annotations

import sys
from collections.abc import Callable
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from dsmcertfix import NamedTuple
from dsmcertfix.cli.output import print_to
from dsmcertfix.errors import DsmcertfixError, UsageError, bug
from dsmcertfix.wording import printable, quoted

if TYPE_CHECKING:
    from dsmcertfix.report.render.answer import Answer
    from dsmcertfix.report.render.consoles import ProfileName
    from dsmcertfix.report.result import Report


class DetectFormat(str, Enum):
    """Who is to understand what `detect` found."""

    text = "text"
    json = "json"
    summary = "summary"
    sccm = "sccm"
    sccm_item = "sccm-item"
    intune = "intune"
    nagios = "nagios"
    prometheus = "prometheus"


class ChangeFormat(str, Enum):
    """Who is to understand what was changed."""

    text = "text"
    json = "json"
    summary = "summary"


class Profile(str, Enum):
    """Whose exit codes."""

    default = "default"
    configmgr = "configmgr"


FormatOfDetect = Annotated[
    DetectFormat,
    typer.Option(
        "--format",
        help="Text for people, JSON (`summary`: one line below 2 KB), or what a management console or a "
        "monitoring system expects.",
    ),
]
FormatOfChange = Annotated[
    ChangeFormat,
    typer.Option("--format", help="Text for people, JSON, or `summary`: one line of JSON below 2 KB."),
]
Output = Annotated[
    Path | None,
    typer.Option("--output", metavar="FILE", help="Write the result to FILE, whole or not at all."),
]
ExitProfile = Annotated[
    Profile,
    typer.Option("--exit-profile", help="`configmgr`: 1618 (retry) when busy, 0 without any store; Windows."),
]

CONSOLES = ("sccm", "sccm-item", "intune", "nagios", "prometheus")
"""The formats that have exit codes of their own."""


class Telling(NamedTuple):
    """The format, the file (None: standard output), whose exit codes; Nagios warns below `warn_days`.

    With `quiet` text for people is only told where there is a problem.
    """

    format: str = "text"
    output: Path | None = None
    profile: ProfileName = "default"
    warn_days: int = 0
    quiet: bool = False


def plain(as_json: bool) -> Telling:
    """How a command tells it that has no option but `--json`."""
    return Telling("json" if as_json else "text")


def telling(
    named: Enum,
    as_json: bool,
    profile: Profile = Profile.default,
    output: Path | None = None,
    *,
    warn_days: int = 0,
) -> Telling:
    """How to tell it. Raises UsageError for what cannot be had together."""
    if as_json and named.value not in ("text", "json"):
        raise UsageError("two-formats", f"give `--json` or `--format {named.value}`, not both")
    if profile is not Profile.default:
        _require_wide_exit_codes()
        if named.value in CONSOLES:
            raise UsageError(
                "format-has-its-exit-codes",
                f"`--format {named.value}` has exit codes of its own: `--exit-profile` cannot change them",
            )
    chosen = "json" if as_json else str(named.value)
    return Telling(chosen, output, profile.value, warn_days)


def format_of_problems(form: str) -> str:
    """The format in which to tell of a wrong command line, or of a bug, where `form` was asked for.

    Metrics have no place for it: their collector is told by the exit code.
    """
    return form if form in ("json", "summary", "sccm", "sccm-item", "intune", "nagios") else "text"


def _require_wide_exit_codes() -> None:
    from dsmcertfix.system import exit_codes_are_wide

    if not exit_codes_are_wide():
        raise UsageError(
            "exit-profile-needs-windows",
            "`--exit-profile configmgr` is for Windows: an exit code has 8 bits here, 1618 would end as 82",
        )


def tell(report: Report, how: Telling) -> int:
    """The result is where it was asked for; returns the exit code of the process.

    A bug in the telling does not change it, but for formats with exit codes of their own, which follow from
    what is told: there it is raised. Raises NotPermitted when the file cannot be written.
    """

    if how.format in CONSOLES:
        return _told(report, how)
    return whatever_comes(lambda: _told(report, how), _exit_code(report, how))


def _told(report: Report, how: Telling) -> int:
    from dsmcertfix.cli.output import print_to, show

    if how.format in ("text", "json") and how.output is None:
        show(report, as_json=how.format == "json", quiet=how.quiet)
        return _exit_code(report, how)
    answer = _answer(report, how)
    # A file that is there is not exchanged for nothing.
    if how.output is not None and (answer.stdout or report.problem is None):
        from dsmcertfix.system.output_file import PRIVATE, READABLE, write_whole

        mode = READABLE if how.format == "prometheus" else PRIVATE
        line = f"{answer.stdout}\n" if answer.stdout else ""
        write_whole(how.output, (line.encode("utf-8", "backslashreplace"),), mode)
        if sys.stderr.isatty() and not how.quiet:
            run_it = f": run it with `dsmadmc macro {quoted(how.output)}`" if report.macro else ""
            print_to(sys.stderr, printable(f"written: {how.output}{run_it}"))
    else:
        print_to(sys.stdout, answer.stdout)
    print_to(sys.stderr, answer.stderr)
    return answer.code


def _exit_code(report: Report, how: Telling) -> int:
    if how.profile == "default":
        # Most ask for no other: what knows of them is not loaded.
        return report.exit_code
    from dsmcertfix.report.render.consoles import profiled

    return profiled(report.exit_code, report.problem, how.profile)


def _answer(report: Report, how: Telling) -> Answer:
    from dsmcertfix.report.render import answer, consoles, nagios, prometheus, summary, text
    from dsmcertfix.report.render import json as as_json

    match how.format:
        case "sccm":
            return consoles.application(report)
        case "sccm-item":
            return consoles.configuration_item(report)
        case "intune":
            return consoles.intune(report)
        case "nagios":
            return nagios.answer(report, how.warn_days)
        case "prometheus":
            return prometheus.answer(report)
        case "summary":
            return answer.Answer(summary.render(report), "", _exit_code(report, how))
        case "json":
            return answer.Answer(as_json.render(report), "", _exit_code(report, how))
        case _:
            shown, problems = text.render(report), text.render_problem(report)
            return answer.Answer(shown, problems, _exit_code(report, how))


def whatever_comes(tell: Callable[[], int], code: int) -> int:
    """What `tell` returns; where it has a bug that is told, and the `code` of the work, which is over, stays.

    Raises what is no bug: a file for the result that cannot be written, say.
    """
    try:
        return tell()
    except DsmcertfixError:
        raise
    except Exception as error:
        problem = bug(error).problem()
        print_to(sys.stderr, "; ".join((f"the result cannot be told: {problem.message}", *problem.context)))
        return code
