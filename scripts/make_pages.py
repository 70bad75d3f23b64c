"""Writes docs/messages.md, errors.md and commands.md, and ConfigMgr's return-codes.csv, from the source.

In docs/threat-model.md it writes the table of budgets, and leaves the rest as it is.

With --check it only compares.

python scripts/make_pages.py [--check]
"""

from __future__ import annotations

import csv
import io
import string
import sys
from pathlib import Path
from typing import Any

import typer

from dsmcertfix import cli
from dsmcertfix.budgets import BUDGETS
from dsmcertfix.cli.help import GROUPS
from dsmcertfix.commands.explain import exit_codes
from dsmcertfix.ibm.client.message_table import MESSAGES, Message
from dsmcertfix.ibm.return_codes import table
from dsmcertfix.report.catalogue import CHAPTERS
from dsmcertfix.report.catalogue.exits import EXITS
from dsmcertfix.report.render.consoles import FAST_RETRY, profiled

TOP = Path(__file__).resolve().parent.parent
DOCS = TOP / "docs"
RETURN_CODES = TOP / "packaging" / "sccm" / "application" / "return-codes.csv"
NOTE = "<!-- Made by scripts/make_pages.py from {source}. Change that, not this page. -->"
NAMES = {
    "node": "NODE1",
    "server": "SERVER",
    "stanza": "STANZA",
    "store": "DIRECTORY",
    "trust": "copy cert256.arm from the server and use `dsmcertfix trust`",
}
PARTS = (
    ("ANS", "The client's messages"),
    ("ANR", "The server's messages"),
    ("CTGSK", "Messages of the key database program"),
    ("GSKIT-", "Return codes of GSKit"),
)


def messages() -> str:
    """The page about IBM's messages."""
    parts = [
        "# Messages of the client, the server and GSKit",
        NOTE.format(source="src/dsmcertfix/ibm/client/message_table.py"),
        "What `dsmcertfix explain CODE` says, and what the advice after a failed reconnect is made from. "
        "Of several codes that come together a cause decides, not its consequences.",
    ]
    for start, title in PARTS:
        parts.append(f"## {title}")
        parts += [
            _message(item) for code, item in sorted(MESSAGES.items(), key=_in_order) if code.startswith(start)
        ]
    parts.append("## Numbers of GSKit and of the client's API")
    parts.append(
        "A message gives a number without its table: GSKIT- is a session's, GSKKM- that of a key database ("
        "`gsk8capicmd`), API- one of the client's API. `dsmcertfix explain NUMBER` says what to do."
    )
    rows = ["| code | IBM's name | meaning |", "| --- | --- | --- |"]
    rows += [f"| {code} | `{item.name}` | {item.meaning} |" for code, item in table().items()]
    parts.append("\n".join(rows))
    return "\n\n".join(parts) + "\n"


def _in_order(item: tuple[str, Message]) -> tuple[str, int]:
    code = item[0]
    return code.rstrip(string.digits), int(code.rpartition("-")[2]) if code.startswith("GSKIT-") else 0


def _message(item: Message) -> str:
    shown = item.code.replace("GSKIT-", "GSKit return code ")
    lines = [f"### {shown}", f"{_sentence(item.meaning)}"]
    if item.met:
        lines.append(f"- In a log, or before a repair: {_filled(item.met)}")
        lines.append(f"- After a repair that fetches, {item.actor.value} must act: {_filled(item.advice)}")
    else:
        lines.append(f"- Who must act: {item.actor.value}.\n- What to do: {_filled(item.advice)}")
    if item.handed:
        lines.append(f"- After `dsmcertfix trust`: {_filled(item.handed)}")
    return "\n\n".join(lines[:2]) + "\n\n" + "\n".join(lines[2:])


def errors() -> str:
    """The page about the tool's own errors."""
    parts = [
        "# Errors of dsmcertfix",
        NOTE.format(source="src/dsmcertfix/report/catalogue"),
        "Every error has a code that never changes; `dsmcertfix explain CODE` says what stands here. "
        "The exit code is that of a run in which no store was touched; "
        "[exit-codes.md](exit-codes.md) has them all.",
    ]
    for title, entries in CHAPTERS.items():
        rows = [
            "| code | exit | meaning | state of the machine | what to do next |",
            "| --- | --- | --- | --- | --- |",
        ]
        for item in entries:
            codes = ", ".join(map(str, exit_codes(item.kinds)))
            rows.append(f"| `{item.code}` | {codes} | {item.meaning} | {item.state} | {item.after} |")
        parts += [f"## {title}", "\n".join(rows)]
    return "\n\n".join(parts) + "\n"


# What install.cmd can end in beyond `fix`, and which of all codes every deployment type has from the start.
_OF_INSTALLER = "nothing was repaired; dsmcertfix-msi.log says why"
INSTALLING = {
    1603: ("Failure", "Windows Installer failed, or a later version is installed", _OF_INSTALLER),
    1605: ("Failure", "dsmcertfix is not installed", "nothing was done; install it, then repair"),
    1619: ("Failure", "the MSI is not beside install.cmd", "nothing was done; look at the content source"),
    1625: ("Failure", "a policy forbids the installation", _OF_INSTALLER),
    1641: ("HardReboot", "Windows restarts", "installed"),
    3010: ("SoftReboot", "installed and repaired; Windows wants a restart", "as it should be"),
}
BY_DEFAULT = (0, 1618, 1641, 3010)
DETECT_ONLY = 3


def return_codes() -> str:
    """The return codes of install.cmd and repair.cmd for a deployment type in ConfigMgr, as CSV."""
    rows = {code: (kind, name, text) for code, (kind, name, text) in INSTALLING.items()}
    for found in EXITS.values():
        code = profiled(found.code, None, "configmgr")
        kind = {0: "Success", FAST_RETRY: "FastRetry"}.get(code, "Failure")
        if found.code != DETECT_ONLY:
            rows[code] = (kind, found.meaning, f"machine: {found.state}; next: {found.after}")
    written = io.StringIO()
    table = csv.writer(written, lineterminator="\n")
    table.writerow(("Code", "Type", "Default", "Name", "Description"))
    for code, (kind, name, text) in sorted(rows.items()):
        table.writerow((code, kind, "yes" if code in BY_DEFAULT else "no", name, text.replace("`", "")))
    return written.getvalue()


def threat_model() -> str:
    """The page as it is, with the table of budgets as it should be."""
    page = (DOCS / "threat-model.md").read_text(encoding="utf-8")
    before, _, rest = page.partition("<!-- budgets:")
    _, end, after = rest.partition("<!-- /budgets -->")
    rows = ["| at most | of what | source or reason |", "| ---: | --- | --- |"]
    rows += [f"| {item.cap:,} | {item.what} | {item.reason} |" for item in BUDGETS]
    made = "<!-- budgets: made by scripts/make_pages.py from src/dsmcertfix/budgets.py -->"
    return "\n".join((before + made, "", *rows, "", end + after))


def commands() -> str:
    """The page about every command: what `--help` prints."""
    group: Any = typer.main.get_command(cli.whole())
    parts = [
        "# Every command",
        NOTE.format(source="what `--help` prints"),
        "As `dsmcertfix help` and `dsmcertfix help COMMAND` print it.",
        _help("dsmcertfix", group, None),
    ]
    program = group.make_context("dsmcertfix", ["--help"], resilient_parsing=True)
    for name in dict.fromkeys((*(name for _, names in GROUPS for name in names), *group.commands)):
        one = group.commands[name]
        parts += [f"## {name}", _help(name, one, program)]
        within = one.make_context(name, [], parent=program, resilient_parsing=True)
        for word, command in getattr(one, "commands", {}).items():
            parts += [f"## {name} {word}", _help(word, command, within)]
    return "\n\n".join(parts) + "\n"


def _help(name: str, command: Any, parent: Any) -> str:
    """Its help in 80 columns, as a block."""
    context = command.make_context(
        name, [], parent=parent, resilient_parsing=True, terminal_width=78, max_content_width=80
    )
    lines = [line.rstrip() for line in command.get_help(context).splitlines()]
    return "\n".join(("```text", *lines, "```"))


def _filled(text: str) -> str:
    return text.format(**NAMES)


def _sentence(text: str) -> str:
    return f"{text[0].upper()}{text[1:]}."


def pages() -> dict[Path, str]:
    """Every page that is made, and its text."""
    return {
        DOCS / "messages.md": messages(),
        DOCS / "errors.md": errors(),
        DOCS / "commands.md": commands(),
        DOCS / "threat-model.md": threat_model(),
        RETURN_CODES: return_codes(),
    }


def main() -> None:
    """Writes the pages; with --check ends with 1 when one is not as it should be."""
    made = pages()
    if "--check" in sys.argv[1:]:
        stale = [
            path.name
            for path, text in made.items()
            if not path.exists() or path.read_text(encoding="utf-8") != text
        ]
        sys.exit(f"stale: {', '.join(stale)}; run scripts/make_pages.py" if stale else 0)
    for path, text in made.items():
        path.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
