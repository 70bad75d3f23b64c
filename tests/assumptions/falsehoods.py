"""The rows of docs/assumptions.md as switches for two at once, and what must hold whatever they do."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from itertools import combinations
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from tests.endtoend.machine import Machine, identity
from tests.judge.made import own

from dsmbench.identity import Identity, authority
from dsmbench.trouble import STALE

LABEL = "TSM server TSMA self-signed key"
OTHERS = "/opt/x/adsm"
ENDS = {0, 14, 15, 16, 20, 21, 22}
"""Exit codes of a `fix` on a machine on which something is not as was assumed."""


@dataclass(frozen=True, slots=True)
class Falsehood:
    """One assumption that is false. `machine` and `stanza` are what the bench is told when it is built.

    `dsmc` and `gsk8capicmd` are names of troubles, `spoil` is what happens to the built machine, `words` are
    given to `fix`. Two that set the same of these (but dsmc, spoil and words) cannot be false at once.
    """

    row: int
    name: str
    machine: Mapping[str, Any] = field(default_factory=dict)
    stanza: Mapping[str, Any] = field(default_factory=dict)
    dsmc: str = ""
    gsk8capicmd: str = ""
    spoil: Callable[[Machine], object] | None = None
    words: tuple[str, ...] = ()
    certificate: bool = False

    def excludes(self, other: Falsehood) -> bool:
        """Whether both at once mean nothing: they give one thing two values."""
        return bool(
            self.row == other.row
            or self.machine.keys() & other.machine.keys()
            or self.stanza.keys() & other.stanza.keys()
            or (self.gsk8capicmd and other.gsk8capicmd)
            or (self.certificate and other.certificate)
        )


def _version(machine: Machine) -> None:
    file = machine.ba / "dsmcert.kdb"
    content = bytearray(file.read_bytes())
    content[2] = 5
    file.write_bytes(content)


def _under_its_leaf(machine: Machine) -> None:
    root = authority("Its CA")
    machine.servers["TSMA"].state.renew(Identity(Identity.make(issuer=root).pem + root.arm))


def _beside(machine: Machine) -> None:
    """PASSWORDDIR holds a store, too."""
    machine.endpoint.store(OTHERS, certificates=[(LABEL, identity("TSMA").der)])


ALL = (
    Falsehood(1, "label-of-the-address", machine={"label_form": "address"}),
    Falsehood(2, "label-without-name", dsmc="other-label"),
    Falsehood(3, "own-subject", spoil=lambda at: at.servers["TSMA"].state.renew(own(1)), certificate=True),
    Falsehood(
        4,
        "leaf-of-an-unknown-authority",
        spoil=lambda at: at.servers["TSMA"].state.renew(Identity.make(issuer=authority("Its CA"))),
        certificate=True,
    ),
    Falsehood(4, "stores-authority", dsmc="stores-authority", spoil=_under_its_leaf, certificate=True),
    Falsehood(5, "wrong-certificate", dsmc="wrong-certificate"),
    Falsehood(6, "writes-elsewhere", dsmc="writes-elsewhere"),
    Falsehood(
        7,
        "no-store-in-passworddir",
        machine={"client_mode": "install-or-home"},
        stanza={"passworddir": OTHERS},
        spoil=_beside,
    ),
    Falsehood(8, "needs-index", dsmc="needs-index"),
    Falsehood(
        9,
        "brings-back-stale",
        dsmc="brings-back-stale",
        spoil=lambda at: (at.root / STALE).write_bytes(identity("TSMA").der),
    ),
    Falsehood(10, "deletes-store", dsmc="deletes-store"),
    Falsehood(10, "half-write", dsmc="half-write"),
    Falsehood(11, "opens-modes", dsmc="opens-modes"),
    Falsehood(12, "exit-0-but-fails", dsmc="exit-0-but-fails"),
    Falsehood(13, "warns", dsmc="warns"),
    Falsehood(14, "french-no-codes", dsmc="french-no-codes"),
    Falsehood(15, "no-tls-line", dsmc="no-tls-line"),
    Falsehood(16, "claims-success", dsmc="claims-success"),
    Falsehood(17, "prompts", dsmc="prompts"),
    Falsehood(18, "hangs", dsmc="hang-hard", words=("--timeout", "4")),
    Falsehood(
        19,
        "old-password",
        spoil=lambda at: at.endpoint.stored_password("/etc/adsm", "NODE_TSMA", "TSMA", "an old password"),
    ),
    Falsehood(
        20,
        "password-elsewhere",
        stanza={"password": None},
        words=("--no-preflight", "--server", "TSMA"),
    ),
    Falsehood(21, "strict", spoil=lambda at: at.servers["TSMA"].update_node("NODE_TSMA", "STRICT")),
    Falsehood(
        22,
        "accepts-nothing",
        stanza={"options": {"SSLACCEPTCERTFROMSERV": "No"}},
        words=("--no-preflight", "--server", "TSMA"),
    ),
    Falsehood(
        23, "another-for-the-client", spoil=lambda at: at.servers["TSMA"].behave(other="after", count=1)
    ),
    Falsehood(24, "gsk8capicmd-fails-with-0", gsk8capicmd="exit-0-but-fails"),
    Falsehood(25, "gsk8capicmd-deletes-another", gsk8capicmd="wrong-label"),
    Falsehood(26, "unknown-version", spoil=_version),
    Falsehood(27, "unknown-stash", spoil=lambda at: (at.ba / "dsmcert.sth").write_bytes(b"another form" * 9)),
    Falsehood(28, "new-version", machine={"store_version": 6}, words=("--whole-store",)),
    Falsehood(33, "meets-another", dsmc="meets-another"),
    Falsehood(34, "saves-failover", dsmc="saves-failover"),
)
PAIRS = tuple(pair for pair in combinations(ALL, 2) if not pair[0].excludes(pair[1]))
CHAIN = tuple(pair for pair in zip(ALL, ALL[7:] + ALL[:7], strict=True) if not pair[0].excludes(pair[1]))
"""Some of them, in which each is false with one or two others."""


def built(directory: Path, falsehoods: tuple[Falsehood, ...]) -> Machine:
    """A machine with a renewed server TSMA, another TSMB and the company's CA, on which these are false."""
    options: dict[str, Any] = {}
    stanza: dict[str, Any] = {}
    for one in falsehoods:
        options |= one.machine
        stanza |= one.stanza
    machine = Machine(directory, **options)
    try:
        machine.stanzas("TSMA", **stanza)
        machine.stanzas("TSMB")
        certificates = [*machine.trusted("TSMA", "TSMB"), ("Company CA", authority("Company CA").der)]
        machine.endpoint.store(certificates=certificates)
        machine.renew("TSMA")
        gsk8capicmd = next((one.gsk8capicmd for one in falsehoods if one.gsk8capicmd), "")
        machine.endpoint.misbehave(dsmc=[one.dsmc for one in falsehoods if one.dsmc], gsk8capicmd=gsk8capicmd)
        for one in falsehoods:
            if one.spoil is not None:
                one.spoil(machine)
    except BaseException:
        machine.stop()
        raise
    return machine


def words(falsehoods: tuple[Falsehood, ...]) -> tuple[str, ...]:
    """What `fix` is told on that machine."""
    given = dict.fromkeys(one.words for one in falsehoods)
    return tuple(word for each in given for word in each)


def harm(machine: Machine, falsehoods: tuple[Falsehood, ...]) -> list[str]:
    """What a `fix` broke there: nothing at all, if the tool is right."""
    places = [place for place in (machine.ba, machine.root / OTHERS[1:]) if place.is_dir()]
    before = {place: machine.seen(place) for place in places}
    kept = _others(machine) if machine.ba.joinpath("dsmcert.kdb").read_bytes()[2] != 5 else {}
    answer = machine.fix(*words(falsehoods))
    found = [] if answer.code in ENDS else [f"it ended with {answer.code}: {answer.stderr}"]
    found += [f"{path} was left behind" for path in machine.left_behind()]
    most = 2 if any(one.name == "meets-another" for one in falsehoods) else 1
    if len([run for run in machine.reconnects if "-se=TSMA" in run.arguments]) > most:
        found.append(f"the client was run {len(machine.reconnects)} times")
    if machine.sign_ons("TSMA").count("refused") > most:
        found.append("a sign-on that was refused was tried again")
    for store in answer.report["stores"]:
        place = Path(store["directory"])
        if store["outcome"] == "changed":
            whole = "--whole-store" in words(falsehoods)
            found += _repaired(machine, place, {} if whole else kept, whole=whole)
        elif machine.seen(place) != before[place] and not _fetched_into(machine, place, kept):
            found.append(f"{place} is {store['outcome']}, and not as before")
    if answer.code == 0 and answer.report["outcome"] != "changed":
        found.append(f"it ended with 0 and is {answer.report['outcome']}")
    return found


def _fetches(machine: Machine) -> bool:
    """Whether the client, which does nothing odd any more, has a session with TSMA."""
    machine.endpoint.misbehave()
    return machine.endpoint.dsmc("query", "session", "-se=TSMA").returncode == 0


def _others(machine: Machine) -> dict[str, bytes]:
    """The records that no repair of TSMA's certificate may touch."""
    return {label: slot for label, slot in machine.slots().items() if label != machine.endpoint.label("TSMA")}


def _fetched_into(machine: Machine, place: Path, kept: Mapping[str, bytes]) -> bool:
    """Whether a session for another store, of a client that has but this one, added what TSMA presents."""
    now = machine.slots(place)
    new = machine.servers["TSMA"].state.identity.sha256 in machine.held(place).values()
    return place == machine.ba and new and all(now.get(label) == slot for label, slot in kept.items())


def _repaired(machine: Machine, place: Path, kept: Mapping[str, bytes], *, whole: bool) -> list[str]:
    """What is wrong with a store that is told to be repaired: IBM's library reads it.

    One that was made anew as a whole may lack what the client keeps elsewhere, as far as the tool knows: then
    the next session fetches it.
    """
    held = set(machine.held(place).values())
    chain = x509.load_pem_x509_certificates(machine.servers["TSMA"].state.identity.pem)
    presented = {one.fingerprint(hashes.SHA256()).hex() for one in chain}
    found = (
        [] if held & presented or (whole and _fetches(machine)) else [f"{place} has nothing of TSMA: {held}"]
    )
    if identity("TSMA").sha256 in held:
        found.append(f"{place} has the old certificate, too")
    if place == machine.ba:
        now = machine.slots()
        found += [f"{label} is not as before" for label, slot in kept.items() if now.get(label) != slot]
    return found
