"""Bad input: a clear error on that store alone, the other stores repaired, nothing lost, no hang."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.endtoend.conftest import MakeMachine
from tests.endtoend.machine import Machine, identity
from tests.shown import not_shown

from dsmbench import formats, gskit
from dsmbench.endpoint import AS_ROOT
from dsmbench.identity import fingerprint
from dsmbench.made import PASSWORD

LABEL = "TSM server {} self-signed key"
OTHER = "/opt/other/adsm"


@pytest.fixture
def machine(make_machine: MakeMachine) -> Machine:
    """One server, TSMA, and root's store that trusts it; a client that uses stores in PASSWORDDIRs, too."""
    made = make_machine(client_mode="8.2.2")
    made.stanzas("TSMA")
    made.endpoint.store(certificates=made.trusted("TSMA"))
    return made


@pytest.fixture
def bad(machine: Machine) -> Path:
    """A second store, to be spoilt; both servers have a new certificate."""
    machine.stanzas("TSMB", passworddir=OTHER)
    directory = machine.endpoint.store(OTHER, certificates=machine.trusted("TSMB"))
    machine.renew("TSMA")
    machine.renew("TSMB")
    return directory


def require_only_the_other_repaired(machine: Machine, bad: Path, code: int, problem: str | None) -> None:
    """Every command tells what is wrong with the bad store; the good one is repaired all the same."""
    before = machine.seen(bad)
    detected = machine.run("detect", timeout_s=30)
    assert detected.code == 3
    assert detected.store(bad)["problem"]["code"] == (problem or detected.store(bad)["problem"]["code"])
    answer = machine.fix()
    assert (answer.code, answer.report["changed"]) == (code, True)
    assert answer.store(bad)["outcome"] == "unchanged"
    assert answer.store(bad)["problem"]["message"]
    assert machine.seen(bad) == before
    assert machine.held() == {LABEL.format("TSMA"): machine.servers["TSMA"].sha256}


def put(at: int, value: bytes) -> Callable[[bytes], bytes]:
    return lambda content: content[:at] + value + content[at + len(value) :]


class TestKeyDatabase:
    @pytest.mark.parametrize(
        ("spoil", "problem"),
        [
            (lambda _: bytes.fromhex("03d9a29a67fb4bb5") + bytes(400), "file-keepass"),
            (lambda _: b"this is a text file\n" * 20, "file-not-key-database"),
            (lambda _: b"", "file-empty"),
            (lambda content: content[:5], "file-cut-off"),
            (lambda content: content[:0x30], None),
            (lambda content: content[:0x60], None),
            (lambda content: content[: len(content) // 2], "file-cut-off"),
            (lambda content: content[:-1], "file-cut-off"),
            (lambda content: content + b"\0", "file-too-long"),
            (put(0x14, b"\xff\xff\xff\xff"), "file-cut-off"),
            (put(0x10, bytes(4)), "file-slot-size"),
            (put(0x10, (2**31).to_bytes(4, "big")), "file-slot-size"),
            (put(2, b"\x05"), "file-version-unknown"),
            (put(200, b"\xff\xff\xff"), None),
        ],
        ids=[
            "KeePass",
            "text",
            "empty",
            "5 bytes",
            "header only",
            "codes only",
            "half",
            "one byte short",
            "one byte long",
            "2^32-1 records",
            "slots of 0",
            "slots of 2^31",
            "version 5",
            "a damaged record",
        ],
    )
    def test_one_that_is_none_is_told_and_left_alone(
        self, machine: Machine, bad: Path, spoil: Callable[[bytes], bytes], problem: str | None
    ) -> None:
        file = bad / "dsmcert.kdb"
        file.write_bytes(spoil(file.read_bytes()))
        require_only_the_other_repaired(machine, bad, 14, problem)

    def test_one_of_ten_gigabytes_is_not_read(self, machine: Machine, bad: Path) -> None:
        os.truncate(bad / "dsmcert.kdb", 10 * 2**30)
        answer = machine.fix()
        assert (answer.code, answer.report["changed"]) == (14, True)
        assert answer.store(bad)["problem"]["code"] == "file-too-large"
        assert (bad / "dsmcert.kdb").stat().st_size == 10 * 2**30

    @pytest.mark.parametrize("kind", ["directory", "FIFO", "link"])
    def test_what_is_no_file_is_not_opened(self, machine: Machine, bad: Path, kind: str) -> None:
        file = bad / "dsmcert.kdb"
        kept = file.rename(bad / "kept")
        if kind == "directory":
            file.mkdir()
        elif kind == "FIFO":
            os.mkfifo(file)
        else:
            file.symlink_to(kept)
        answer = machine.fix()
        assert (answer.code in (12, 14), answer.report["changed"]) == (True, True)
        assert answer.store(bad)["problem"]["code"] == "not-a-regular-file"
        assert machine.run("detect").code in (12, 14)

    def test_one_with_a_second_name_is_not_touched(self, machine: Machine, bad: Path) -> None:
        os.link(bad / "dsmcert.kdb", bad.parent / "another name")
        require_only_the_other_repaired(machine, bad, 12, "file-has-another-name")
        for command, code in (("locate", 0), ("inspect", 12), ("plan", 12), ("fix", 12)):
            answer = machine.text(
                "--verbose", command, *(["--yes", "--trust-on-first-use"] if command == "fix" else [])
            )
            assert (answer.code, str(bad) in answer.stdout + answer.stderr) == (code, True)


class TestStash:
    def test_a_missing_one_is_told_with_the_way_out(self, machine: Machine, bad: Path) -> None:
        (bad / "dsmcert.sth").unlink()
        require_only_the_other_repaired(machine, bad, 14, "stash-missing")

    @pytest.mark.parametrize(
        "content", [b"", b"not a stash", bytes(129), bytes(193), b"\xff" * 1000], ids=len
    )
    def test_a_wrong_one_is_told(self, machine: Machine, bad: Path, content: bytes) -> None:
        (bad / "dsmcert.sth").write_bytes(content)
        require_only_the_other_repaired(machine, bad, 14, None)

    def test_one_of_another_store_is_told(self, machine: Machine, bad: Path, tmp_path: Path) -> None:
        gskit.create(tmp_path / "dsmcert.kdb", "another password", 4)
        (bad / "dsmcert.sth").write_bytes((tmp_path / "dsmcert.sth").read_bytes())
        require_only_the_other_repaired(machine, bad, 14, "password-wrong")


class TestLabels:
    @pytest.mark.parametrize(
        "label",
        [
            'a "quoted" label of TSMB',
            "  blanks around TSMB  ",
            "-label TSMB",
            "--help TSMB",
            "control \x1b[31m and \t in TSMB",
            "Zertifikat für TSMB übermorgen 証明書",
            "$(touch /tmp/nothing) `id` ; TSMB",
            "TSMB" + " x" * 120,
        ],
    )
    def test_an_odd_one_is_found_shown_and_repaired(self, machine: Machine, bad: Path, label: str) -> None:
        machine.endpoint.store(OTHER, certificates=[(label, identity("TSMB").der)])
        answer = machine.fix()
        assert (answer.code, answer.store(bad)["outcome"]) == (0, "changed")
        assert machine.servers["TSMB"].sha256 in machine.held(bad).values()
        assert label not in machine.held(bad)

    def test_an_odd_one_can_be_named(self, machine: Machine, bad: Path) -> None:
        for label in ("--yes", 'a "b" \x1b[0m', "ümläut"):
            machine.endpoint.store(OTHER, certificates=[(label, identity("TSMB").der)])
            answer = machine.run("plan", f"--label={label}")
            assert (answer.code, answer.report["comment"]) == (0, "would change 1 store")

    def test_two_that_differ_in_case_are_two(self, make_machine: MakeMachine) -> None:
        made = make_machine()
        made.stanzas("TSMA", "TSMB")
        lower, upper = "tsm server tsma", "TSM SERVER TSMA"
        old, other = identity("TSMA"), identity("somebody else's")
        made.endpoint.store(certificates=[(lower, old.der), (upper, other.der)])
        made.renew("TSMA")
        slot = made.slots()[upper]
        answer = made.fix(f"--label={lower}")
        assert answer.code == 0, answer.report["comment"]
        assert made.slots()[upper] == slot
        assert fingerprint(old.der) not in made.held().values()

    def test_none_of_them_steers_a_terminal(self, machine: Machine, bad: Path) -> None:
        label = "evil \x1b]0;title\x07 \x9b31m \r\n TSMB"
        machine.endpoint.store(OTHER, certificates=[(label, identity("TSMB").der)])
        for command in ("inspect", "detect", "plan", "fix"):
            answer = machine.text(
                "--verbose", command, *(["--yes", "--trust-on-first-use"] if command == "fix" else [])
            )
            shown = answer.stdout + answer.stderr
            assert [
                char for char in shown if (ord(char) < 32 and char != "\n") or 127 <= ord(char) < 160
            ] == []
            assert "evil" in shown


class TestCertificates:
    def test_one_that_cannot_be_parsed_is_shown_with_the_reason(self, machine: Machine, bad: Path) -> None:
        # A country that is no PrintableString: IBM's library takes it all the same.
        unreadable = identity("odd").der.replace(b"\x13\x02US", b"\x13\x02\xffS", 1)
        trusted = (LABEL.format("TSMB"), identity("TSMB").der)
        machine.endpoint.store(OTHER, certificates=[("odd", unreadable), trusted])
        inspected = machine.run("inspect", "--store", bad)
        (odd,) = [one for one in inspected.store(bad)["certificates"] if one["label"] == "odd"]
        assert (odd["kind"], odd["status"]) == ("unreadable", "unreadable")
        assert odd["reason"]
        answer = machine.fix()
        assert (answer.code, answer.store(bad)["outcome"]) == (0, "changed"), answer.report["comment"]
        assert "odd" in machine.slots(bad)

    def test_one_that_keeps_ibm_s_programs_from_opening_the_store_is_told_and_only_a_new_store_helps(
        self, machine: Machine
    ) -> None:
        month13 = identity("TSMA").der
        first_day = month13.index(b"\x17\x0d") + 2
        month13 = month13[: first_day + 2] + b"13" + month13[first_day + 4 :]
        slot = formats.trusted(1, LABEL.format("TSMA").encode(), month13)
        (machine.ba / "dsmcert.kdb").write_bytes(formats.key_database(4, PASSWORD.encode(), [slot]))
        with pytest.raises(gskit.GskitError, match="GSKKM_ERR_ASN"):
            gskit.certificates(machine.ba / "dsmcert.kdb")
        before = machine.seen()
        detected = machine.run("detect", "--store", machine.ba)
        assert (detected.code, detected.problem) == (14, "certificate-unopenable")
        fixed = machine.fix("--store", machine.ba)
        assert (fixed.code, machine.seen()) == (14, before)
        made = machine.fix("--whole-store", "--store", machine.ba)
        assert (made.code, made.store(machine.ba)["outcome"]) == (0, "changed")
        assert list(machine.held()) == [LABEL.format("TSMA")]


class TestOptionFiles:
    def test_one_of_50000_lines_is_read(self, machine: Machine) -> None:
        lines = "".join(f"* line {number}\n   SOMEOPTION{number} value\n" for number in range(25_000))
        machine.endpoint.system_options(lines)
        machine.stanzas("TSMB")
        new = machine.renew("TSMA")
        answer = machine.run("fix", "--yes", "--trust-on-first-use", timeout_s=30)
        assert (answer.code, machine.held()[LABEL.format("TSMA")]) == (0, new)

    def test_a_stanza_without_an_address_is_in_nobodys_way(self, machine: Machine) -> None:
        machine.endpoint.system_options("SErvername NOWHERE\n  nodename x\n\n")
        new = machine.renew("TSMA")
        assert machine.fix().code == 0
        machine.require_proved("TSMA", new)
        before = machine.everything()
        answer = machine.fix("--server", "NOWHERE")
        assert (answer.code in (0, 10), machine.everything()) == (True, before), answer.report["comment"]
        machine.servers["TSMA"].update_node("NODE_TSMA", "TRANSITIONAL")
        assert machine.fix("--whole-store", "--store", machine.ba).code == 0
        assert len(machine.reconnects) == 3  # one of a fix, one of require_proved, one of the other fix

    def test_a_password_directory_that_is_missing_is_told_by_locate(self, machine: Machine) -> None:
        machine.stanzas("TSMB", passworddir="/opt/gone/adsm", password=None)
        located = machine.run("locate")
        (gone,) = [place for place in located.report["looked_at"] if "/opt/gone" in place["directory"]]
        assert (located.code, gone["found"]) == (0, False)
        new = machine.renew("TSMA")
        assert machine.fix().code == 0
        machine.require_proved("TSMA", new)

    def test_bytes_that_are_no_text_are_no_matter(self, machine: Machine) -> None:
        machine.endpoint.system_options(b"\xff\xfe\0\0 \x80\r\nSERVERNAME \xfc\r\n tcps \xe9\r\n\0\n")
        new = machine.renew("TSMA")
        answer = machine.fix()
        assert answer.code in (0, 16), answer.report["comment"]
        assert machine.held() == {LABEL.format("TSMA"): new}

    def test_one_that_is_missing_leaves_the_stores_to_be_seen(self, machine: Machine) -> None:
        (machine.ba / "dsm.sys").unlink()
        assert machine.run("inspect").code == 0
        before = machine.seen()
        answer = machine.fix()
        assert (answer.code, answer.report["changed"], machine.seen()) == (0, False, before)
        planned = machine.run("plan", "--label", LABEL.format("TSMA"))
        assert any("nothing is fetched in its place" in line for line in planned.report["warnings"])


class TestDirectories:
    def test_two_stores_that_are_one_by_a_link_are_one(self, machine: Machine) -> None:
        machine.stanzas("TSMB", passworddir="/opt/linked/adsm", password=None)
        link = machine.endpoint.path("/opt/linked/adsm")
        if link.exists():
            link.rmdir()
        link.parent.mkdir(parents=True, exist_ok=True)
        link.symlink_to(machine.ba)
        new = machine.renew("TSMA")
        answer = machine.fix()
        assert (answer.code, len(answer.report["stores"])) == (0, 1)
        assert len(machine.reconnects) == 1
        assert machine.held() == {LABEL.format("TSMA"): new}

    def test_one_that_cannot_be_read_is_told(self, machine: Machine, bad: Path) -> None:
        if not AS_ROOT:
            bad.chmod(0)
        else:
            not_shown("an unreadable directory: root reads every one")
        try:
            answer = machine.fix()
            assert (answer.code, answer.report["changed"]) == (12, True)
        finally:
            bad.chmod(0o755)

    def test_one_that_cannot_be_written_is_rolled_back_or_refused(self, machine: Machine, bad: Path) -> None:
        if AS_ROOT:
            bob = machine.endpoint.user("bob")
            os.chown(bad / "dsmcert.kdb", bob.uid, bob.gid)
            before = machine.seen(bad)
            answer = machine.fix("--store", bad)
            assert answer.code in (12, 16, 20, 21), answer.report["comment"]
            assert machine.seen(bad) == before
        else:
            not_shown("a directory of somebody else: only root can make one")

    def test_blanks_quotes_and_line_ends_in_a_path_do_no_harm(self, make_machine: MakeMachine) -> None:
        made = make_machine()
        place = "/opt/a b 'c'/adsm"
        made.stanzas("TSMA", passworddir=place)
        directory = made.endpoint.store(place, certificates=made.trusted("TSMA"))
        new = made.renew("TSMA")
        answer = made.fix("--no-reconnect")
        assert (answer.code, answer.store(directory)["outcome"]) == (0, "changed"), answer.report["comment"]
        assert new not in made.held(directory).values()
