"""Man page and completion as files."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path

from dsmpack import commandline, manual
from dsmpack.completion import bash, fish, zsh
from dsmpack.places import NAME, epoch, version


@dataclass(frozen=True, slots=True)
class Texts:
    """The man page, and the completion of each shell."""

    manual: str
    bash: str
    zsh: str
    fish: str


def texts() -> Texts:
    """Made from the command line of the source that is imported."""
    program, commands = commandline.program()
    day = datetime.fromtimestamp(epoch(), timezone.utc).date().isoformat()
    return Texts(
        manual.page(version(), day, program, commands),
        bash.script(program, commands),
        zsh.script(program, commands),
        fish.script(program, commands),
    )


def write(directory: Path) -> list[Path]:
    """The files are in `man/man1` and `completion` below the directory."""
    made = texts()
    files = {
        directory / f"man/man1/{NAME}.1": made.manual,
        directory / f"completion/{NAME}": made.bash,
        directory / f"completion/_{NAME}": made.zsh,
        directory / f"completion/{NAME}.fish": made.fish,
    }
    for file, text in files.items():
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
    return list(files)
