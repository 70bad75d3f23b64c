"""The support bundle: all that the backup team needs, listed before it is written, and nothing secret."""

from __future__ import annotations

import json
import os
import pty
import re
import stat
import subprocess
import zipfile
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

import pytest
from tests.answers import checked
from tests.endtoend.machine import Machine
from tests.helpdesk.spoils import Secret, forms, found_in, of_machine
from tests.shown import shown_only_if

from dsmbench.passwords import default_password
from dsmbench.runtime import scratch

LIMIT_S = 300.0
# Every spelling of the client, and what lies near it: typing errors, comments, other options.
WRITTEN = {
    "PASsword": "hidden-Alpha-1",
    "pas": "hidden-Bravo-2",
    "PASS": "hidden-Charlie-3",
    "passw": "hidden-Delta-4",
    "passwo": "hidden-Echo-5",
    "passwor": "hidden-Foxtrot-6",
    "PASSWORD": '"hidden Golf 7"',
    "PASWORD": "hidden-Hotel-8",
    "* password": "hidden-India-9",
    "*": "hidden-Juliett-10",
    "VMCPw": "hidden-Kilo-11",
    "ENCRYPTKey": "hidden-Lima-12",
    "hidden-Mike-13": "",
    "PRESchedulecmd": '"mysqldump -phidden-November-14"',
    "HTTPPROXY": "http://me:hidden-Oscar-15@proxy",
    "NODename": "NODE_TSMB hidden-Papa-16",
    "PASSWORDDIR": '"/etc/adsm" hidden-Quebec-17',
    "TCPServeraddress": "127.0.0.1 hidden-Romeo-18",
    "password\t": "hidden-Sierra-19",
    "\tpassword": "hidden-Tango-20",
}
SAID = """\
cat <<'END'
ANS1036S The option 'PASWORD hidden-Hotel-8' or the value supplied for it is not valid. It was found in
options file 'dsm.sys' at the line number : 7. The complete entry : '   PASWORD hidden-Hotel-8'
dsmc -pas=hidden-Alpha-1 -password=hidden-Bravo-2
END"""
OPTIONS = "".join(f"   {option} {value}\n" for option, value in WRITTEN.items())


def written() -> tuple[Secret, ...]:
    found = re.findall(r"hidden[- ]\w+[- ]\d+", OPTIONS)
    assert len(found) == len(WRITTEN)
    return tuple(Secret("an option file", value.encode()) for value in found)


@pytest.fixture(scope="module")
def machine() -> Iterator[Machine]:
    """Two stores: one is repaired, one is refused; secrets in every corner, and a client that says them."""
    with scratch() as directory:
        made = Machine(directory, client_mode="8.2.2")
        endpoint = made.endpoint
        alice = endpoint.user("alice")
        made.stanzas("TSMA")
        made.stanzas("TSMB", passworddir="/home/alice/adsm", owner=alice)
        endpoint.store(certificates=made.trusted("TSMA"))
        endpoint.store(user=alice, certificates=made.trusted("TSMB"))
        endpoint.add_database_backup(endpoint.user("tsminst"), made.server("TSMC"))
        endpoint.system_options(OPTIONS)
        (endpoint.ba_directory / "dsm.opt").write_text(f"SErvername TSMA\n{OPTIONS}", encoding="utf-8")
        (endpoint.api_directory).mkdir(parents=True)
        (endpoint.api_directory / "dsm.opt").write_text(OPTIONS, encoding="utf-16")
        log = "\n".join(
            f"11/24/2026 04:41:50 ANS1592E Failed to initialize SSL protocol. {option}={value}"
            for option, value in WRITTEN.items()
            if option.lower().startswith("pas") and "PASSWORDDIR" not in option and option != "PASWORD"
        )
        (endpoint.ba_directory / "dsmerror.log").write_text(log + "\n", encoding="utf-8")
        for name in ("TSMA", "TSMB"):
            made.renew(name)
        made.servers["TSMB"].update_node("NODE_TSMB", "STRICT")
        made.before_dsmc(SAID)
        assert made.fix().code == 21
        yield made
        made.stop()


@pytest.fixture
def secrets(machine: Machine) -> tuple[Secret, ...]:
    """Everything on the machine, in the tool's own state, and at the servers that nobody else may see."""
    servers = [server.state.directory for server in machine.servers.values()]
    nodes = ("NODE_TSMA", "NODE_TSMB")
    known = tuple(Secret(f"password of {node}", default_password(node).encode()) for node in nodes)
    return (*of_machine(machine.root, machine.state, *servers), *known, *written())


def made_in(machine: Machine, directory: Path, *arguments: str) -> Path:
    answer = machine.run("support-bundle", "--yes", "--output", str(directory / "bundle.zip"), *arguments)
    assert answer.code == 0
    return Path(str(answer.report["bundle"]))


def members(bundle: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(bundle) as opened:
        assert opened.testzip() is None
        return {name.partition("/")[2]: opened.read(name) for name in opened.namelist()}


def test_it_holds_no_secret_of_the_machine_in_any_encoding(
    machine: Machine, secrets: tuple[Secret, ...], tmp_path: Path
) -> None:
    kinds = {
        "dsmcert.sth",
        "password in",
        "TSM.KDB",
        "TSM.sth",
        "cert.kdb",
        "private key",
        "head of",
        "option file",
    }
    assert {kind for kind in kinds if any(kind in secret.what for secret in secrets)} == kinds
    assert len(secrets) > 40
    assert found_in(made_in(machine, tmp_path), secrets) == []


def test_neither_does_what_the_command_prints(
    machine: Machine, secrets: tuple[Secret, ...], tmp_path: Path
) -> None:
    done = machine.text("support-bundle", "--yes", "--output", str(tmp_path / "b.zip"))
    said = (done.stdout + done.stderr).encode()
    assert [secret.what for secret in secrets for _, form in forms(secret.data) if form in said] == []


@pytest.mark.parametrize("how", ["stored", "deflated"])
def test_the_search_for_secrets_finds_each_in_each_form(
    machine: Machine, secrets: tuple[Secret, ...], tmp_path: Path, how: str
) -> None:
    method = zipfile.ZIP_STORED if how == "stored" else zipfile.ZIP_DEFLATED
    chosen = [secret for secret in secrets if list(forms(secret.data))][::7]
    for number, secret in enumerate(chosen):
        for place, (form, data) in enumerate(forms(secret.data)):
            if place > 20:
                break
            path = tmp_path / f"{how}-{number}-{place}.zip"
            with zipfile.ZipFile(path, "w", method) as bundle:
                bundle.writestr("file", b"before " * 9 + data + b" after" * 9)
            assert found_in(path, (secret,)) != [], (secret.what, form)


def test_it_holds_reports_journals_log_versions_places_and_certificates(
    machine: Machine, tmp_path: Path
) -> None:
    found = members(made_in(machine, tmp_path))
    report = json.loads(found["report.json"])
    assert (report["command"], report["exit_code"], len(report["stores"])) == ("detect", 3, 2)
    assert json.loads(found["places.json"])["looked_at"]
    assert "ANS1592E" in found["error-logs.txt"].decode()
    assert all(word in found["versions.txt"].decode() for word in ("dsmcertfix 0.", "gsk8capicmd"))
    (journal,) = (data for name, data in found.items() if name.startswith("runs/"))
    ours = next(machine.state.glob("runs/*/journal.jsonl")).read_bytes()
    assert [json.loads(line)["event"] for line in journal.splitlines()] == [
        json.loads(line)["event"] for line in ours.splitlines()
    ]
    log = (machine.state / "log" / "dsmcertfix.log").read_bytes()
    assert len(found["log/dsmcertfix.log"].splitlines()) == len(log.splitlines())
    assert {*log.splitlines()} - {*found["log/dsmcertfix.log"].splitlines()} == {
        line for line in log.splitlines() if b" context=" in line
    }
    stored = found[f"certificates/store-{report['stores'][0]['id']}.pem"].decode()
    assert report["stores"][0]["certificates"][0]["sha256"] in stored and "BEGIN CERTIFICATE" in stored
    shown = [data.decode() for name, data in found.items() if name.startswith("certificates/server-")]
    assert any(machine.servers["TSMB"].sha256 in text for text in shown)
    assert b"Not in here" in found["README.txt"]


def test_option_files_show_how_a_server_is_reached_and_that_a_password_is_there(
    machine: Machine, tmp_path: Path
) -> None:
    found = members(made_in(machine, tmp_path))
    (text,) = (data.decode() for name, data in found.items() if "dsm.sys" in name and b"TSMA" in data)
    port = str(machine.servers["TSMA"].port)
    assert "SERVERNAME TSMA" in text and f"TCPPORT {port}" in text and "NODENAME NODE_TSMA" in text
    assert text.count("PASSWORD ***") == 9
    assert "not shown)" in text


def test_what_is_in_it_is_listed_before_it_is_written(machine: Machine, tmp_path: Path) -> None:
    path = tmp_path / "listed.zip"
    answer = machine.run("support-bundle", "--yes", "--output", str(path))
    listed = {item["name"]: (item["size"], item["sha256"]) for item in answer.report["contents"]}
    found = members(path)
    assert listed == {name: (len(data), sha256(data).hexdigest()) for name, data in found.items()}
    for name in found:
        assert f"{name} (" in answer.stderr


def ask(machine: Machine, path: Path, answer: str) -> tuple[int, str]:
    """The exit code, and what was said, of the command on a terminal where that is answered."""
    ours, theirs = pty.openpty()
    with subprocess.Popen(
        machine.argv("support-bundle", "--output", path), stdin=theirs, stdout=theirs, stderr=theirs, cwd="/"
    ) as process:
        os.close(theirs)
        said = b""
        while b"[y/N]" not in said:
            said += os.read(ours, 65536)
        assert not path.exists(), "nothing is written before the answer"
        os.write(ours, f"{answer}\n".encode())
        try:
            while part := os.read(ours, 65536):
                said += part
        except OSError:
            pass
        code = process.wait(LIMIT_S)
    os.close(ours)
    return code, said.decode()


def test_on_a_terminal_it_asks_and_a_no_writes_nothing(machine: Machine, tmp_path: Path) -> None:
    path = tmp_path / "asked.zip"
    code, said = ask(machine, path, "n")
    assert (code, path.exists()) == (0, False)
    assert "report.json" in said and "certificates/" in said
    code, said = ask(machine, path, "y")
    assert (code, path.exists()) == (0, True)


def test_without_a_terminal_and_without_yes_it_explains_itself(machine: Machine, tmp_path: Path) -> None:
    answer = machine.run("support-bundle", "--output", str(tmp_path / "no.zip"))
    assert (answer.code, answer.problem, list(tmp_path.iterdir())) == (2, "nobody-to-ask", [])


def test_it_is_closed_to_others_whatever_the_umask(machine: Machine, tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        path = made_in(machine, tmp_path)
    finally:
        os.umask(before)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    with zipfile.ZipFile(path) as opened:
        assert {info.external_attr >> 16 for info in opened.infolist()} == {0o600}
        tops = {name.split("/")[0] for name in opened.namelist()}
        assert tops == {"bundle"} and not [name for name in opened.namelist() if ".." in name]


@pytest.mark.parametrize("what", ["file", "link", "dangling link", "directory"])
def test_it_is_never_written_over_or_through_what_is_there(
    machine: Machine, tmp_path: Path, what: str
) -> None:
    path, other = tmp_path / "bundle.zip", tmp_path / "other"
    if what == "file":
        path.write_text("precious")
    elif what == "directory":
        path.mkdir()
    else:
        path.symlink_to(other)
        if what == "link":
            other.write_text("precious")
    answer = machine.run("support-bundle", "--yes", "--output", str(path))
    assert (answer.code, answer.problem) == (2, "bundle-exists")
    assert "--output" in answer.report["problem"]["hint"]
    if what == "file":
        assert path.read_text() == "precious"
    assert other.exists() == (what == "link")


def test_where_it_cannot_be_written_that_is_told_and_nothing_is_left(
    machine: Machine, tmp_path: Path
) -> None:
    answer = machine.run("support-bundle", "--yes", "--output", str(tmp_path / "no" / "b.zip"))
    assert (answer.code, answer.problem) == (12, "bundle-not-written")
    full = machine.run("support-bundle", "--yes", "--output", "/dev/full/b.zip")
    assert (full.code, full.problem) == (12, "bundle-not-written")


def test_a_disk_that_is_full_leaves_no_half_of_it(machine: Machine, tmp_path: Path) -> None:
    path = tmp_path / "b.zip"
    limited = ["/bin/sh", "-c", 'ulimit -f 4; trap "" XFSZ; exec "$@"', "sh"]
    done = machine.of([*limited, *machine.argv("support-bundle", "--yes", "--json", "--output", path)])
    answer = checked(done)
    assert (answer.code, answer.problem, path.exists()) == (12, "bundle-not-written", False)


def test_without_a_name_it_is_made_where_one_stands(machine: Machine, tmp_path: Path) -> None:
    argv = machine.argv("support-bundle", "--yes")
    for _ in range(2):
        subprocess.run(argv, cwd=tmp_path, check=True, capture_output=True, stdin=subprocess.DEVNULL)
    names = [path.name for path in tmp_path.iterdir()]
    assert len(names) == 2
    assert all(name.startswith("dsmcertfix-support-") and name.endswith("Z-" + name[-10:]) for name in names)


@shown_only_if(os.name == "posix" and os.geteuid() == 0, "only root can give files away")
@pytest.mark.parametrize(
    ("directory_of", "mode", "theirs"),
    [(4711, 0o755, True), (0, 0o1777, True), (0, 0o755, False), (0, 0o777, False), (4712, 0o755, False)],
)
def test_under_sudo_it_belongs_to_who_typed_it_where_they_could_have_made_it(
    machine: Machine, tmp_path: Path, directory_of: int, mode: int, theirs: bool
) -> None:
    place = tmp_path / "place"
    place.mkdir()
    place.chmod(mode)
    os.chown(place, directory_of, -1)
    sudo = {"SUDO_USER": "alice", "SUDO_UID": "4711", "SUDO_GID": "4710"}
    done = subprocess.run(
        machine.argv("support-bundle", "--yes"),
        cwd=place,
        env=os.environ | sudo,
        check=True,
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
    )
    (made,) = place.iterdir()
    info = made.stat()
    assert (info.st_uid, info.st_gid) == ((4711, 4710) if theirs else (0, 0))
    assert stat.S_IMODE(info.st_mode) == 0o600
    assert f"readable by {'alice' if theirs else 'root'} alone" in done.stdout


def test_it_changes_nothing_on_the_machine(machine: Machine, tmp_path: Path) -> None:
    before = machine.everything()
    state = {path: path.lstat().st_mtime_ns for path in machine.state.rglob("*")}
    made_in(machine, tmp_path)
    assert machine.everything() == before
    assert {path: path.lstat().st_mtime_ns for path in machine.state.rglob("*")} == state


@shown_only_if(os.geteuid() == 0, "a state directory of somebody else: only root can make one")
def test_journals_that_somebody_else_may_have_written_are_left_out(tmp_path: Path) -> None:
    with scratch() as directory:
        made = Machine(directory)
        made.endpoint.store(certificates=())
        (made.state / "runs" / "x").mkdir(parents=True)
        (made.state / "runs" / "x" / "journal.jsonl").write_text("planted")
        os.chown(made.state, 4711, 4711)
        path = made_in(made, tmp_path)
        assert not [name for name in members(path) if name.startswith(("runs/", "log/"))]


def test_on_a_machine_without_any_store_it_says_so_and_has_the_rest(tmp_path: Path) -> None:
    with scratch() as directory:
        found = members(made_in(Machine(directory), tmp_path))
    assert "there is no dsmcert.kdb" in found["report.txt"].decode()
    assert json.loads(found["places.json"])["looked_at"]
