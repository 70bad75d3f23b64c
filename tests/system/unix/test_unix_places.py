"""The places of four systems, looked up in trees that are built here, by root or by anybody else."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest
from tests.shown import not_shown
from tests.transaction.kit import ONLY_1000

from dsmcertfix.system.base import Exposed
from dsmcertfix.system.unix import paths as unix_paths
from dsmcertfix.system.unix.places import UnixPlaces
from dsmcertfix.system.unix.tables import SYSTEMS

AS_ROOT = os.geteuid() == 0
STRANGER = 20001 if AS_ROOT else os.geteuid()
"""The uid of what "a user" made; where we are not root we are that user ourselves."""

NOT_TRUSTING_US = frozenset((0,))


@pytest.fixture
def root(tmp_path: Path) -> Path:
    tree = tmp_path / "root"
    tree.mkdir()
    return tree


def write(path: Path, text: str = "") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def users_link(path: Path, target: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.symlink_to(target)
    if AS_ROOT:
        os.lchown(path, STRANGER, STRANGER)
    return path


# Tables


@pytest.mark.parametrize(
    ("system", "ba", "passworddir", "gsk8capicmd"),
    [
        ("linux", "opt/tivoli/tsm/client/ba/bin", "/etc/adsm", "usr/local/ibm/gsk8_64/bin/gsk8capicmd_64"),
        (
            "aix",
            "usr/tivoli/tsm/client/ba/bin64",
            "/etc/security/adsm",
            "usr/opt/ibm/gsk8_64/bin/gsk8capicmd_64",
        ),
        ("solaris", "opt/tivoli/tsm/client/ba/bin", "/etc/adsm", "usr/local/ibm/gsk8_64/bin/gsk8capicmd_64"),
        (
            "macos",
            "Library/Application Support/tivoli/tsm/client/ba/bin",
            "/Library/Preferences/Tivoli Storage Manager",
            "Library/ibm/gsk8/bin/gsk8capicmd",
        ),
    ],
)
def test_each_system_has_its_places(
    root: Path, system: str, ba: str, passworddir: str, gsk8capicmd: str
) -> None:
    places = UnixPlaces(root, system)
    assert places.client_directories()[0] == ("ba", root / ba)
    assert places.default_passworddir() == passworddir
    assert places.gsk8capicmd()[0] == root / gsk8capicmd
    assert places.client_programs("dsmc")[0] == root / ba / "dsmc"
    assert places.home_stores() == ("IBM/SpectrumProtect/certs", "IBM/StorageProtect/certs")


@pytest.mark.parametrize("system", SYSTEMS)
def test_a_tree_with_nothing_in_it_is_no_error(root: Path, system: str) -> None:
    places = UnixPlaces(root, system, {})
    assert places.homes() == ()
    assert list(places.clues()) == []
    assert places.owner(0) is None
    assert places.resolve(places.below(places.default_passworddir())).path is None


def test_bin_owns_the_system_on_aix_and_not_on_linux(root: Path) -> None:
    assert UnixPlaces(root, "aix").system_uids() == {0, 2}
    assert UnixPlaces(root, "linux").system_uids() == {0}


def test_the_environment_of_this_process_is_not_that_of_another_root(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DSM_DIR", "/here")
    assert UnixPlaces(root).environment() == {}
    assert UnixPlaces().environment()["DSM_DIR"] == "/here"


# Paths


@pytest.mark.parametrize(
    ("written", "real"),
    [
        ("/etc/adsm", "etc/adsm"),
        ("etc/adsm/", "etc/adsm"),
        ("//etc/./adsm", "etc/adsm"),
        ("/", ""),
        ("/../../etc", "etc"),
        ("/a/../../../etc", "a/../etc"),
        ("/a\0/b", "a"),
        ("", ""),
    ],
)
def test_a_path_of_the_machine_stays_below_its_root(root: Path, written: str, real: str) -> None:
    assert UnixPlaces(root).below(written) == root / real
    assert str(UnixPlaces().below(written)) == f"/{real}"


def test_homes_and_directories_of_this_machine_are_named_as_everybody_names_them() -> None:
    places = UnixPlaces()
    directories = [str(path) for _, path in places.client_directories()]
    named = [*(home.path for home in places.homes()), *directories]
    assert len(named) > 6
    assert [path for path in named if path != os.path.normpath(path) or path[:2] == "//"] == []


@pytest.mark.parametrize(
    ("target", "leads_to"),
    [
        ("/data/store", "data/store"),
        ("../data/store", "data/store"),
        ("../../../../../data/store", "data/store"),
        ("/data/../data/./store", "data/store"),
        ("/nowhere", None),
        ("/data/file/x", None),
    ],
)
def test_a_link_leads_where_it_would_lead_on_that_machine(
    root: Path, target: str, leads_to: str | None
) -> None:
    (root / "data/store").mkdir(parents=True)
    write(root / "data/file")
    (root / "etc").mkdir()
    (root / "etc/adsm").symlink_to(target)
    found = UnixPlaces(root).resolve(root / "etc/adsm")
    assert found.path == (None if leads_to is None else root / leads_to)
    assert found.refused is None


def test_a_directory_that_is_a_link_is_followed_on_the_way(root: Path) -> None:
    (root / "usr/home/u/certs").mkdir(parents=True)
    (root / "home").symlink_to("/usr/home")
    assert UnixPlaces(root).resolve(root / "home/u/certs").path == root / "usr/home/u/certs"


def test_links_in_a_circle_are_refused(root: Path) -> None:
    (root / "a").symlink_to("b")
    (root / "b").symlink_to("a")
    found = UnixPlaces(root).resolve(root / "a")
    assert found.path is None
    assert "more than 40 symbolic links" in (found.refused or "")


def test_a_users_link_to_what_is_not_theirs_is_refused_and_named(root: Path) -> None:
    link = users_link(root / "home/u/certs", "/etc/adsm" if AS_ROOT else "/etc")
    (root / "etc/adsm").mkdir(parents=True)
    base = root if AS_ROOT else Path("/")
    found = unix_paths.resolve(base, link, NOT_TRUSTING_US)
    assert str(link) in (found.refused or "")
    assert f"uid {STRANGER}" in (found.refused or "")


def test_a_users_link_to_what_is_theirs_is_followed(root: Path) -> None:
    own = root / "data/u"
    own.mkdir(parents=True)
    if AS_ROOT:
        os.chown(own, STRANGER, STRANGER)
    link = users_link(root / "home/u/certs", "/data/u")
    found = unix_paths.resolve(root, link, NOT_TRUSTING_US)
    assert (found.path, found.refused) == (own, None)


def test_our_own_link_is_followed_wherever_it_leads(root: Path) -> None:
    (root / "link").symlink_to("/")
    assert UnixPlaces(root).resolve(root / "link").refused is None


def test_a_root_that_is_reached_by_a_link_is_named_by_its_real_path(root: Path, tmp_path: Path) -> None:
    (tmp_path / "alias").symlink_to(root)
    assert UnixPlaces(tmp_path / "alias").root == root


def test_a_small_file_is_read_with_its_owner(root: Path) -> None:
    path = write(root / "dsm.sys", "text")
    path.chmod(0o640)
    content = UnixPlaces(root).read(path, 10)
    assert (content.data, content.uid, content.open_to) == (b"text", os.geteuid(), None)
    path.chmod(0o646)
    assert UnixPlaces(root).read(path, 10).open_to == Exposed(path, "everyone, mode 0646")


@pytest.mark.parametrize(
    ("mode", "gid", "to"),
    [
        (0o664, 0, None),
        (0o664, 4343, "group 4343, mode 0664"),
        # The first is the user's own, of the second somebody else is a member, the third is everybody's.
        (0o664, 20001, None),
        (0o664, 20002, "group 20002, mode 0664"),
        (0o664, 100, "group 100, mode 0664"),
        (0o644, 4343, None),
    ],
)
def test_a_file_that_a_group_can_write_is_open_to_it_unless_it_is_the_owners_own(
    root: Path, mode: int, gid: int, to: str | None
) -> None:
    if os.geteuid() != 0:
        not_shown("files of other users: it needs root")
    write(root / "etc/passwd", "a:x:20001:20001::/a:\nb:x:20002:20002::/b:\nc:x:20003:100::/c:\n")
    write(root / "etc/group", "root:x:0:\na:x:20001:\nb:x:20002:b,c\nusers:x:100:\n")
    path = write(root / "dsm.sys")
    os.chown(path, {20002: 20002, 100: 20003}.get(gid, 20001), gid)
    path.chmod(mode)
    assert UnixPlaces(root).read(path, 10).open_to == (to and Exposed(path, to))


@pytest.mark.parametrize(("mode", "to"), [(0o755, None), (0o1777, None), (0o777, "everyone, mode 0777")])
def test_a_directory_on_the_way_in_which_others_can_exchange_the_file_opens_it(
    root: Path, mode: int, to: str | None
) -> None:
    path = write(root / "opt/client/dsm.sys")
    (root / "opt").chmod(mode)
    assert UnixPlaces(root).read(path, 10).open_to == (to and Exposed(root / "opt", to))


def test_an_acl_that_lets_somebody_else_write_opens_a_file_of_roots_group(root: Path) -> None:
    path = write(root / "dsm.sys")
    try:
        os.setxattr(path, "system.posix_acl_access", ONLY_1000)
    except OSError:
        not_shown("ACLs: this file system has none")
    path.chmod(0o664)
    found = UnixPlaces(root).read(path, 10).open_to
    assert found is not None and "ACL" in found.to


def test_what_is_no_small_regular_file_is_refused_at_once(root: Path) -> None:
    places = UnixPlaces(root)
    os.mkfifo(root / "fifo")
    (root / "directory").mkdir()
    (root / "link").symlink_to("/etc/passwd")
    with (root / "sparse").open("wb") as sparse:
        sparse.truncate(10 * 1024**3)
    for name, code in (
        ("fifo", errno.EINVAL),
        ("directory", errno.EINVAL),
        ("link", errno.EINVAL),
        ("sparse", errno.EFBIG),
        ("missing", errno.ENOENT),
    ):
        with pytest.raises(OSError) as caught:
            places.read(root / name, 1024)
        assert caught.value.errno == code, name
    with pytest.raises(OSError):
        places.read(Path("/dev/zero"), 1024)


# Users


PASSWD = """\
root:x:0:0:root:/root:/bin/sh
daemon:x:1:1::/:/sbin/nologin
nobody:x:65534:65534::/:/sbin/nologin
alice:x:1001:100:Alice:/home/alice:/bin/sh
alias:x:1001:100:the same uid:/home/alice:/bin/sh
broken
nouid:x::100::/home/nouid:/bin/sh
huge:x:99999999999:1::/home/huge:/bin/sh
relative:x:1003:100::home/x:/bin/sh
+nis:x:1:1::/home/nis:/bin/sh
bob:x:1002:1002::/home/bob/:/bin/sh
"""
GROUP = "users:x:100:\nbackup:x:34:alice,bob\nbroken\nnogid:x:y:alice\nwheel:x:10:alice\n"


def test_the_users_of_a_tree_come_from_its_own_files(root: Path) -> None:
    write(root / "etc/passwd", PASSWD)
    write(root / "etc/group", GROUP)
    places = UnixPlaces(root)
    homes = {home.path[len(str(root)) :]: home.user for home in places.homes()}
    assert homes == {"/root": "root", "": "daemon", "/home/alice": "alice", "/home/bob": "bob"}
    alice = places.owner(1001)
    assert alice is not None
    assert (alice.name, alice.gid, alice.home, alice.groups) == (
        "alice",
        100,
        root / "home/alice",
        (100, 34, 10),
    )
    assert places.owner(4711) is None


def test_a_home_that_root_shares_is_roots(root: Path) -> None:
    write(root / "etc/passwd", "daemon:x:1:1::/:/bin/sh\nroot:!:0:0::/:/usr/bin/ksh\n")
    assert [home.user for home in UnixPlaces(root, "aix").homes()] == ["root"]


def test_a_passwd_file_that_is_a_fifo_or_full_of_noise_gives_no_users(root: Path) -> None:
    (root / "etc").mkdir()
    os.mkfifo(root / "etc/passwd")
    assert UnixPlaces(root).homes() == ()
    (root / "etc/passwd").unlink()
    (root / "etc/passwd").write_bytes(bytes(range(256)) * 100)
    assert UnixPlaces(root).homes() == ()


def test_a_home_beside_the_known_ones_counts_although_its_user_is_not_listed(root: Path) -> None:
    write(root / "etc/passwd", "root:x:0:0::/root:/bin/sh\nalice:x:1001:100::/home/alice:/bin/sh\n")
    (root / "home/alice").mkdir(parents=True)
    (root / "home/ldapuser").mkdir()
    write(root / "home/file")
    if AS_ROOT:
        (root / "home/lost+found").mkdir()
        os.chown(root / "home/ldapuser", STRANGER, STRANGER)
    homes = {home.user: home for home in UnixPlaces(root).homes()}
    assert sorted(homes) == ["alice", "ldapuser", "root"]
    assert homes["ldapuser"].uid == STRANGER


def test_this_machines_own_users_have_homes_and_groups() -> None:
    places = UnixPlaces()
    ours = places.owner(os.geteuid())
    assert ours is not None
    assert ours.gid in ours.groups
    assert places.owner(2**31 - 7) is None
    assert all(home.path.startswith("/") for home in places.homes())
