"""What the tool reads of a key database is what IBM's library reads of it."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.judge import databases
from tests.judge.databases import compare

from dsmbench.formats import NOT_TRUSTED, rewritten
from dsmbench.identity import Identity
from dsmbench.made import PASSWORD, Version, made_store


def made(directory: Path, version: Version) -> Path:
    """A key database of GSKit's own roots and one server's certificate, with its stash."""
    for name, content in made_store(version, True, (("größer", Identity.make().der),)):
        (directory / name).write_bytes(content)
    return directory / "dsmcert.kdb"


@pytest.mark.parametrize("version", [3, 4, 6])
def test_each_version_is_read_alike(tmp_path: Path, version: Version) -> None:
    found = compare(made(tmp_path, version))
    assert (found.version, found.result) == (str(version), "alike")


def test_marks_of_trust_are_read_alike(tmp_path: Path) -> None:
    file = made(tmp_path, 4)
    file.write_bytes(rewritten(file.read_bytes(), PASSWORD.encode(), flags=NOT_TRUSTED))
    assert compare(file).result == "alike"


def test_a_wrong_stash_is_refused_by_both(tmp_path: Path) -> None:
    file = made(tmp_path, 4)
    file.with_suffix(".sth").write_bytes(bytes(193))
    found = compare(file)
    assert found.alike and found.result.startswith("refused by both")


def test_a_difference_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file, theirs = made(tmp_path, 4), databases._theirs

    def other(asked: Path) -> object:
        found = theirs(asked)
        assert isinstance(found, list)
        return [*found[:-1], {**found[-1], "trusted": False}]

    monkeypatch.setattr(databases, "_theirs", other)
    found = compare(file)
    assert not found.alike and "trusted of record" in found.result
