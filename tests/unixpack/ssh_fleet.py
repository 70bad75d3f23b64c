"""A fleet as `fleet.py` makes it, whose nodes are reached by ssh and sudo, each by an sshd of its own.

A node has its own files, name and processes; sshd is the first of these. It listens on a port of loopback. A
key made for the test lets one ordinary user in, who may become root without a password.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
from tests.namespaces import View
from tests.shown import not_shown
from tests.unixpack.fleet import Fleet

from dsmbench.server import HOST

PROGRAMS = ("/usr/sbin/sshd", "/usr/bin/ssh", "/usr/bin/ssh-keygen", "/usr/bin/sudo")
LOGIN, LOGIN_ID = "deploy", 4321
PYTHONS = Path.home() / ".pyenv/versions"
OF_THE_SYSTEM = ("pam.d", "alternatives", "ld.so.cache", "ld.so.conf", "ld.so.conf.d", "security")
ASIDE = "/srv"
"""Where a node sees what else it would not, to be mounted where it belongs."""
_PASSWD = f"""root:x:0:0::/root:/bin/sh
sshd:x:105:65534::/run/sshd:/usr/sbin/nologin
{LOGIN}:x:{LOGIN_ID}:{LOGIN_ID}::/home/{LOGIN}:/bin/sh
nobody:x:65534:65534::/nonexistent:/usr/sbin/nologin
"""
_SSHD = """HostKey {key}
ListenAddress 127.0.0.1:{port}
AuthorizedKeysFile {allowed}
PidFile none
UsePAM no
StrictModes no
Subsystem sftp internal-sftp
"""


def require_programs() -> None:
    """They are here; else the test is listed as not shown."""
    for program in PROGRAMS:
        if not Path(program).exists():
            not_shown(f"a fleet over ssh: there is no {program}")


@dataclass(slots=True)
class SshFleet(Fleet):
    """`interpreters` are the nodes' Pythons, by node; /usr/bin/python3 where none is named."""

    interpreters: dict[str, str] = field(default_factory=dict)
    _nodes: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)
    _ports: dict[str, int] = field(default_factory=dict)
    _silent: list[socket.socket] = field(default_factory=list)

    @property
    def _key(self) -> Path:
        return self.directory / "ssh/key"

    def boot(self, name: str) -> None:
        """The node's sshd answers."""
        if not self._key.exists():
            self._key.parent.mkdir(mode=0o755)
            for key in ("key", "host"):
                words = ("-q", "-t", "ed25519", "-N", "", "-f", str(self._key.parent / key))
                subprocess.run(["/usr/bin/ssh-keygen", *words], check=True, stdin=subprocess.DEVNULL)
        self._populate(name)
        port = self._ports[name] = _free_port()
        file = self.directory / f"ssh/sshd-{name}"
        allowed = self._key.with_suffix(".pub")
        told = _SSHD.format(key=self._key.parent / "host", port=port, allowed=allowed)
        file.write_text(told, encoding="utf-8")
        # Each Python must lie where it was built.
        binds = dict(self.view(name).binds)
        if PYTHONS.is_dir():
            (self.nodes[name].root / str(PYTHONS).lstrip("/")).mkdir(parents=True, exist_ok=True)
            binds = {ASIDE: PYTHONS, **binds, str(PYTHONS): Path(ASIDE)}
        view = View(binds, ("/run",), host_name=name)
        start = f"mkdir -m 755 /run/sshd; exec /usr/sbin/sshd -D -e -f {file}"
        argv = view.argv("/bin/sh", "-c", start, PATH="/usr/sbin:/usr/bin:/sbin:/bin")
        apart = ["/usr/bin/unshare", "--pid", "--fork", "--kill-child", "--mount-proc"]
        with (self.directory / f"ssh/log-{name}").open("wb") as log:
            self._nodes[name] = subprocess.Popen(
                [*apart, *argv], stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )
        _wait_for(port, self._nodes[name])

    def _populate(self, name: str) -> None:
        root = self.nodes[name].root
        etc = root / "etc"
        for item in OF_THE_SYSTEM:
            there = Path("/etc", item)
            if there.is_dir():
                shutil.copytree(there, etc / item, symlinks=True, dirs_exist_ok=True)
            elif there.exists():
                shutil.copy(there, etc / item)
        (etc / "passwd").write_text(_PASSWD, encoding="utf-8")
        (etc / "group").write_text(f"root:x:0:\nnogroup:x:65534:\n{LOGIN}:x:{LOGIN_ID}:\n", encoding="utf-8")
        (etc / "shadow").write_text(f"root:*:19000::::::\n{LOGIN}:*:19000::::::\n", encoding="utf-8")
        (etc / "hosts").write_text(f"127.0.0.1 localhost {name}\n", encoding="utf-8")
        (etc / "nsswitch.conf").write_text("passwd: files\ngroup: files\nshadow: files\n", encoding="utf-8")
        sudoers = etc / "sudoers"
        sudoers.write_text(f"{LOGIN} ALL=(ALL) NOPASSWD: ALL\nroot ALL=(ALL) ALL\n", encoding="utf-8")
        sudoers.chmod(0o440)
        home = root / "home" / LOGIN
        home.mkdir(parents=True, exist_ok=True)
        os.chown(home, LOGIN_ID, LOGIN_ID)

    def no_answer(self, name: str) -> None:
        """Something listens on the node's port, and never says a word."""
        listener = socket.create_server((HOST, 0))
        self._silent.append(listener)
        self._ports[name] = listener.getsockname()[1]

    def down(self, name: str) -> None:
        """Nothing listens on the node's port."""
        self._ports[name] = 1

    def processes(self, name: str) -> list[psutil.Process]:
        """Those that run on the node."""
        return psutil.Process(self._nodes[name].pid).children(recursive=True)

    def freeze(self, name: str) -> None:
        """As when the machine lost its power: its connections stay open, and nothing answers."""
        self._signal(name, signal.SIGSTOP)

    def thaw(self, name: str) -> None:
        """The node goes on."""
        self._signal(name, signal.SIGCONT)

    def _signal(self, name: str, number: signal.Signals) -> None:
        for process in self.processes(name):
            # One may end meanwhile.
            with contextlib.suppress(psutil.NoSuchProcess):
                process.send_signal(number)

    def shut_down(self) -> None:
        """No node runs any more, and no server."""
        for node in self._nodes.values():
            # The end of the first process of a node is the end of all.
            node.kill()
            node.wait()
        for listener in self._silent:
            listener.close()
        self.stop()

    def inventory(self, variables: Mapping[str, Any], names: Sequence[str] = ()) -> Path:
        """An inventory of these nodes (without any, all) as a site has it, in YAML."""
        options = f"-o UserKnownHostsFile={self.directory}/ssh/known -o StrictHostKeyChecking=accept-new"
        lines = ["all:", "  children:", "    storage_protect_clients:", "      hosts:"]
        for name in names or self.nodes:
            lines += [
                f"        {name}:",
                f"          ansible_port: {self._ports[name]}",
                f"          ansible_python_interpreter: {self.interpreters.get(name, '/usr/bin/python3')}",
                *(f"          {key}: {value!r}" for key, value in self.variables[name].items()),
            ]
        lines += [
            "      vars:",
            f"        ansible_host: {HOST}",
            f"        ansible_user: {LOGIN}",
            f"        ansible_ssh_private_key_file: {self._key}",
            f"        ansible_ssh_common_args: {options}",
            *(f"        {key}: {value!r}" for key, value in variables.items()),
        ]
        file = self.directory / "inventory.yml"
        file.write_text("\n".join(lines) + "\n", encoding="utf-8")
        return file


def _free_port() -> int:
    with socket.create_server((HOST, 0)) as listener:
        port: int = listener.getsockname()[1]
    return port


def _wait_for(port: int, node: subprocess.Popen[bytes]) -> None:
    while node.poll() is None:
        try:
            with socket.create_connection((HOST, port), 60) as connection:
                if connection.recv(4) == b"SSH-":
                    return
        except ConnectionRefusedError:
            continue
    raise RuntimeError(f"sshd has ended with {node.returncode}")
