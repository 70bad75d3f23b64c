r"""Builds a Windows endpoint on the very machine: a client with its stores, profiles, registry and services.

    with Server("TSM01") as tsm01, WindowsEndpoint() as endpoint:
        endpoint.option_file(tsm01, node="PC1")                          # ...\baclient\dsm.opt
        endpoint.store(certificates=[endpoint.trusted("TSM01", tsm01)])  # ...\baclient\dsmcert.*
        assert endpoint.dsmc("query", "session").returncode == 0

For Windows (a test machine, or Wine: `scripts/wine.sh python -m pytest tests/windows`): the client's places
are fixed there, and the registry is one. What it makes is written down first and taken away at the end, or
by the next endpoint when a run was killed; where there is a client already that it did not make, it refuses.
One at a time.

Real: key databases, GSKit's DLLs, TLS, files, registry, the service manager's record of services, every
program's .exe. Played: dsmc.exe, dsmcert.exe, gsk8capicmd_64.exe's command line, dsmcsvc.exe, the servers.
Everything belongs to the user who builds it: other users' profiles are directories and registry entries, and
`dsmc(user=…)` is told that profile. The played client may not write into its directory when it runs as such
a user.

See Endpoint (endpoint.py) for what Unix and Windows have in common.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

assert sys.platform == "win32"

from dsmbench import config, passwords, record, windows_lookup, windows_programs, windows_services
from dsmbench.config import Config, LabelForm
from dsmbench.made import INDEX, Certificates, Version, made_store
from dsmbench.record import Run
from dsmbench.server import HOST, Server
from dsmbench.snapshot import Seen, snapshot
from dsmbench.windows_registry import Value
from dsmbench.windows_traces import Traces

BENCH = Path(r"C:\dsmbench")
TIVOLI = Path(r"C:\Program Files\Tivoli")
BA = TIVOLI / "TSM" / "baclient"
API = Path(r"C:\Program Files\Common Files\Tivoli\TSM\api64")
GSKIT = Path(r"C:\Program Files\IBM\gsk8")
PROGRAM_DATA = Path(r"C:\ProgramData")
ADSM = r"SOFTWARE\IBM\ADSM\CurrentVersion"
PROFILES = r"SOFTWARE\Microsoft\Windows NT\CurrentVersion\ProfileList"
SERVICES = r"SYSTEM\CurrentControlSet\Services"
PROGRAMS = ("dsmc", "dsmcert", "gsk8capicmd_64")


@dataclass(frozen=True, slots=True)
class WindowsUser:
    """A profile on the machine."""

    name: str
    sid: str
    home: Path


class WindowsEndpoint:
    """An endpoint on this machine, until `close` or the end of `with`.

    `ba_directory` is where the client was installed, which the registry says. Raises RuntimeError when there
    is a client that the bench did not make.
    """

    def __init__(
        self,
        *,
        label_form: LabelForm = "server",
        home_name: str = "",
        store_version: Version = 4,
        programs: Sequence[str] = PROGRAMS,
        ba_directory: Path = BA,
        gskit: Path = GSKIT,
    ):
        self.ba_directory = ba_directory
        self.gsk8capicmd_program = gskit / "bin" / "gsk8capicmd_64.exe"
        self._traces = Traces(BENCH)
        if TIVOLI.exists() or ba_directory.exists():
            raise RuntimeError(f"{ba_directory} is there, and the bench did not make it")
        self._config = Config(
            str(BENCH), label_form=label_form, home_name=home_name, store_version=store_version
        )
        self._config_file = BENCH / config.PLACE
        config.write(self._config_file, self._config)
        record.prepare(BENCH)
        self.superuser = WindowsUser(os.environ["USERNAME"], "", Path(os.environ["USERPROFILE"]))
        self._traces.note_path(self.superuser.home / "IBM")
        self._directory(self.ba_directory)
        self.registry(rf"{ADSM}\BackupClient", Path=str(self.ba_directory), PtfLevel="8.1.25.0")
        for name in programs:
            self._program(name)

    def __enter__(self) -> WindowsEndpoint:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Everything that was made is gone."""
        self._traces.remove()

    # --- places

    @property
    def api_directory(self) -> Path:
        """The API's directory; `add_api` makes it."""
        return API

    @property
    def dsmc_program(self) -> Path:
        """The played dsmc.exe."""
        return self.ba_directory / "dsmc.exe"

    def home_store(self, user: WindowsUser) -> Path:
        """Where the client keeps the store of a user who may not write into its directory."""
        return user.home / "IBM" / (self._config.home_name or "SpectrumProtect") / "certs"

    def password_directory(self, node: str) -> Path:
        """Where the passwords of that node are."""
        return windows_lookup.password_directory(PROGRAM_DATA, node)

    # --- users

    def user(self, name: str, home: Path | None = None, sid: str = "") -> WindowsUser:
        """A user with a profile, whom the client counts as one who may not write into its directory."""
        number = 1101 + len(self._config.restricted_homes)
        made = WindowsUser(name, sid or f"S-1-5-21-1-2-3-{number}", home or Path(r"C:\Users", name))
        self._directory(made.home)
        self._traces.set_value(rf"{PROFILES}\{made.sid}", "ProfileImagePath", str(made.home), expands=True)
        self._configure(
            replace(self._config, restricted_homes=(*self._config.restricted_homes, str(made.home)))
        )
        return made

    # --- option files

    def option_file(
        self,
        server: Server | tuple[str, int],
        *,
        node: str,
        name: str = "dsm.opt",
        directory: Path | None = None,
        password: str | None = "",
        options: Mapping[str, str] | None = None,
        encoding: str = "ascii",
    ) -> Path:
        """An option file for that server in `directory` (the client's own without one), and the stored
        password.

        The node is registered with a `Server` that does not know it. `password` is the node's default one
        when empty; None stores none. `options` replace or add lines. Returns the file.
        """
        host, port = (HOST, server.port) if isinstance(server, Server) else server
        if isinstance(server, Server) and node.upper() not in server.state.nodes:
            server.register(node)
        lines = {
            "NODENAME": node,
            "TCPSERVERADDRESS": host,
            "TCPPORT": str(port),
            "PASSWORDACCESS": "GENERATE",
            **(options or {}),
        }
        text = "".join(f"{option:<18} {value}\r\n" for option, value in lines.items())
        file = self._directory(directory or self.ba_directory) / name
        file.write_bytes(f"* options\r\n{text}".encode(encoding))
        if password is not None:
            proof = passwords.token(node, password or passwords.default_password(node))
            key = windows_lookup.server_key(host, str(port))
            named = server.name if isinstance(server, Server) else host
            place = self._directory(self.password_directory(node) / named.upper())
            passwords.store(place, node, key, proof)
        return file

    # --- stores

    def label(self, name: str) -> str:
        """The label that the client gives to a server of that name (see Config.label_form)."""
        return f"TSM server {name} self-signed key"

    def trusted(self, name: str, server: Server) -> tuple[str, bytes]:
        """Label and certificate as the client stores them for the server now."""
        return self.label(name), server.certificate_der

    def store(
        self,
        directory: Path | None = None,
        *,
        user: WindowsUser | None = None,
        version: Version = 4,
        certificates: Certificates = (),
        cas: bool = False,
        idx: bool = True,
    ) -> Path:
        """A store made by IBM's library, in the user's profile, in `directory`, or beside the client."""
        place = self._directory(directory or (self.home_store(user) if user else self.ba_directory))
        files = dict(made_store(version, cas, tuple(certificates)))
        for name, content in {**files, **({"dsmcert.idx": INDEX} if idx else {})}.items():
            (place / name).write_bytes(content)
        return place

    # --- programs

    def misbehave(self, *, dsmc: str | Sequence[str] = (), gsk8capicmd: str = "") -> None:
        """The programs misbehave so from now on (trouble.py, gsk8capicmd.py); without arguments, not."""
        names = (dsmc,) if isinstance(dsmc, str) else tuple(dsmc)
        self._configure(replace(self._config, dsmc=names), gsk8capicmd=gsk8capicmd)

    def dsmc(
        self, *arguments: str, user: WindowsUser | None = None, timeout_s: float = 120, **environment: str
    ) -> subprocess.CompletedProcess[str]:
        """Runs the played dsmc.exe with that user's profile, input closed; returns what it said."""
        who = user or self.superuser
        told = {"USERNAME": who.name, "USERPROFILE": str(who.home), **environment}
        return subprocess.run(
            [str(self.dsmc_program), *arguments],
            env={**os.environ, **told},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            encoding="latin-1",
            timeout=timeout_s,
            check=False,
        )

    @property
    def runs(self) -> list[Run]:
        """The runs of dsmc and dsmcert so far, oldest first."""
        return record.runs(BENCH)

    def snapshot(self, directory: Path, pattern: str = "dsmcert.*") -> dict[str, Seen]:
        """What can be compared of the files below `directory` (snapshot.py)."""
        return snapshot(directory, pattern)

    # --- other parts of a client

    def add_api(self) -> Path:
        """The API's directory, which the registry says; `option_file(directory=…)` puts its dsm.opt there."""
        self.registry(rf"{ADSM}\Api64", Path=str(API), PtfLevel="8.1.25.0")
        return self._directory(API)

    def add_service(
        self,
        name: str,
        *,
        option_file: Path | None = None,
        environment: Mapping[str, str] | None = None,
        running: bool = False,
        deaf: bool = False,
    ) -> str:
        """A client service that the service manager knows, its option file among its parameters; returns its
        name.

        A `deaf` one says that it will stop, and does not.
        """
        self._traces.note_service(name)
        windows_services.install(name, name, self.ba_directory, "--deaf" if deaf else "")
        if option_file:
            self.registry(rf"{SERVICES}\{name}\Parameters", optionsFile=str(option_file))
        if environment:
            lines = [f"{key}={value}" for key, value in environment.items()]
            self.registry(rf"{SERVICES}\{name}", Environment=lines)
        if running:
            windows_services.start(name)
        return name

    def registry(self, key: str, /, **values: Value) -> None:
        """The values are set at that key below HKLM."""
        for name, value in values.items():
            self._traces.set_value(key, name, value)

    # --- files

    def _program(self, name: str) -> None:
        if name == "gsk8capicmd_64":
            program = self.gsk8capicmd_program
            self._directory(program.parent)
            windows_programs.install_libraries(program.parent.parent / "lib64")
            windows_programs.write_program(
                program, "dsmbench.gsk8capicmd", "--bench-config", self._config_file
            )
            return
        program = self.ba_directory / f"{name}.exe"
        fixed = ("--bench-config", self._config_file, "--bench-program", program)
        windows_programs.write_program(program, f"dsmbench.{name}", *fixed)

    def _configure(self, changed: Config, **others: object) -> None:
        self._config = changed
        config.write(self._config_file, changed, **others)

    def _directory(self, directory: Path) -> Path:
        """The directory is there, and what had to be made of it is known."""
        missing = [part for part in (directory, *directory.parents) if not part.exists()]
        if missing:
            self._traces.note_path(missing[-1])
        with suppress(FileExistsError):
            directory.mkdir(parents=True)
        return directory
