"""The files beside a key database: what IBM's TLS opens, `detect` calls fine, and nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.endtoend.machine import Machine

from dsmbench import formats, gsktls
from dsmbench.made import PASSWORD
from dsmbench.runtime import scratch
from dsmbench.server import HOST

REQUESTS = formats.side_files(4, PASSWORD.encode())[".rdb"]
DAMAGED = {
    "empty": b"",
    "half": REQUESTS[:44],
    "zeros": bytes(len(REQUESTS)),
    "another byte": REQUESTS[:20] + b"\1" + REQUESTS[21:],
    "too long": REQUESTS + b"\0",
    "another password's": formats.side_files(4, b"other")[".rdb"],
    "the revocations": formats.side_files(4, PASSWORD.encode())[".crl"],
    "a key database": formats.key_database(4, PASSWORD.encode()),
}
WHOLE = {
    "as made": REQUESTS,
    "another version's": formats.side_files(6, PASSWORD.encode())[".rdb"],
    "none": None,
}


@pytest.fixture(scope="module")
def machine() -> Iterator[Machine]:
    """One store, whose server presents what it holds."""
    with scratch() as directory:
        made = Machine(directory, client_mode="8.2.2")
        made.stanzas("TSMA")
        made.endpoint.store(certificates=made.trusted("TSMA"))
        yield made
        made.stop()


def verdicts(machine: Machine, name: str, content: bytes | None) -> tuple[bool, bool]:
    """Whether IBM's TLS trusts the server, and whether `detect` calls all fine, with that file there."""
    place: Path = machine.ba / name
    kept = place.read_bytes()
    try:
        place.unlink()
        if content is not None:
            place.write_bytes(content)
        asked = [(HOST, machine.servers["TSMA"].port, machine.ba / "dsmcert.kdb")]
        (verdict,) = gsktls.judge_all(asked)
        return verdict.trusted, machine.run("detect").code == 0
    finally:
        place.write_bytes(kept)


@pytest.mark.parametrize("name", DAMAGED)
def test_a_damaged_file_of_requests_is_found_as_ibm_s_tls_refuses_the_store(
    machine: Machine, name: str
) -> None:
    assert verdicts(machine, "dsmcert.rdb", DAMAGED[name]) == (False, False)


@pytest.mark.parametrize("name", WHOLE)
def test_a_whole_file_of_requests_is_fine_and_so_is_none(machine: Machine, name: str) -> None:
    assert verdicts(machine, "dsmcert.rdb", WHOLE[name]) == (True, True)


@pytest.mark.parametrize("file", ["dsmcert.crl", "dsmcert.idx"])
@pytest.mark.parametrize("content", [None, b"", b"torn"], ids=["none", "empty", "torn"])
def test_what_is_in_the_other_files_does_not_matter(
    machine: Machine, file: str, content: bytes | None
) -> None:
    assert verdicts(machine, file, content) == (True, True)


def test_a_store_with_a_damaged_file_of_requests_is_repaired_whole(machine: Machine) -> None:
    (machine.ba / "dsmcert.rdb").write_bytes(b"")
    answer = machine.fix()
    assert answer.code == 14 and "requests-damaged" in answer.stdout
    assert machine.fix("--whole-store", "--store", machine.ba).code == 0
    assert machine.run("detect").code == 0
