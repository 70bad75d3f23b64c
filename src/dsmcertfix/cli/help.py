"""The help of the program: its commands in groups, each with its whole sentence."""

from __future__ import annotations

from typing import Any

from typer.core import TyperGroup

GROUPS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("Look (nothing is changed)", ("detect", "plan", "inspect", "locate", "probe", "explain")),
    ("Repair", ("guide", "fix", "trust")),
    ("Go back, and what was done", ("rollback", "recover", "history", "backups", "verify", "prune")),
    ("Many machines", ("report", "admin-macro", "forecast")),
    ("For the backup team", ("support-bundle",)),
    ("A server's own certificate", ("server",)),
    ("Images and new clients", ("store",)),
    ("The site's policy", ("policy",)),
)
"""The commands in the order of `--help`; what stands in no group comes after them."""


class Listed(TyperGroup):
    """Commands that are listed with the whole first paragraph of their help."""

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """All of them are listed under one heading."""
        with formatter.section("Commands"):
            formatter.write_dl([row for name in self.commands for row in self._rows(name)])

    def _rows(self, name: str) -> list[tuple[str, str]]:
        """The command and its help; of a group its commands."""
        one: Any = self.commands.get(name)
        own = getattr(one, "commands", {None: one} if one is not None else {})
        return [
            (f"{name} {word}" if word else name, " ".join(found.help.partition("\n\n")[0].split()))
            for word, found in own.items()
        ]


class Program(Listed):
    """The commands of `GROUPS` under their headings, then every other one."""

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """Every command is listed in its group."""
        grouped = {name for _, names in GROUPS for name in names}
        others = tuple(name for name in self.commands if name not in grouped)
        for title, names in (*GROUPS, ("More", others)):
            rows = [row for name in names for row in self._rows(name)]
            if rows:
                with formatter.section(title):
                    formatter.write_dl(rows)
