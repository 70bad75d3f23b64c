"""What the played programs of an endpoint are told by its builder: one JSON file below the endpoint's root.

The endpoint builder writes it, the programs read it at every start (`--bench-config`). Other keys than those
here belong to other programs and survive a change.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, Literal

ClientMode = Literal["install-or-home", "8.2.2", "passworddir"]
LabelForm = Literal["stanza", "address", "server"]
PLACE = Path(".dsmbench", "config.json")


@dataclass(frozen=True, slots=True)
class Config:
    """How the played client behaves.

    mode: where it looks for its store. "install-or-home": its own directory if it may write there, else the
    home. "8.2.2": the stanza's PASSWORDDIR when that has a key database, else the same. "passworddir": the
    stanza's PASSWORDDIR always.
    label_form: what stands in the label of a certificate that it fetched.
    home_name: "SpectrumProtect" or "StorageProtect"; empty for the one that is there, else the older.
    store_version: of the key databases it makes.
    restricted_homes: for a bench built by an ordinary user, who owns everything: whoever has one of these as
    HOME counts as one who may not write into the client's directory.
    dsmc: names of troubles (trouble.py).
    """

    root: str
    mode: ClientMode = "install-or-home"
    label_form: LabelForm = "stanza"
    home_name: str = ""
    store_version: Literal[3, 4, 6] = 4
    restricted_homes: tuple[str, ...] = ()
    dsmc: tuple[str, ...] = ()


def read(file: Path) -> Config:
    """The configuration in `file`. Raises OSError, ValueError or TypeError when it is none."""
    stored: dict[str, Any] = json.loads(file.read_bytes())
    known = {field.name for field in fields(Config)}
    given: dict[str, Any] = {
        key: tuple(value) if isinstance(value, list) else value for key, value in stored.items()
    }
    return Config(**{key: value for key, value in given.items() if key in known})


def write(file: Path, config: Config, **others: Any) -> None:
    """`file` holds the configuration; its other keys stay unless named in `others`. None removes a key."""
    before: dict[str, Any] = json.loads(file.read_bytes()) if file.exists() else {}
    content = {
        key: value for key, value in {**before, **asdict(config), **others}.items() if value is not None
    }
    file.parent.mkdir(parents=True, exist_ok=True)
    aside = file.with_suffix(".new")
    aside.write_text(json.dumps(content, indent=1), encoding="utf-8")
    aside.chmod(0o644)
    aside.replace(file)
