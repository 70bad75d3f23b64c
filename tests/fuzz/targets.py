"""What is fuzzed: everything that reads bytes which dsmcertfix did not write, or wrote long ago.

Each target takes any bytes and returns; it lets through no error but those that are documented, and says by
an assertion what must hold of what was read. Seeds are made by the bench and by the code itself. Run by
campaign.py (a million times each) and by test_fuzz.py (a few hundred times).
"""

from __future__ import annotations

import contextlib
import json
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timezone
from functools import cache
from hashlib import sha256
from pathlib import Path

from tests.fuzz import fleet, machine, seeds_of
from tests.fuzz.draw import Draw

from dsmbench import certificates, formats
from dsmbench.texts import MESSAGES, Failure, Voice
from dsmcertfix.errors import EditFailed, Problem, StoreUnreadable, Unrecovered, UsageError
from dsmcertfix.ibm import certificate_file as fingerprint
from dsmcertfix.ibm.client import dsmc, messages, options
from dsmcertfix.ibm.key_database import chain, codes, kdb, stash, trusted
from dsmcertfix.ibm.key_database.certificate import describe, describe_all
from dsmcertfix.ibm.key_database.record import parse
from dsmcertfix.model import Server, Stanza
from dsmcertfix.report import result as report
from dsmcertfix.report.render import json as rendered
from dsmcertfix.report.render import text as rendered_text
from dsmcertfix.system.process.output import Completed
from dsmcertfix.transaction import folding, journal, runs

PASSWORD = b"fuzzed"
STANZA = Stanza("TSM01", Path("/x/dsm.sys"), 1, Server("tsm01.example.com", 1500), node="HOST")
FIELDS = (
    "id", "directory", "origin", "owner", "stanzas", "files", "outcome", "certificates", "backup", "notes",
    "problem", "name", "present", "label", "sha256", "not_after", "kind", "code", "message", "context",
    "hint", "run-started", "store-started", "step-started", "step-done", "store-finished", "run-finished",
    "s1",
    "schema", "dsmcertfix.journal/1", "run", "command", "undoes", "report", "step", "text", "live", "note",
    "identity", "uid", "gid", "home", "groups", "changed", "rolled-back",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Target:
    """Something that reads: the call, seeds for it, and how long an input may get.

    `is_a_users` says that the program reads it in the child that has its owner's rights. `drawn` says that an
    input is not what is read, but what JSON is drawn from.
    """

    name: str
    read: Callable[[bytes], None]
    seeds: Callable[[], list[bytes]]
    longest: int = 4096
    is_a_users: bool = False
    drawn: bool = False


# --- IBM's files -------------------------------------------------------------------------------------------


@cache
def _der() -> tuple[bytes, ...]:
    made = [certificates.make(serial=number) for number in (1, 2)]
    return (*made, certificates.make("an authority", ca=True), certificates.make("other", padding=40))


def _key_databases() -> list[bytes]:
    first, second, authority, _ = _der()
    made = []
    for version in kdb.VERSIONS:
        slots = [
            formats.trusted(1, b"TSM server TSM01 self-signed key", first, 900),
            formats.slot(formats.record(2, 1, second, "Schlüssel".encode("latin-1")), 2, slot_size=900),
            formats.slot(formats.record(3, 3, authority, b"odd"), 3, slot_size=900, state=2),
        ]
        made += [formats.key_database(version, PASSWORD, some, 900) for some in (slots, slots[:1], [])]
    return [*made, formats.keepass_database()]


def key_database(data: bytes) -> None:
    """It is read or refused; where it is read, edits give whole key databases or are refused."""
    try:
        found = kdb.read(data)
    except StoreUnreadable:
        return
    assert sum(len(record.slot) for record in found.records) <= len(data)
    describe_all(found)
    with contextlib.suppress(StoreUnreadable):
        kdb.verify(found, PASSWORD)
    signed = kdb.read(_signed(data, found))
    for record in found.records[:2]:
        with contextlib.suppress(EditFailed):
            left = kdb.remove(signed, PASSWORD, label=record.label, sha256=record.sha256 or "")
            assert len(kdb.read(left).records) == len(found.records) - 1
    with contextlib.suppress(EditFailed):
        more = kdb.read(kdb.add(signed, PASSWORD, label="new", certificate=_der()[3]))
        assert more.records[-1].certificate == _der()[3]


def _signed(data: bytes, found: kdb.KeyDatabase) -> bytes:
    """The same content under a password that is known: a fuzzer does not guess hashes."""
    head = found.prefix + codes.verifier(found.version, PASSWORD, found.prefix)
    slots = [record.slot for record in found.records]
    start = len(found.prefix) + 2 * codes.SIZES[found.version]
    return head + codes.integrity(found.version, PASSWORD, head, slots) + data[start:]


def stash_file(data: bytes) -> None:
    """A password comes out or the file is refused; also behind a checksum that is right."""
    checked = data[:32] + sha256(b"\1" + data[:32]).digest() + data[64:]
    for content in (data, checked):
        with contextlib.suppress(StoreUnreadable):
            assert 0 < len(stash.password(content)) <= 129


def _stashes() -> list[bytes]:
    covered = bytes(range(32)) + sha256(b"\1" + bytes(range(32))).digest() + bytes(129)
    return [formats.old_stash(PASSWORD), bytes(129), covered, b""]


def certificate(data: bytes) -> None:
    """It is described, whatever it is."""
    for personal in (False, True):
        found = describe(data, "label", personal=personal)
        assert found.sha256 == sha256(data).hexdigest()
        assert (found.kind == "unreadable") == (found.problem is not None)


def der_record(data: bytes) -> None:
    """A slot is a record or damaged; what a certificate says of itself is read or refused."""
    with contextlib.suppress(StoreUnreadable):
        found = parse(data[:12].ljust(12, b"\0") + data[12:], 1)
        assert len(found.label) <= len(data)
    with contextlib.suppress(EditFailed):
        assert len(trusted.index(data).hashes()) == 5
    chain.signing_rules(data)
    one, other = describe(data, "one"), describe(_der()[0], "other")
    chain.issued(one, other)
    chain.issued(other, one)
    chain.trusted((one, other), (other, one), datetime(2026, 1, 2, tzinfo=timezone.utc))


def _records() -> list[bytes]:
    first, _, authority, _ = _der()
    return [
        formats.slot(formats.record(2, 1, first, b"x"), 2, slot_size=900),
        formats.slot(formats.record(3, 3, authority, b"odd"), 3, slot_size=900, state=2)[:400],
        first,
        authority,
    ]


def certificate_file(data: bytes) -> None:
    """A file that was handed over holds certificates or is refused; a fingerprint is one or is refused."""
    path = _scratch() / "handed.arm"
    path.write_bytes(data)
    with contextlib.suppress(UsageError):
        assert fingerprint.certificates_of_file(path)
    with contextlib.suppress(UsageError):
        assert len(fingerprint.normalised(data.decode("utf-8", "replace"))) == 64


def _certificate_files() -> list[bytes]:
    from base64 import encodebytes

    pem = [
        b"-----BEGIN CERTIFICATE-----\n" + encodebytes(one) + b"-----END CERTIFICATE-----\n" for one in _der()
    ]
    printed = b"sha256 Fingerprint=" + b":".join([b"AB"] * 32)
    odd_version = _der()[0].replace(bytes.fromhex("a003020102"), bytes.fromhex("a003020122"), 1)
    return [
        odd_version,
        pem[0],
        pem[0] + pem[2],
        b"Label: x\r\n" + pem[1],
        _der()[0],
        printed,
        b"\xef\xbb\xbf" + pem[0],
    ]


# --- option files ------------------------------------------------------------------------------------------


def system_options(data: bytes) -> None:
    """Every dsm.sys is read; names and warnings stay within it."""
    found = options.read_system_options(data, Path("/x/dsm.sys"))
    lines = len(data.splitlines())
    assert all(1 <= one.line <= lines for one in found.stanzas)
    assert all(one.server is None or 0 < one.server.port < 65536 for one in found.stanzas)
    assert all(len(line) < 400 for line in found.warnings)


def user_options(data: bytes) -> None:
    """Every dsm.opt is read."""
    found = options.read_user_options(data, Path("/x/dsm.opt"))
    assert all(len(line) < 400 for line in found.warnings)


def _option_files() -> list[bytes]:
    stanza = (
        b"* comment\r\nSErvername  TSM01\r\n  COMMMethod TCPip\r\n  TCPServeraddress tsm01.example.com\r\n"
        b'  TCPPort 1500\r\n  NODename HOST\r\n  PASSWORDAccess generate\r\n  PASSWORDDIR "/a b/adsm"\r\n'
    )
    replication = b"REPLSERVERNAME TSM02\nREPLTCPSERVERADDRESS ::1\nREPLTCPPORT 1501\nREPLSSLPORT 1502\n"
    odd = b"sslacceptcertfromserv no\nerrorlogname '/x/y'\nMYREPLICATIONServer TSM02\nDEFAULTServer tsm01\n"
    return [stanza, stanza + replication, odd + stanza, b"\xef\xbb\xbf" + stanza, b"PASSWORD x\0y\nSE\n"]


# --- what programs print -----------------------------------------------------------------------------------


def client_output(data: bytes) -> None:
    """What dsmc printed leads to a session, or to an error with advice; no terminal obeys what is quoted."""
    draw = Draw(data[:2])
    returncode = (0, 4, 8, 12, -11, None)[draw.number(6)]
    said = data[2:].decode("utf-8", "replace")
    half = len(said) // 2 if draw.number(2) else len(said)
    session = dsmc.read(Completed(returncode, said[:half], said[half:], returncode is None, False))
    assert session.established is not True or (returncode == 0 and session.tls)
    error = dsmc.failure(session, STANZA, store=Path("/store"))
    if error is not None:
        assert all(line.isprintable() for line in error.problem().context)


def message_codes(data: bytes) -> None:
    """Every text gives codes, and every set of codes gives advice."""
    found = messages.found_in(data.decode("utf-8", "replace"))
    advice = messages.advice(found, node="HOST", server="{server}", stanza=None, store="/store")
    assert advice.text
    assert (advice.code is None) == (not found)


def _outputs() -> list[bytes]:
    made = []
    for french in (False, True):
        voice = Voice(french=french)
        lines = [*voice.banner(), voice.node("HOST"), *voice.established("TSM01")]
        body = voice.query_session("TSM01", "HOST", "root", "TLSv1.2 TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384")
        made.append("\n".join((*lines, *body)).encode())
        made += ["\n".join((*lines, *voice.failure(Failure(code, "x")))).encode() for code in MESSAGES]
    return [b"\0\0" + one for one in made] + [b"GSKit rc=414 ANR8583E GSKit 8.0.50 code 6 CTGSK3029W"]


# --- our own files -----------------------------------------------------------------------------------------


@cache
def _scratch() -> Path:
    directory = tempfile.TemporaryDirectory(prefix="dsmcertfix-fuzz-")
    _kept.append(directory)
    (Path(directory.name) / "runs" / "one").mkdir(parents=True)
    return Path(directory.name)


_kept: list[tempfile.TemporaryDirectory[str]] = []


def journal_file(data: bytes) -> None:
    """A journal is read, as a list of runs and as a report, or refused as not recovered."""
    path = _scratch() / "runs" / "one" / journal.FILE
    path.write_bytes(data)
    _read_journal(path)


def journal_lines(data: bytes) -> None:
    """The same of lines that are JSON with our own words in the wrong places."""
    draw = Draw(data)
    lines: list[str] = []
    while draw.more:
        line = {
            "n": draw.value(FIELDS, 0) if draw.number(8) == 1 else len(lines),
            "at": draw.text() if draw.number(8) == 1 else "2026-01-02T03:04:05+00:00",
            "event": draw.one_of(FIELDS),
            "store": "s1" if draw.number(2) else draw.value(FIELDS, 1),
            **{draw.one_of(FIELDS): draw.value(FIELDS) for _ in range(draw.number(5))},
        }
        lines.append(json.dumps(line))
    path = _scratch() / "runs" / "one" / journal.FILE
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    _read_journal(path)


def _read_journal(path: Path) -> None:
    journal.chain_of(path.read_bytes())
    with contextlib.suppress(Unrecovered):
        runs.past_runs(_scratch())
    with contextlib.suppress(Unrecovered):
        events = journal.read_journal(path)
        happened = (folding.Happened(event.kind, event.store, event.data) for event in events)
        _told(folding.fold(report.Report("fix", "host"), happened))


def report_data(data: bytes) -> None:
    """What an older or newer release wrote of a store is loaded; a problem, too."""
    draw = Draw(data)
    found = draw.value(FIELDS)
    content = found if isinstance(found, dict) else {draw.one_of(FIELDS): found}
    store = folding.store_from_data(content)
    problem = Problem.from_data(content)
    if problem is not None:
        problem.error()
    _told(report.decided(report.Report("fix", "host", stores=(store,), problem=problem)))


def _told(whole: report.Report) -> None:
    json.loads(rendered.render(whole))
    rendered_text.render_problem(whole)


def _journals() -> list[bytes]:
    at = datetime(2026, 1, 2, tzinfo=timezone.utc).isoformat()
    store = report.StoreReport("s1", "/x", certificates=(report.CertificateReport("l", "00"),))
    owner = {"uid": 0, "gid": 0, "name": "root", "home": "/root", "groups": [0]}
    told = folding.store_data(store)
    lines: list[dict[str, object]] = [
        {"event": "run-started", "schema": journal.SCHEMA, "run": "one", "command": "fix"},
        {
            "event": "store-started", "store": "s1", "directory": "/x", "identity": [1, 2], "owner": owner,
            "report": told,
        },
        {"event": "step-started", "store": "s1", "step": "swap", "text": "swap", "live": True},
        {"event": "step-done", "store": "s1", "step": "swap"},
        {"event": "store-finished", "store": "s1", "outcome": "changed", "report": told},
        {"event": "run-finished"},
    ]  # fmt: skip
    text = [json.dumps({"n": number, "at": at, **line}) for number, line in enumerate(lines)]
    whole = "\n".join(text) + "\n"
    return [whole.encode(), whole[:-40].encode(), "\n".join(text[:3]).encode(), b"[" * 900, b"{}\n"]


def _any_bytes() -> list[bytes]:
    return [bytes(range(start, start + 60)) for start in range(0, 180, 30)] + [bytes([8, 7] * 60)]


TARGETS: tuple[Target, ...] = (
    Target("key-database", key_database, _key_databases, is_a_users=True),
    Target("record", der_record, _records, 1200, is_a_users=True),
    Target("stash-file", stash_file, _stashes, 200, is_a_users=True),
    Target("certificate", certificate, lambda: list(_der()), 1500, is_a_users=True),
    Target("certificate-file", certificate_file, _certificate_files, 3000),
    Target("dsm.sys", system_options, _option_files, 1500, is_a_users=True),
    Target("dsm.opt", user_options, _option_files, 1500, is_a_users=True),
    Target("shell-file", machine.shell_file, machine.shell_files, 1500, is_a_users=True),
    Target("systemd-unit", machine.unit, machine.units, 1000, is_a_users=True),
    Target("launchd-list", machine.launchd_list, machine.launchd_lists, 1500, is_a_users=True),
    Target("users-of-tree", machine.user_files, machine.users_of_trees, 800),
    Target("dsmserv.opt", machine.server_file, machine.server_files, 500, is_a_users=True),
    Target("dsmc-output", client_output, _outputs, 2000, is_a_users=True),
    Target("message-codes", message_codes, _outputs, 1000, is_a_users=True),
    Target("error-log", machine.error_log, machine.logs, 1500, is_a_users=True),
    Target("given-away", machine.given_away, machine.logs, 1500, is_a_users=True),
    Target("child-answer", machine.child_answer, machine.answers, 2500),
    Target("child-values", machine.child_values, _any_bytes, 300, drawn=True),
    Target("told-by-child", machine.told, _any_bytes, 300, drawn=True),
    Target("journal-file", journal_file, _journals, 2000),
    Target("journal-lines", journal_lines, _any_bytes, 600, drawn=True),
    Target("manifest", machine.manifest, machine.manifests, 2000),
    Target("manifest-values", machine.manifest_values, _any_bytes, 300, drawn=True),
    Target("report-data", report_data, _any_bytes, 300, drawn=True),
    Target("fleet-files", fleet.files, fleet.seeds, 4000),
    Target("fleet-values", fleet.of_values, _any_bytes, 600, drawn=True),
)


def named(name: str) -> Target:
    """The target of that name. Raises KeyError."""
    return {target.name: target for target in TARGETS}[name]


def seeds(target: Target) -> Iterator[bytes]:
    """The target's seeds, and what earlier campaigns found; none longer than its inputs may be."""
    return (seed[: target.longest] for seed in (*target.seeds(), *seeds_of.kept(target.name)))
