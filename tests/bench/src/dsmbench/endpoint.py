"""Builds an endpoint: a tree below a directory with the client's programs, option files, stores and users.

    with scratch() as directory, Server("TSM01") as tsm01:
        endpoint = Endpoint(directory / "root")
        endpoint.stanza("TSM01", tsm01, node="HOST1")
        endpoint.store(certificates=[endpoint.trusted("TSM01", tsm01)])
        assert endpoint.dsmc("query", "session").returncode == 0

Built by root, files belong to the users named, and programs run as them; built by anybody else, everything is
the builder's. Key databases are made by IBM's own library.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from dsmbench import config, passwords, record, runtime
from dsmbench.config import ClientMode, Config, LabelForm
from dsmbench.made import INDEX, Certificates, Version, made_store
from dsmbench.places import API, BA, DBBKAPI, GSKIT, HSM, PASSWORD_DIRECTORY, SYSTEMCTL
from dsmbench.record import Run
from dsmbench.server import HOST, Listening, Server
from dsmbench.snapshot import Seen, snapshot

PROGRAMS = ("dsmc", "dsmcert", "dsmcad", "gsk8capicmd_64")
FIRST_UID = 20001
AS_ROOT = os.geteuid() == 0


@dataclass(frozen=True, slots=True)
class User:
    """A local user; `home` is the real path. A bench not built by root has one uid for all."""

    name: str
    uid: int
    gid: int
    home: Path


class Endpoint:
    """An endpoint below `root`, which is made. See the methods for what can be in it."""

    def __init__(
        self,
        root: Path,
        *,
        label_form: LabelForm = "stanza",
        client_mode: ClientMode = "install-or-home",
        home_name: str = "",
        store_version: Version = 4,
        programs: Sequence[str] = PROGRAMS,
    ):
        root.mkdir(parents=True, exist_ok=True)
        self.root = root.resolve()
        self._config = Config(str(self.root), client_mode, label_form, home_name, store_version)
        self._config_file = self.root / config.PLACE
        config.write(self._config_file, self._config)
        record.prepare(self.root)
        self._users: dict[str, User] = {}
        self.superuser = self._add_user(User("root", os.geteuid(), os.getegid(), self.root / "root"))
        self._directory(self.ba_directory)
        self.option_file()
        for name in programs:
            self._program(name)

    # --- places

    @property
    def ba_directory(self) -> Path:
        """The backup-archive client's directory."""
        return self.root / BA

    @property
    def api_directory(self) -> Path:
        """The API's directory; `add_api` makes it."""
        return self.root / API

    @property
    def hsm_directory(self) -> Path:
        """The space management client's directory; `add_hsm` makes it."""
        return self.root / HSM

    @property
    def dbbkapi_directory(self) -> Path:
        """The directory of the server's own API client; `add_database_backup` makes it."""
        return self.root / DBBKAPI

    @property
    def dsmc_program(self) -> Path:
        """The played dsmc."""
        return self.ba_directory / "dsmc"

    @property
    def gsk8capicmd_program(self) -> Path:
        """The key management program on IBM's library."""
        return self.root / GSKIT

    def path(self, absolute: str) -> Path:
        """The real path of a path on the endpoint."""
        return self.root / absolute.lstrip("/")

    def home_store(self, user: User) -> Path:
        """Where the client keeps the store of a user who may not write into its directory."""
        return user.home / "IBM" / (self._config.home_name or "SpectrumProtect") / "certs"

    # --- users

    def user(self, name: str, uid: int | None = None, home: str = "") -> User:
        """A local user with a group and a home; the one there is of that name.

        Raises RuntimeError when others cannot enter `root`.
        """
        if name in self._users:
            return self._users[name]
        if AS_ROOT and not runtime.open_to_all(self.root):
            raise RuntimeError(
                f"other users cannot enter {self.root}: build it below dsmbench.runtime.scratch()"
            )
        number = (uid or FIRST_UID + len(self._users)) if AS_ROOT else os.geteuid()
        return self._add_user(
            User(name, number, number if AS_ROOT else os.getegid(), self.path(home or f"/home/{name}"))
        )

    def _add_user(self, user: User) -> User:
        self._users[user.name] = user
        self._directory(user.home, user)
        homes = {known.name: f"/{known.home.relative_to(self.root)}" for known in self._users.values()}
        passwd = [
            f"{u.name}:x:{u.uid}:{u.gid}:{u.name}:{homes[u.name]}:/bin/sh\n" for u in self._users.values()
        ]
        group = [f"{u.name}:x:{u.gid}:\n" for u in self._users.values()]
        etc = self._directory(self.root / "etc")
        (etc / "passwd").write_text("".join(passwd), encoding="utf-8")
        (etc / "group").write_text("".join(group), encoding="utf-8")
        if not AS_ROOT and user.name != "root":
            homes_of_others = (*self._config.restricted_homes, str(user.home))
            self._configure(replace(self._config, restricted_homes=homes_of_others))
        return user

    # --- option files

    def stanza(
        self,
        name: str,
        server: Server | tuple[str, int],
        *,
        node: str,
        passworddir: str | None = None,
        directory: Path | None = None,
        owner: User | None = None,
        password: str | None = "",
        options: Mapping[str, str] | None = None,
    ) -> None:
        """A stanza in the dsm.sys of `directory` (the BA client's without one), and its stored password.

        The node is registered with a `Server` that does not know it. `password` is the node's default one
        when empty; None stores none. The password's files belong to `owner`. `options` replace or add lines.
        """
        host, port = (HOST, server.port) if isinstance(server, Server) else server
        if isinstance(server, Server) and node.upper() not in server.state.nodes:
            server.register(node)
        lines = {
            "COMMMethod": "TCPip",
            "TCPServeraddress": host,
            "TCPPort": str(port),
            "NODename": node,
            "PASSWORDAccess": "generate",
            **({"PASSWORDDIR": f'"{passworddir}"'} if passworddir else {}),
            **(options or {}),
        }
        text = "".join(f"   {option:<18} {value}\n" for option, value in lines.items())
        self.system_options(f"SErvername  {name}\n{text}\n", directory)
        if password is not None:
            self.stored_password(passworddir or PASSWORD_DIRECTORY, node, name, password, owner)

    def system_options(self, text: str | bytes, directory: Path | None = None) -> Path:
        """The text stands at the end of the dsm.sys of `directory` (the BA client's without one)."""
        file = self._directory(directory or self.ba_directory) / "dsm.sys"
        with file.open("ab") as opened:
            opened.write(text if isinstance(text, bytes) else text.encode("latin-1"))
        return file

    def option_file(self, server: str = "", directory: Path | None = None, name: str = "dsm.opt") -> Path:
        """A dsm.opt that names the server, or none."""
        file = self._directory(directory or self.ba_directory) / name
        file.write_text(f"* options\n{f'SErvername {server}' if server else ''}\n", encoding="latin-1")
        return file

    def stored_password(
        self, passworddir: str, node: str, stanza: str, password: str = "", owner: User | None = None
    ) -> None:
        """The TSM.* files of the PASSWORDDIR have the node's password; its default one when empty."""
        directory = self._directory(self.path(passworddir), owner)
        proof = passwords.token(node, password or passwords.default_password(node))
        passwords.store(directory, node, stanza, proof)
        for file in directory.glob("TSM.*"):
            self._give(file, owner)

    # --- stores

    def label(self, name: str) -> str:
        """The label that the client gives to a server of that name (see Config.label_form)."""
        return f"TSM server {name} self-signed key"

    def trusted(self, name: str, server: Server) -> tuple[str, bytes]:
        """Label and certificate as the client stores them for the server now."""
        return self.label(name), server.certificate_der

    def store(
        self,
        directory: Path | str | None = None,
        *,
        user: User | None = None,
        version: Version = 4,
        certificates: Certificates = (),
        cas: bool = False,
        idx: bool = True,
        owner: User | None = None,
    ) -> Path:
        """A store made by IBM's library, in the user's home, in `directory`, or in the BA client's directory.

        Its files belong to `owner`, or to `user`, and are closed to others. Returns the directory.
        """
        owner = owner or user
        if directory is None:
            directory = self.home_store(user) if user else self.ba_directory
        place = self._directory(self.path(directory) if isinstance(directory, str) else directory, owner)
        files = dict(made_store(version, cas, tuple(certificates)))
        if idx:
            files["dsmcert.idx"] = INDEX
        for name, content in files.items():
            file = place / name
            file.write_bytes(content)
            file.chmod(0o600)
            self._give(file, owner)
        return place

    # --- programs

    def misbehave(self, *, dsmc: str | Sequence[str] = (), gsk8capicmd: str = "") -> None:
        """The programs misbehave so from now on (trouble.py, gsk8capicmd.py); without arguments, not."""
        names = (dsmc,) if isinstance(dsmc, str) else tuple(dsmc)
        self._configure(replace(self._config, dsmc=names), gsk8capicmd=gsk8capicmd)

    def dsmc(
        self, *arguments: str, user: User | None = None, timeout_s: float = 60, **environment: str
    ) -> subprocess.CompletedProcess[str]:
        """Runs the played dsmc as that user, input closed, with that environment; returns what it said."""
        who = user or self.superuser
        identity: dict[str, Any] = {"user": who.uid, "group": who.gid, "extra_groups": []} if AS_ROOT else {}
        return subprocess.run(
            [str(self.dsmc_program), *arguments],
            env={"HOME": str(who.home), "LC_ALL": "C", "PATH": "/usr/bin:/bin", **environment},
            cwd="/",
            stdin=subprocess.DEVNULL,
            capture_output=True,
            encoding="latin-1",
            timeout=timeout_s,
            check=False,
            **identity,
        )

    @property
    def runs(self) -> list[Run]:
        """The runs of dsmc and dsmcert so far, oldest first."""
        return record.runs(self.root)

    def snapshot(self, directory: Path, pattern: str = "dsmcert.*") -> dict[str, Seen]:
        """What can be compared of the files below `directory` (snapshot.py)."""
        return snapshot(directory, pattern)

    def _program(self, name: str, directory: Path | None = None) -> None:
        if name == "gsk8capicmd_64":
            program = self.gsk8capicmd_program
            runtime.write_program(program, "dsmbench.gsk8capicmd", "--bench-config", self._config_file)
            return
        program = (directory or self.ba_directory) / name
        fixed = () if name == "dsmcad" else ("--bench-config", self._config_file, "--bench-program", program)
        runtime.write_program(program, f"dsmbench.{name}", *fixed)

    def install_gskit(self) -> Path:
        """IBM's libraries lie where the client's installer puts them; returns their directory."""
        directory = self.gskit_directory
        shutil.copytree(
            runtime.runtime().libraries, directory, copy_function=runtime.linked, dirs_exist_ok=True
        )
        return directory

    @property
    def gskit_directory(self) -> Path:
        """Where IBM's libraries lie; `install_gskit` puts them there."""
        return self.gsk8capicmd_program.parent.parent / "lib64"

    # --- other parts of a client

    def add_api(self) -> Path:
        """The API's directory, with dsmcert and a dsm.opt; `stanza(directory=…)` makes its dsm.sys."""
        self.option_file(directory=self.api_directory)
        self._program("dsmcert", self.api_directory)
        return self.api_directory

    def add_hsm(self) -> Path:
        """The space management client's directory."""
        return self._directory(self.hsm_directory)

    def add_database_backup(
        self, owner: User, server: Listening, *, store: Certificates = (), directory: Path | None = None
    ) -> Path:
        """The server's own API client for its database, in dbbkapi; `owner` has the instance.

        Without the instance's directory one is made, with a cert.kdb that nobody may touch.
        """
        place = directory or self._directory(owner.home / "instance", owner)
        instance = f"/{place.relative_to(self.root)}"
        name, node = f"TSMDBMGR_{owner.name}", "$$_TSMDBMGR_$$"
        if directory is None:
            (place / "cert.kdb").write_bytes(b"the server's own key database")
        (place / "tsmdbmgr.opt").write_text(f"servername {name}\n", encoding="latin-1")
        if node not in server.state.nodes:
            server.register(node)
        self.system_options(
            f"servername {name}\ncommmethod tcpip\ntcpserveraddr localhost\ntcpport {server.port}\n"
            f"passworddir {instance}\nerrorlogname {instance}/tsmdbmgr.log\nnodename {node}\n"
            "passwordaccess generate\n",
            self.dbbkapi_directory,
        )
        self.stored_password(instance, node, name, owner=owner)
        profile = self._directory(owner.home / "sqllib", owner) / "userprofile"
        profile.write_text(
            f"export DSMI_CONFIG={instance}/tsmdbmgr.opt\nDSMI_DIR=/{DBBKAPI}\nDSMI_LOG={instance}\n",
            encoding="utf-8",
        )
        for file in (place / "cert.kdb", place / "tsmdbmgr.opt", profile):
            self._give(file, owner)
        return self.store(self.dbbkapi_directory, certificates=store) if store else self.dbbkapi_directory

    def add_unit(self, name: str = "dsmcad.service", *, optfile: str = "", **environment: str) -> Path:
        """A systemd unit that starts dsmcad with that option file and environment."""
        file = self._directory(self.root / "etc/systemd/system") / name
        settings = "".join(f'Environment="{key}={value}"\n' for key, value in environment.items())
        option = f" -optfile={optfile}" if optfile else ""
        start = f"[Service]\nType=forking\n{settings}ExecStart=/{BA}/dsmcad{option}\n"
        file.write_text(f"[Unit]\nDescription=client acceptor\n\n{start}", encoding="utf-8")
        return file

    def add_systemctl(self) -> Path:
        """The played systemctl, for units that are made."""
        self._directory(self.root / SYSTEMCTL.parent)
        runtime.write_program(self.root / SYSTEMCTL, "dsmbench.systemctl", "--bench-root", self.root)
        return self.root / SYSTEMCTL

    def add_init_script(self, name: str = "dsmcad.x", *, optfile: str = "", **environment: str) -> Path:
        """An init script that starts dsmcad with that option file and environment."""
        file = self._directory(self.root / "etc/init.d") / name
        settings = "".join(f"{key}={value}\nexport {key}\n" for key, value in environment.items())
        option = f" -optfile={optfile}" if optfile else ""
        file.write_text(f"#!/bin/sh\n{settings}daemon /{BA}/dsmcad{option}\n", encoding="utf-8")
        file.chmod(0o755)
        return file

    # --- files

    def _configure(self, changed: Config, **others: object) -> None:
        self._config = changed
        config.write(self._config_file, changed, **others)

    def _directory(self, directory: Path, owner: User | None = None) -> Path:
        """The directory is there; what had to be made of it and below its owner's home is the owner's."""
        missing = [part for part in (directory, *directory.parents) if not part.exists()]
        for part in reversed(missing):
            part.mkdir(mode=0o755)
            if owner and (part == directory or part.is_relative_to(owner.home)):
                self._give(part, owner)
        return directory

    def _give(self, path: Path, owner: User | None) -> None:
        if AS_ROOT and owner:
            os.chown(path, owner.uid, owner.gid)


if __name__ == "__main__":
    from dsmbench.demo import main

    sys.exit(main())
