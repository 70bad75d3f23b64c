"""What is in a package is said beside and inside it; where it comes from is proved by building it again."""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
import tarfile
import zipfile
from pathlib import Path

import pytest
from tests.unixpack.conftest import BUILD_LIMIT_S, Built

from dsmpack import materials, provenance
from dsmpack.places import TOP

INSIDE = {"typer", "platformdirs", "filelock", "rich"}
COMPILED = {"cryptography", "psutil"}


def names(bill: str) -> set[str]:
    return {item["name"] for item in json.loads(bill)["components"]}


@pytest.mark.parametrize("with_python", [False, True])
def test_the_bill_is_valid_cyclonedx_and_names_what_is_in_it(with_python: bool) -> None:
    from cyclonedx.schema import SchemaVersion
    from cyclonedx.validation.json import JsonStrictValidator

    bill = materials.text(with_python=with_python)
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(bill) is None
    assert names(bill) >= INSIDE
    assert (names(bill) >= COMPILED) is with_python and (not COMPILED & names(bill)) is not with_python
    assert ({"python", "openssl"} <= names(bill)) is with_python
    assert bill == materials.text(with_python=with_python)


@pytest.mark.slow
def test_every_artefact_has_its_bill_beside_it_and_inside(built: Built) -> None:
    artefacts = [file for file in built.directory.iterdir() if file.suffix in (".pyz", ".gz", ".deb", ".rpm")]
    assert len(artefacts) >= 4
    for file in artefacts:
        beside = file.with_name(f"{file.name}.cdx.json").read_text(encoding="utf-8")
        assert names(beside) >= INSIDE
    with zipfile.ZipFile(built.one("*.pyz")) as archive:
        assert archive.read(materials.FILE).decode() == materials.text(with_python=False)
    with tarfile.open(built.one("*.tar.gz")) as archive:
        (member,) = (name for name in archive.getnames() if name.endswith(materials.FILE))
        content = archive.extractfile(member)
        assert content is not None
        assert content.read().decode() == materials.text(with_python=True)


@pytest.mark.slow
def test_the_sums_and_the_statement_name_every_file(built: Built) -> None:
    lines = (built.directory / provenance.SUMS).read_text(encoding="utf-8").splitlines()
    sums = {name: value for value, _, name in (line.partition("  ") for line in lines)}
    for name, value in sums.items():
        assert hashlib.sha256((built.directory / name).read_bytes()).hexdigest() == value
    statement = json.loads((built.directory / provenance.STATEMENT).read_text(encoding="utf-8"))
    assert statement["_type"] == "https://in-toto.io/Statement/v1"
    assert {item["name"]: item["digest"]["sha256"] for item in statement["subject"]} == sums
    assert {Path(name).suffix for name in sums} >= {".pyz", ".gz", ".deb", ".rpm", ".json"}


@pytest.mark.slow
def test_what_was_changed_after_the_build_is_named_by_building_it_again(tmp_path: Path, built: Built) -> None:
    build = str(TOP / "packaging/unix/build.sh")
    made = subprocess.run([build, "pyz", "--output", tmp_path], check=False, timeout=BUILD_LIMIT_S)
    assert made.returncode == 0

    def verified() -> subprocess.CompletedProcess[str]:
        command = [build, "--verify", str(tmp_path)]
        return subprocess.run(command, capture_output=True, text=True, check=False, timeout=BUILD_LIMIT_S)

    assert verified().returncode == 0
    file = tmp_path / "dsmcertfix.pyz"
    shutil.copy(file, tmp_path / "genuine")
    file.write_bytes(file.read_bytes() + b"\0")
    told = verified()
    assert (told.returncode, told.stderr.splitlines()[-1]) == (
        1,
        "not what this source gives: dsmcertfix.pyz",
    )
