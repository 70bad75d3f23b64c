"""The played gsk8capicmd_64: its command line, its output, and its ways to misbehave."""

from __future__ import annotations

import base64
import json
import os
import resource
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from dsmbench import certificates, gskit
from dsmbench.gsk8capicmd import LINGER_S, TROUBLES

HEADING = ["Certificates found", "* default, - personal, ! trusted, # secret key"]
Answer = subprocess.CompletedProcess[bytes]


class Bench:
    """One key database, and the program that edits it."""

    def __init__(self, directory: Path):
        self.file = directory / "dsmcert.kdb"
        self.program = directory / "bin" / "gsk8capicmd_64"
        self.config = directory / "misbehave.json"
        self.der = certificates.make("one")
        gskit.create(self.file, "correct horse")
        gskit.add(self.file, "one", self.der)
        gskit.write_program(self.program, config=self.config)

    def run(self, *arguments: str | bytes, timeout_s: float = 30) -> Answer:
        return subprocess.run(
            [self.program, *arguments],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            env={"LANG": "C"},
            cwd="/",
            timeout=timeout_s,
            check=False,
        )

    def cert(self, action: str, *arguments: str | bytes, timeout_s: float = 30) -> Answer:
        return self.run("-cert", action, "-db", str(self.file), "-stashed", *arguments, timeout_s=timeout_s)

    def misbehave(self, trouble: str) -> None:
        self.config.write_text(json.dumps({"gsk8capicmd": trouble}))

    def labels(self) -> list[str]:
        return list(gskit.certificates(self.file))


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


class TestTheCommandLine:
    def test_labels_with_blanks_commas_and_equals_signs_are_quoted(self, bench: Bench) -> None:
        for label in ("TSM server x", "CN=x,O=y"):
            gskit.add(bench.file, label, certificates.make())
        answer = bench.cert("-list")
        assert answer.stdout.decode().splitlines() == [
            *HEADING,
            "!\tone",
            '!\t"TSM server x"',
            '!\t"CN=x,O=y"',
        ]
        assert answer.returncode == 0

    def test_a_secret_key_has_its_own_marker(self, bench: Bench) -> None:
        key = base64.b64encode(b"secret").decode()
        gskit.run([{"op": "add-secret", "path": str(bench.file), "label": "1708990603_0", "key": key}])
        assert b"#\t1708990603_0" in bench.cert("-list").stdout

    def test_an_empty_key_database_says_so(self, bench: Bench) -> None:
        gskit.delete(bench.file, "one")
        assert bench.cert("-list").stdout == b"No certificates were found.\n"

    @pytest.mark.parametrize(
        "label", ["größer", "-delete", "-stashed", 'a "b" c', "tab\tx\x01", " blanks ", "日本"]
    )
    def test_a_label_survives_adding_listing_extracting_and_deleting(self, bench: Bench, label: str) -> None:
        raw, target = label.encode(), bench.file.with_suffix(".arm")
        der = certificates.make(serial=7)
        target.write_bytes(der)
        arguments = ("-label", raw, "-file", str(target), "-format", "binary", "-trust", "enable")
        assert bench.cert("-add", *arguments).returncode == 0
        assert raw in bench.cert("-list").stdout
        assert (
            bench.cert("-extract", "-label", raw, "-target", str(target), "-format", "ascii").returncode == 0
        )
        assert target.read_bytes().startswith(b"-----BEGIN CERTIFICATE-----\n")
        assert bench.cert("-delete", "-label", raw).returncode == 0
        assert bench.labels() == ["one"]
        assert bench.cert("-add", "-label", raw, "-file", str(target), "-format", "ascii").returncode == 0
        assert gskit.certificates(bench.file)[label] == der

    def test_details_show_label_and_dates_in_english(self, bench: Bench) -> None:
        lines = bench.cert("-details", "-label", "one").stdout.decode().splitlines()
        assert lines[0] == "Label : one"
        assert "Not After : January 1, 2040 12:00:00 AM GMT+00:00" in lines

    def test_a_new_key_database_is_stashed_and_empty_or_has_the_roots(self, bench: Bench) -> None:
        for name, option, filled in (("empty.kdb", (), False), ("full.kdb", ("-populate",), True)):
            path = bench.file.with_name(name)
            assert (
                bench.run("-keydb", "-create", *option, "-db", str(path), "-genpw", "-stash").returncode == 0
            )
            # How many roots they are depends on the day: GSKit leaves out what has expired.
            assert bool(gskit.certificates(path)) is filled

    @pytest.mark.parametrize(
        ("action", "arguments", "said"),
        [
            ("-delete", ("-label", "nope"), "CTGSK3029W"),
            ("-details", ("-label", "nope"), "CTGSK3029W"),
            ("-add", ("-label", "one", "-file", "/dev/null", "-format", "ascii"), "GSKKM_ERR_ASN"),
            ("-delete", (), "-label"),
            ("-frobnicate", (), "no such command"),
        ],
    )
    def test_what_cannot_be_done_fails_and_says_why(
        self, bench: Bench, action: str, arguments: tuple[str, ...], said: str
    ) -> None:
        answer = bench.cert(action, *arguments)
        assert answer.returncode != 0
        assert said in answer.stderr.decode()
        assert bench.labels() == ["one"]

    def test_it_starts_by_itself_without_the_wrapper(self, bench: Bench) -> None:
        command = [
            sys.executable,
            "-m",
            "dsmbench.gsk8capicmd",
            "-cert",
            "-list",
            "-db",
            str(bench.file),
            "-stashed",
        ]
        environment = {name: value for name, value in os.environ.items() if name != gskit.LIBRARY_PATH}
        assert b"one" in subprocess.run(command, env=environment, capture_output=True, check=True).stdout


class TestMisbehaving:
    def test_it_hangs_until_it_is_killed(self, bench: Bench) -> None:
        bench.misbehave("hang")
        with pytest.raises(subprocess.TimeoutExpired):
            bench.cert("-list", timeout_s=1)

    def test_a_trouble_can_be_kept_to_some_arguments(self, bench: Bench) -> None:
        bench.misbehave("crash -delete")
        assert bench.cert("-list").returncode == 0
        assert bench.cert("-delete", "-label", "one").returncode == -signal.SIGSEGV
        assert bench.labels() == ["one"]

    def test_it_writes_a_megabyte_to_stderr_and_does_its_work(self, bench: Bench) -> None:
        bench.misbehave("stderr-1mb")
        answer = bench.cert("-list")
        assert (answer.returncode, len(answer.stderr) >= 2**20) == (0, True)
        assert b"!\tone" in answer.stdout

    def test_it_speaks_french(self, bench: Bench) -> None:
        bench.misbehave("french")
        lines = bench.cert("-list").stdout.decode().splitlines()
        assert lines[0] == "Certificats trouvés"
        assert lines[2] == "!\tone"

    def test_it_writes_half_of_the_file_and_dies(self, bench: Bench) -> None:
        bench.misbehave("half-write")
        assert bench.cert("-list").returncode == 0
        gskit.add(bench.file, "two", certificates.make())
        assert bench.cert("-delete", "-label", "one").returncode == -signal.SIGKILL
        with pytest.raises(gskit.GskitError):
            bench.labels()

    def test_it_deletes_another_label(self, bench: Bench) -> None:
        gskit.add(bench.file, "two", certificates.make())
        bench.misbehave("wrong-label")
        assert bench.cert("-delete", "-label", "two").returncode == 0
        assert bench.labels() == ["two"]

    def test_it_fails_with_exit_code_0(self, bench: Bench) -> None:
        bench.misbehave("exit-0-but-fails")
        assert bench.cert("-delete", "-label", "one").returncode == 0
        assert bench.labels() == ["one"]

    def test_it_leaves_a_child_that_keeps_its_output_open(self, bench: Bench) -> None:
        bench.misbehave("spawns-lingering-child")
        command = [str(bench.program), "-cert", "-list", "-db", str(bench.file), "-stashed"]
        process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True
        )
        try:
            # The child keeps it open for twice as long.
            assert process.wait(LINGER_S / 2) == 0
            with pytest.raises(subprocess.TimeoutExpired):
                process.communicate(timeout=0.5)
        finally:
            os.killpg(process.pid, signal.SIGKILL)
            process.communicate()

    def test_a_word_that_names_no_trouble_is_said(self, bench: Bench) -> None:
        bench.misbehave("sulk")
        answer = bench.cert("-list")
        assert answer.returncode != 0
        assert all(trouble in answer.stderr.decode() for trouble in TROUBLES)


def test_one_call_takes_less_than_300_ms(bench: Bench) -> None:
    """Of a processor's time: what else the machine has to do is not the program's affair."""
    bench.cert("-list")

    def taken_s() -> float:
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        bench.cert("-list")
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        return after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime

    assert min(taken_s() for _ in range(5)) < 0.3
