"""Where there is no dsm.sys (Windows) each option file is one stanza, for the store of its client."""

from __future__ import annotations

from pathlib import Path

import pytest

from dsmcertfix.ibm.client.locate import locate
from dsmcertfix.model import Located, Stanza
from dsmcertfix.system.unix.places import UnixPlaces

BA, API = "opt/tivoli/tsm/client/ba/bin", "opt/tivoli/tsm/client/api/bin64"


class Alone(UnixPlaces):
    """A tree that is read as Windows is: dsm.opt alone, in UTF-8 whatever it is in."""

    servers: dict[str, tuple[str, ...]]

    @property
    def stanza_file(self) -> str:
        return "dsm.opt"

    def option_text(self, data: bytes) -> bytes:
        return data.decode("cp1252").encode("utf-8")

    def server_names(self, stanza: Stanza) -> tuple[str, ...]:
        return self.servers.get(stanza.node or "", ())


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for place in (BA, API, "etc"):
        (tmp_path / place).mkdir(parents=True)
    for place in (BA, API):
        (tmp_path / place / "dsmcert.kdb").touch()
    (tmp_path / "etc/passwd").write_text("root:x:0:0::/root:/bin/sh\n")
    return tmp_path


def option_file(path: Path, number: int, *, node: str = "PC1", more: str = "") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    text = f"TCPServeraddress tsm{number}.example.com\r\nNODename {node}\r\n{more}"
    path.write_bytes(text.encode("cp1252"))
    return path


def located(root: Path, environ: dict[str, str] | None = None, **servers: tuple[str, ...]) -> Located:
    places = Alone(root, environ=environ or {})
    places.servers = servers
    return locate(places)


def uses(found: Located, root: Path) -> dict[str, list[tuple[str, bool]]]:
    """Place to the addresses of the servers that its store is used for, and whether that is certain."""
    return {
        str(store.directory.relative_to(root)): [
            (use.stanza.server.address if use.stanza.server else "", use.certain) for use in store.stanzas
        ]
        for store in found.stores
    }


def test_the_option_file_beside_the_client_is_the_stanza_of_its_store(root: Path) -> None:
    option_file(root / BA / "dsm.opt", 1)
    found = located(root)
    assert uses(found, root) == {BA: [("tsm1.example.com", True)], API: [("tsm1.example.com", False)]}
    (stanza,) = found.stanzas
    assert (stanza.option_file.name, stanza.node, stanza.name) == ("dsm.opt", "PC1", "tsm1.example.com")


def test_an_option_file_elsewhere_is_for_the_client_that_reads_it(root: Path) -> None:
    option_file(root / BA / "dsm.opt", 1)
    option_file(root / "data/zwei.opt", 2)
    option_file(root / "data/sql.opt", 3)
    environ = {"DSM_CONFIG": "/data/zwei.opt", "DSMI_CONFIG": "/data/sql.opt"}
    assert uses(located(root, environ), root) == {
        BA: [("tsm1.example.com", True), ("tsm2.example.com", True)],
        API: [("tsm3.example.com", True)],
    }


def test_the_servers_own_name_is_the_stanza_s_where_it_is_certain(root: Path) -> None:
    option_file(root / BA / "dsm.opt", 1)
    option_file(root / "data/zwei.opt", 2, node="PC2")
    found = located(root, {"DSM_CONFIG": "/data/zwei.opt"}, PC1=("TSM01",), PC2=("TSM02", "TSM03"))
    assert {stanza.name: stanza.aliases for stanza in found.stanzas} == {
        "TSM01": ("TSM01",),
        "tsm2.example.com": ("TSM02", "TSM03"),
    }


def test_its_text_is_in_the_encoding_of_the_system(root: Path) -> None:
    option_file(root / BA / "dsm.opt", 1, node="Büro", more='ERRORLOGNAME "/log/Größe.log"\r\n')
    (stanza,) = located(root).stanzas
    assert (stanza.node, stanza.errorlogname) == ("Büro", "/log/Größe.log")


def test_a_file_that_names_no_server_is_no_stanza(root: Path) -> None:
    (root / BA / "dsm.opt").write_text("* only a comment\n")
    assert located(root).stanzas == ()
