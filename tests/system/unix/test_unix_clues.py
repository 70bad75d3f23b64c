"""What environments, services and running clients say is read, in trees that are built here."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from dsmbench.runtime import scratch
from dsmcertfix.system.base import Clue
from dsmcertfix.system.unix import clues as unix_clues
from dsmcertfix.system.unix import subsystems
from dsmcertfix.system.unix.places import UnixPlaces


@pytest.fixture
def root(tmp_path: Path) -> Path:
    tree = tmp_path / "root"
    tree.mkdir()
    return tree


def write(path: Path, text: str = "") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def clues_of(root: Path, system: str = "linux", **environ: str) -> list[tuple[str, str, str | None]]:
    clues = UnixPlaces(root, system, environ).clues()
    return [(clue.setting, clue.value, clue.user) for clue in clues]


def test_the_environment_gives_clues_with_the_user(root: Path) -> None:
    write(root / "etc/passwd", f"me:x:{os.geteuid()}:0::/home/me:/bin/sh\n")
    assert clues_of(root, DSM_DIR="/opt/x", DSMI_CONFIG="/c.opt", DSM_LOG="/l", DSM_CONFIG="") == [
        ("DSM_DIR", "/opt/x", "me"),
        ("DSM_LOG", "/l", "me"),
        ("DSMI_CONFIG", "/c.opt", "me"),
    ]


UNIT = """\
[Service]
# Environment=DSM_DIR=/commented
User=tsmuser
Environment="DSM_DIR=/opt/a b" DSM_CONFIG=/etc/dsm.opt OTHER=1
EnvironmentFile=-/etc/sysconfig/dsmcad
ExecStart=/opt/tivoli/tsm/client/ba/bin/dsmcad \\
   -optfile="/etc/adsm/my dsm.opt"
"""


def test_a_systemd_unit_is_read_with_its_drop_ins_and_environment_file(root: Path) -> None:
    write(root / "usr/lib/systemd/system/dsmcad.service", UNIT)
    write(root / "usr/lib/systemd/system/other.service", "[Service]\nEnvironment=DSM_DIR=/other\n")
    write(root / "etc/systemd/system/dsmcad.service.d/site.conf", "[Service]\nEnvironment=DSMI_DIR=/api\n")
    write(root / "etc/sysconfig/dsmcad", "export DSMI_CONFIG='/etc/api.opt' # site\n")
    assert sorted(clues_of(root)) == [
        ("DSMI_CONFIG", "/etc/api.opt", "tsmuser"),
        ("DSMI_DIR", "/api", "tsmuser"),
        ("DSM_CONFIG", "/etc/dsm.opt", "tsmuser"),
        ("DSM_DIR", "/opt/a b", "tsmuser"),
        ("optfile", "/etc/adsm/my dsm.opt", "tsmuser"),
    ]


def test_unit_directories_and_units_may_be_links_of_that_machine(root: Path) -> None:
    write(root / "srv/cad.service", "[Service]\nExecStart=/x/dsmcad -optfile=/linked.opt\n")
    (root / "usr/lib/systemd/system").mkdir(parents=True)
    (root / "usr/lib/systemd/system/cad.service").symlink_to("/srv/cad.service")
    (root / "usr/lib/systemd/system/masked.service").symlink_to("/dev/null")
    (root / "lib").symlink_to("/usr/lib")
    assert set(clues_of(root)) == {("optfile", "/linked.opt", None)}


INIT = """\
#!/bin/sh
# DSM_DIR=/commented; dsmcad -optfile=/commented.opt
BASE=/opt/site
export DSM_DIR=$BASE/dsm
DSM_CONFIG="${BASE}/dsm.opt"; export DSM_CONFIG
DSMI_DIR=`dirname $0`
daemon $DSM_DIR/dsmcad -optfile='/etc/one.opt'
su - u -c "DSMI_CONFIG=/etc/u.opt dsmc schedule -OPTFILE=/etc/two.opt" &
dsmcad -optfile=$UNKNOWN
"""


def test_an_init_script_is_read_without_being_run(root: Path) -> None:
    write(root / "etc/init.d/dsmcad.site", INIT)
    write(root / "etc/init.d/other", "DSM_DIR=/other\n")
    assert clues_of(root) == [
        ("DSM_DIR", "/opt/site/dsm", None),
        ("DSM_CONFIG", "/opt/site/dsm.opt", None),
        ("DSMI_CONFIG", "/etc/u.opt", None),
        ("optfile", "/etc/one.opt", None),
        ("optfile", "/etc/two.opt", None),
    ]


def test_a_copied_start_script_beside_the_client_is_read(root: Path) -> None:
    write(root / "opt/tivoli/tsm/client/ba/bin/rc.dsmcad.two", 'dsmcad -optfile="/etc/b c.opt"\n')
    assert clues_of(root) == [("optfile", "/etc/b c.opt", None)]


def test_the_inittab_of_aix_is_read(root: Path) -> None:
    line = "cad:2:once:/usr/tivoli/tsm/client/ba/bin64/dsmcad -optfile=/etc/aix.opt >/dev/null 2>&1\n"
    write(root / "etc/inittab", line)
    assert clues_of(root, "aix") == [("optfile", "/etc/aix.opt", None)]


def test_what_an_inittab_of_aix_names_is_read_but_not_its_comments(root: Path) -> None:
    lines = ": cad:2:once:/etc/rc.old", "old:2:once", "a:2:once:", "cad:2:once:/etc/rc.adsm >/dev/null 2>&1"
    write(root / "etc/inittab", "\n".join((*lines, ":cad:2:once:dsmcad -optfile=/old.opt", "")))
    for name in ("old", "adsm"):
        write(root / f"etc/rc.{name}", f"#!/bin/ksh\nnohup dsmc sched -optfile=/{name}.opt &\n")
    assert clues_of(root, "aix") == [("optfile", "/adsm.opt", None)]


def test_a_start_script_of_a_run_level_of_aix_is_read(root: Path) -> None:
    write(root / "etc/rc.d/rc2.d/Sdsmcad", "DSM_CONFIG=/rc.opt\nexport DSM_CONFIG\ndsmcad\n")
    assert clues_of(root, "aix") == [("DSM_CONFIG", "/rc.opt", None)]


def test_subsystems_are_asked_of_a_tree_only_where_it_is_trusted(tmp_path: Path) -> None:
    with scratch() as root:
        lssrc = write(root / "usr/bin/lssrc", f"#!/bin/sh\ntouch {root}/ran\ncat <<'END'\n{SUBSYSTEMS}END\n")
        lssrc.chmod(0o755)
        assert clues_of(root, "aix") == []
        assert not (root / "ran").exists()
        found = UnixPlaces(root, "aix", {}, trust_root=True).clues()
        assert [(clue.value, clue.because) for clue in found] == [("/src.opt", "SRC subsystem cad")]


SUBSYSTEMS = """\
#subsysname:synonym:cmdargs:path:uid:auditid:grpname:
cad::-optfile=/src.opt:/usr/tivoli/tsm/client/ba/bin64/dsmcad:0:0::
odd:one::-optfile=/odd.opt:/usr/tivoli/tsm/client/ba/bin64/dsmcad:0:0::
inetd::-optfile=/no.opt:/usr/sbin/inetd:0:0:tcpip:
sched::sched -optfile=/no:/usr/bin/dsmc:none:0::
"""


def test_a_list_of_subsystems_is_read_as_far_as_it_is_one() -> None:
    assert [(one.name, one.uid, one.starts_client) for one in subsystems.listed(SUBSYSTEMS)] == [
        ("cad", 0, True),
        ("inetd", 0, False),
    ]
    for text in ("", "0513-036 The request could not be passed to the SRC", "#a:b:\nc:d:\n"):
        assert list(subsystems.listed(text)) == []


@pytest.mark.parametrize(
    ("command", "does"),
    [
        ("/x/dsmcad -o=/a", True),
        ("/x/dsmc sched", True),
        ("/x/dsmc q se", False),
        ("/w dsmcad", False),
        ("", False),
    ],
)
def test_a_subsystem_starts_the_client_by_its_program(command: str, does: bool) -> None:
    assert subsystems.Subsystem("x", command, 0).starts_client == does


@pytest.mark.parametrize(
    ("says", "state"),
    [
        ("echo 'Subsystem Group PID Status'; echo ' cad  42 active'", "running"),
        ("echo ' cad  inoperative'", "stopped"),
        ("echo ' cad  42 stopping'", "stopping"),
        ("exit 0", "unknown"),
        ("echo cad active; exit 1", "unknown"),
    ],
)
def test_what_a_subsystem_is_doing_is_the_last_word(tmp_path: Path, says: str, state: str) -> None:
    lssrc = write(tmp_path / "lssrc", f'#!/bin/sh\n[ "$*" = "-s cad" ] || exit 9\n{says}\n')
    lssrc.chmod(0o755)
    assert subsystems.state(lssrc, "cad") == state


def test_a_scheduler_of_macos_is_known_by_its_words(root: Path) -> None:
    words = "<string>/x/dsmc</string><string>sched</string><string>-optfile=/s.opt</string>"
    plist = f"<plist><dict><key>ProgramArguments</key><array>{words}</array></dict></plist>"
    write(root / "Library/LaunchDaemons/com.ibm.sched.plist", plist)
    other = plist.replace("sched</string>", "query</string>").replace("/s.opt", "/q.opt")
    write(root / "Library/LaunchDaemons/com.ibm.query.plist", other)
    assert clues_of(root, "macos") == [("optfile", "/s.opt", None)]


def test_a_launchd_list_of_macos_is_read_and_a_damaged_one_is_not_an_error(root: Path) -> None:
    plist = """<?xml version="1.0" encoding="UTF-8"?><plist version="1.0"><dict>
    <key>ProgramArguments</key><array><string>/x/dsmcad</string><string>-optfile=/a b.opt</string></array>
    <key>EnvironmentVariables</key><dict><key>DSM_DIR</key><string>/mac</string></dict></dict></plist>"""
    write(root / "Library/LaunchDaemons/com.example.dsmcad.plist", plist)
    write(root / "Library/LaunchDaemons/broken.plist", "<plist>dsmcad")
    assert clues_of(root, "macos") == [("DSM_DIR", "/mac", None), ("optfile", "/a b.opt", None)]


def test_the_profile_of_a_db2_instance_is_read(root: Path) -> None:
    write(root / "etc/passwd", "tsminst1:x:1500:1500::/home/tsminst1:/bin/sh\n")
    sqllib = root / "home/tsminst1/sqllib"
    write(sqllib / "userprofile", "export DSMI_CONFIG=/home/tsminst1/i/tsmdbmgr.opt\nDSMI_DIR=/opt/dbbkapi\n")
    write(sqllib / "tsmdbmgr.opt", "servername TSMDBMGR_TSMINST1\n")
    assert clues_of(root) == [
        ("DSMI_DIR", "/opt/dbbkapi", "tsminst1"),
        ("DSMI_CONFIG", "/home/tsminst1/i/tsmdbmgr.opt", "tsminst1"),
        ("DSMI_CONFIG", "/home/tsminst1/sqllib/tsmdbmgr.opt", "tsminst1"),
    ]


def test_fifos_devices_and_huge_files_in_service_directories_do_no_harm(root: Path) -> None:
    write(root / "etc/init.d/good", "dsmcad -optfile=/good.opt\n")
    os.mkfifo(root / "etc/init.d/fifo")
    (root / "etc/init.d/directory").mkdir()
    (root / "etc/init.d/huge").write_bytes(b"dsmcad -optfile=/huge.opt\n" * 100_000)
    (root / "etc/init.d/noise").write_bytes(b"dsmcad -optfile=\xff\xfe\0'\"" * 1000)
    start = time.monotonic()
    assert ("optfile", "/good.opt", None) in clues_of(root)
    assert ("optfile", "/huge.opt", None) not in clues_of(root)
    assert time.monotonic() - start < 20


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("export A=/x", {"A": "/x"}),
        ("A=/x; export A", {"A": "/x"}),
        ("A='/x y' B=\"/z\"", {"A": "/x y", "B": "/z"}),
        ("setenv A /x", {"A": "/x"}),
        ("A=/x\nB=$A/y\nC=${A}/z\nD='$A'", {"A": "/x", "B": "/x/y", "C": "/x/z"}),
        ("A=`pwd`\nB=$(pwd)\nC=$NOWHERE", {}),
        ("#A=/x\n  # A=/y", {}),
        ("-optfile=/x --A=/y", {}),
        ("A=", {}),
    ],
)
def test_shell_assignments_are_read_as_far_as_they_are_plain(text: str, values: dict[str, str]) -> None:
    assert unix_clues.assignments(text) == values


def test_long_lines_of_shell_take_time_in_proportion() -> None:
    for text in ("-optfile=" * 100_000, "A=" * 300_000, "A" * 600_000, "dsmc " * 200_000, '="' * 300_000):
        start = time.process_time()
        list(unix_clues.from_script(text, "", None))
        unix_clues.names_client(text)
        assert time.process_time() - start < 3


def test_a_running_client_below_the_root_gives_clues_and_one_elsewhere_none(
    root: Path, tmp_path: Path
) -> None:
    script = "import time; print('up', flush=True); time.sleep(60)"
    inside = write(root / "opt/tivoli/tsm/client/ba/bin/dsmcad", script)
    outside = write(tmp_path / "elsewhere/dsmcad", script)
    environ = {"DSM_DIR": "/opt/inside", "DSM_CONFIG": f"{root}/etc/dsm.opt"}
    running = [
        subprocess.Popen(
            [sys.executable, str(path), f"-optfile=/etc/{path.parent.name}.opt"],
            env=environ | {"DSMI_DIR": f"/{path.parent.name}"},
            stdout=subprocess.PIPE,
        )
        for path in (inside, outside)
    ]
    try:
        for process in running:
            assert process.stdout is not None
            process.stdout.readline()
        clues = list(UnixPlaces(root, "linux", {}).clues())
    finally:
        for process in running:
            process.kill()
            process.communicate()
    assert {(clue.setting, clue.value) for clue in clues} == {
        ("optfile", "/etc/bin.opt"),
        ("DSM_DIR", "/opt/inside"),
        ("DSM_CONFIG", "/etc/dsm.opt"),
        ("DSMI_DIR", "/bin"),
    }
    assert all(isinstance(clue, Clue) and "running dsmcad" in clue.because for clue in clues)
