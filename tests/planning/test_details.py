"""Small decisions that other tests pass by: what makes the difference is the only thing that differs."""

from __future__ import annotations

from dataclasses import replace as dataclass_replace
from datetime import timedelta
from pathlib import Path

import pytest
from tests.authorities import Made, may_sign
from tests.facts import ALICE, DOWN, NOW, ca, certificate, fetched, inventory, presents, server, stanza, store

from dsmcertfix import budgets
from dsmcertfix.errors import UsageError
from dsmcertfix.ibm.key_database import certificate as described
from dsmcertfix.ibm.key_database import spelling
from dsmcertfix.ibm.key_database.chain import out_of_date
from dsmcertfix.model import Certificate, Export, FileFact, Presented, Stanza, StanzaUse, StoreFile
from dsmcertfix.planning import fix, policy_text, toml_places
from dsmcertfix.planning.assess import Assessed, AssessedStore, assess
from dsmcertfix.planning.fix import make_plan
from dsmcertfix.planning.given import Context, given_to
from dsmcertfix.planning.labels import label_names
from dsmcertfix.planning.pins import Pin, unmatched
from dsmcertfix.planning.policy import Allowed, Brought, ServerRule
from dsmcertfix.planning.preflight import server_problem, session_problem
from dsmcertfix.planning.proofs import asked_before, with_proofs
from dsmcertfix.planning.selection import Selection, choose
from dsmcertfix.planning.steps import BackUp, Preflight, Reconnect, RunOptions, Swap, step_text
from dsmcertfix.planning.views import View

A, B = stanza("TSM1"), stanza("TSM2")
BACKUP = stanza("TSMDBMGR", "tsm1.example.com")._replace(node="$$_TSMDBMGR_$$")
LABEL = fetched("TSM1")
NEW = presents("TSM1").chain[0]


def judged(*held: Certificate, shown: Presented | None = None, days: int = 0) -> AssessedStore:
    (item,) = assess(inventory(store(*held, uses=[A]), presented=[shown] if shown else []), days)
    return item


# --- assess ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("one", "own"),
    [
        (Assessed(certificate("a"), "ok", "", None, 1), True),
        (Assessed(ca("a"), "ok", "", server("TSM1"), 1), True),
        (Assessed(ca("a"), "ok", "", None, 1), False),
        (Assessed(ca("a"), "ok", "", server("TSM1"), 1, "authority"), False),
        (Assessed(certificate("a", kind="personal"), "ok", "", server("TSM1"), 1), False),
        (Assessed(certificate("a", kind="secret"), "ok", "", server("TSM1"), 1), False),
        (Assessed(certificate("a", kind="unreadable"), "ok", "", server("TSM1"), 1), True),
    ],
)
def test_what_may_be_a_server_s_own(one: Assessed, own: bool) -> None:
    assert one.of_server is own


ROOT, ANOTHER = (Made("Root", extensions=(may_sign(),)) for _ in range(2))
SIGNED = Made("tsm1", ROOT).stored()


def test_a_store_without_a_ca_misses_what_the_next_session_brings_and_one_with_another_is_told() -> None:
    shown = presents("TSM1", SIGNED)
    assert judged(shown=shown).problem is None
    assert judged(certificate("x"), shown=shown).problem is None
    problem = judged(ANOTHER.stored("CA"), shown=shown).problem
    assert problem is not None and problem.code == "server-not-trusted"
    alone = Made("tsm1").stored()
    assert judged(ANOTHER.stored("CA"), shown=presents("TSM1", alone)).problem is None


def test_one_that_is_not_valid_yet_is_so_where_nothing_better_is_known() -> None:
    early = certificate(LABEL, "early")._replace(not_before=NOW + timedelta(days=1))
    (one,) = judged(early, shown=presents("TSM1", problem=DOWN)).certificates
    assert one.status == "not-yet-valid"
    (one,) = judged(early, shown=presents("TSM1", certificate("x", "another"))).certificates
    assert one.status == "replaced"
    (one,) = judged(early, shown=presents("TSM1", early)).certificates
    assert one.status != "ok"


def test_a_server_that_was_not_asked_and_a_key_of_the_client_s_own_are_told_as_such() -> None:
    (one,) = judged(certificate(LABEL), shown=Presented(server("TSM1"))).certificates
    assert (one.status, one.reason) == ("not-checked", "the server was not asked")
    (one,) = judged(certificate("a key", kind="personal")).certificates
    assert (one.status, one.reason) == ("unknown", "a key of the client's own, never touched")


@pytest.mark.parametrize(("days", "status"), [(11, "expiring"), (10, "ok"), (0, "ok")])
def test_a_certificate_expires_soon_within_so_many_days(days: int, status: str) -> None:
    held = certificate(LABEL, "new TSM1", days=10)
    (one,) = judged(held, shown=presents("TSM1", held), days=days).certificates
    assert (one.status, one.days_left) == (status, 10)


# --- labels ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("label", "name", "names"),
    [
        ("TSM1", "tsm1", True),
        ("my TSM1 server", " TSM1 ", True),
        ("TSM10", "TSM1", False),
        ("tsm1.example.com", "TSM1", False),
        ("TSM1.", "TSM1", True),
        ("TSM server TSM1 self-signed key", "TSM", False),
        ("TSM server TSM1 self-signed key", "TSM1", True),
        # As letters are compared: a long s is an s, a Kelvin sign a k.
        ("T\u017fM1", "TSM1", True),
        ("TSM1", "T\u017fM1", True),
        ("\u212aey", "Key", True),
        ("", "TSM1", False),
        ("TSM1", " ", False),
    ],
)
def test_a_label_names_a_server_by_a_whole_word(label: str, name: str, names: bool) -> None:
    assert label_names(label, name) is names


# --- preflight -------------------------------------------------------------------------------------------


def test_the_files_of_a_database_backup_s_own_server_are_told_and_no_other_s() -> None:
    exports = (
        Export(BACKUP, Path("/a/cert256.arm"), certificate("mine"), 0),
        Export(B, Path("/b/cert256.arm"), certificate("other"), 0),
    )
    known = inventory(store(uses=[BACKUP]))._replace(exports=exports)
    problem = session_problem(BACKUP, known)
    assert problem is not None
    assert problem.context == (f"`/a/cert256.arm`: SHA-256 {certificate('mine').sha256}",)


def test_a_certificate_that_is_not_valid_yet_has_another_hint_than_one_that_has_ended() -> None:
    ended, early = (
        server_problem(server("TSM1"), presents("TSM1", one), frozenset(), None, NOW)
        for one in (
            NEW._replace(not_after=NOW - timedelta(days=1)),
            NEW._replace(not_before=NOW + timedelta(days=1)),
        )
    )
    assert ended is not None and ended.hint is not None and "IT42905" in ended.hint
    assert early is not None


# --- pins ------------------------------------------------------------------------------------------------


def test_a_pin_that_fits_nothing_is_told_by_what_it_misses() -> None:
    known = inventory(store(certificate(LABEL, "held"), uses=[A]), presented=[presents("TSM1")])
    sha256 = "a" * 64

    def told(*pins: Pin) -> tuple[str, ...]:
        return unmatched(pins, known, frozenset({certificate("", "held").sha256}))

    assert told(Pin(sha256, "TSM9")) == (
        "no store here is used for a server `TSM9`, of which a certificate is expected",
    )
    assert told(Pin(sha256, None)) == (f"the expected certificate is nowhere here: SHA-256 {sha256}",)
    assert told(Pin(sha256, "TSM1")) == (
        f"`TSM1` does not present its expected certificate, and no store here has it: SHA-256 {sha256}",
    )
    assert told(Pin(sha256, "TSM1", by_policy=True), Pin(NEW.sha256, "TSM1")) == ()
    assert told(Pin(certificate("", "held").sha256, None)) == ()


# --- given -----------------------------------------------------------------------------------------------


def given(uses: StanzaUse | tuple[StanzaUse, ...], *exports: Export, reconnect: bool = True) -> object:
    old = certificate(LABEL, "old")
    uses = (uses,) if isinstance(uses, StanzaUse) else uses
    held = store(old, uses=uses, area="server-api")
    known = inventory(held, presented=[presents("TSM1")])._replace(exports=exports)
    assessed = assess(known)
    context = Context(known, assessed, RunOptions(reconnect=reconnect), ())
    found = given_to(held, (server("TSM1"),), assessed[0].certificates, context)
    return [(one.adds[0].certificate.sha256, one.proved_by) for one in found]


def test_only_a_database_backup_gets_what_its_server_exported_and_only_from_who_may_vouch() -> None:
    backup = StanzaUse(BACKUP, "a test")
    right = [(NEW.sha256, BACKUP)]
    assert given(backup, Export(BACKUP, Path("/a"), NEW, 0)) == right
    assert given(backup, Export(BACKUP, Path("/a"), NEW, 54321)) == []
    assert given(backup, Export(BACKUP, Path("/a"), NEW, 54321, of_server=True)) == right
    assert given(backup, Export(B, Path("/a"), NEW, 0)) == []
    assert given(backup, Export(BACKUP, Path("/a"), certificate("x"), 0)) == []
    assert given(backup, Export(BACKUP, Path("/a"), NEW, 0), reconnect=False) == []
    assert given(StanzaUse(A, "a test"), Export(A, Path("/a"), NEW, 0)) == []


def test_the_file_of_a_pin_is_the_first_that_somebody_gave() -> None:
    known = inventory(store(uses=[A]))
    pins = (Pin("a" * 64, "TSM1"), Pin("b" * 64, "TSM1", file=Path("/x")), Pin("c" * 64, "TSM2"))
    context = Context(known, (), RunOptions(pins=pins), ())
    assert context.file(server("TSM1")) == Path("/x")
    assert context.file(server("TSM2")) is None
    assert context.pinned(server("TSM1")) == ("a" * 64, "b" * 64)
    assert context.pinned(server("TSM3")) is None
    strict = Context(known, (), RunOptions(pins=pins, first_use=False), ())
    assert strict.pinned(server("TSM3")) == ()
    free = Context(known, (), RunOptions(first_use=False, first_use_of=frozenset({server("TSM3")})), ())
    assert free.pinned(server("TSM3")) is None


# --- selection -------------------------------------------------------------------------------------------


def password(selection: Selection, *held: Certificate, expired: bool = True, writable: bool = True) -> object:
    made = store(*held, uses=[A])._replace(writable=writable)
    if expired:
        made = made._replace(password_expires=NOW - timedelta(days=1))
    known = inventory(made, presented=[presents("TSM1")])
    (one,) = choose(known, assess(known), selection)
    return one.password, one.problem.code if one.problem else None


def test_a_password_that_ran_out_is_set_anew_unless_other_things_were_named() -> None:
    fine = NEW._replace(label=LABEL)
    old = certificate(LABEL, "old")
    assert password(Selection(), fine) == (True, None)
    assert password(Selection(), fine, expired=False) == (False, None)
    assert password(Selection(labels=(LABEL,)), fine) == (False, None)
    assert password(Selection(labels=(LABEL,)), old) == (True, None)
    assert password(Selection(whole_store=True), old) == (False, None)
    # There is something to do, so that it counts who may do it.
    assert password(Selection(), fine, writable=False) == (True, "store-not-writable")
    assert password(Selection(), fine, expired=False, writable=False) == (False, None)


def test_a_password_is_left_alone_where_the_policy_leaves_its_owner_alone() -> None:
    made = store(NEW._replace(label=LABEL), uses=[A])._replace(password_expires=NOW - timedelta(days=1))
    known = inventory(made, presented=[presents("TSM1")])
    (item,) = assess(known)
    for brought, password in ((Brought(), True), (Brought(left_out=True), False)):
        (one,) = choose(known, (item._replace(brought=brought),), Selection())
        assert one.password is password
    # What the policy brings is something to do.
    closed = made._replace(writable=False, password_expires=None)
    known = inventory(closed, presented=[presents("TSM1")])
    (item,) = assess(known)
    brings = Brought(adds=((server("TSM1"), certificate("x")),))
    (one,) = choose(known, (item._replace(brought=brings),), Selection())
    assert one.problem is not None and one.problem.code == "store-not-writable"


# --- policy ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "written"),
    [("a b", '"a b"'), ('a"b', '"a\\u0022b"'), ("a\\b", '"a\\u005cb"'), ("\x1f\x7f", '"\\u001f\\u007f"')],
)
def test_a_text_is_written_as_toml_has_it(text: str, written: str) -> None:
    assert policy_text._quoted(text) == written


def test_a_remark_is_one_line() -> None:
    assert policy_text._one_line("a b\nc\x7f\x1f!") == "a b?c??!"


# --- proofs ----------------------------------------------------------------------------------------------


def test_a_preflight_without_a_stanza_and_a_plan_without_a_server_ask_nobody() -> None:
    known = inventory(store(certificate(LABEL, "old"), uses=[A]), presented=[presents("TSM1")])
    plan = make_plan(known, Selection(), RunOptions())
    only = dataclass_replace(plan.stores[0], steps=(Preflight(None, None), BackUp()), warnings=())
    plan = dataclass_replace(plan, stores=(only,))
    assert asked_before(plan, known) == ()
    (found,) = with_proofs(plan, known, None, named=False).stores
    assert (found.steps, found.warnings) == (only.steps, ())


# --- edges -----------------------------------------------------------------------------------------------


def test_a_certificate_is_in_date_to_the_very_moment_of_its_end_and_from_that_of_its_begin() -> None:
    one = NEW._replace(not_before=NOW, not_after=NOW)
    assert out_of_date(one, NOW) is None
    assert out_of_date(one, NOW + timedelta(microseconds=1)) == "expired"
    assert out_of_date(one, NOW - timedelta(microseconds=1)) == "not-yet-valid"


@pytest.mark.parametrize(("days", "ended"), [(0.5, False), (-0.5, True), (None, False)])
def test_of_a_certificate_of_nobody_it_is_told_that_it_expired(days: float | None, ended: bool) -> None:
    for held in (certificate("a stray one", days=days), certificate("a root", kind="ca", days=days)):
        ((one,),) = (item.certificates for item in assess(inventory(store(held, uses=[A, B]))))
        assert (", which expired on" in one.reason) is ended and one.server is None


def test_a_session_is_told_with_its_user_and_without_one_by_nothing() -> None:
    assert step_text(Reconnect(A, "alice")).endswith(" as alice")
    assert " as" not in step_text(Reconnect(A, ""))
    assert Swap().keep_index is False and "index" in step_text(Swap()) != step_text(Swap(True))


def test_a_store_whose_key_database_is_gone_misses_its_servers_and_one_that_cannot_be_read_does_not() -> None:
    def missed(*present: StoreFile) -> int:
        files = tuple(FileFact(file, file in present) for file in StoreFile)
        made = store(uses=[A], files=files, problem=DOWN)
        (item,) = assess(inventory(made, presented=[presents("TSM1")]))
        return len(item.pending)

    assert missed() == missed(StoreFile.STH) == 1
    assert missed(StoreFile.KDB) == missed(*StoreFile) == 0


def test_what_another_store_of_the_owner_holds_is_not_missing_and_its_own_does_not_count() -> None:
    here = store(uses=[A], directory="/a")
    other = store(NEW._replace(label="x"), uses=[B], directory="/b")
    seen = [presents("TSM1")]
    assert [len(item.pending) for item in assess(inventory(here, other, presented=seen))] == [0, 0]
    theirs = store(NEW._replace(label="x"), uses=[B], directory="/b", owner=ALICE)
    assert len(assess(inventory(here, theirs, presented=seen))[0].pending) == 1
    # Its own copy is not trusted: then it is missing all the same.
    own = store(NEW._replace(label="y", trusted=False, kind="ca"), uses=[A], directory="/a")
    assert assess(inventory(own, presented=seen))[0].store is own


@pytest.mark.parametrize(
    ("text", "path", "where"),
    [
        ("a = 1\nb = [1,\n 2]\nc = 3\n", ("c",), (4, 1)),
        ("a = 1\n", ("a",), (1, 1)),
        ("a = 1\n", ("z",), (1, 1)),
        ("\n[[s]]\nn = 1\n[[s]]\nn = 2\n", ("s", 1, "n"), (5, 1)),
    ],
)
def test_a_place_in_a_policy_is_its_line_and_column(
    text: str, path: tuple[str | int, ...], where: tuple[int, int]
) -> None:
    assert toml_places.place(text, path) == where


POLICY = 'schema = "dsmcertfix.policy/1"\n'


def test_a_policy_s_notes_and_limits_are_read_at_their_edges() -> None:
    def read(text: str) -> object:
        try:
            return policy_text.parse(POLICY + text, Path("p"))
        except UsageError as error:
            return error.message

    assert "max_stores" not in str(read("[machine]\nmax_stores = 1\n")) or not isinstance(
        read("[machine]\nmax_stores = 1\n"), str
    )
    assert "at least 1 is needed" in str(read("[machine]\nmax_stores = 0\n"))
    rule = '[[server]]\nname = "A"\ntrust_on_first_use = true\nnote = {}\n'
    assert not isinstance(read(rule.format('"x"')), str)
    assert isinstance(read(rule.format("1")), str)
    cap = budgets.POLICY_TEXT.cap
    assert not isinstance(read(rule.format('"' + "x" * cap + '"')), str)
    assert budgets.POLICY_TEXT.exceeded() in str(read(rule.format('"' + "x" * (cap + 1) + '"')))


def test_the_first_day_is_written() -> None:
    rule = ServerRule(("A",), (Allowed("a" * 64, since=NOW.date(), until=NOW.date()),))
    text = policy_text.written([(rule, ())], ())
    assert f"from = {NOW.date()}" in text and f"until = {NOW.date()}" in text
    bare = policy_text.written([(ServerRule(("A",), (Allowed("a" * 64),)), ())], ())
    assert "from =" not in bare and "until =" not in bare


def test_a_ca_that_the_server_presents_for_itself_is_exchanged() -> None:
    """Some servers' own certificates say that they are a CA's."""
    own = ca("a CA by its own word")
    (one,) = judged(own, shown=presents("TSM1", own)).certificates
    assert one.remedy == "exchange"


def test_what_a_client_s_store_says_of_another_server_or_an_old_one_proves_nothing() -> None:
    def provider(held: Certificate, *uses: Stanza) -> str | None:
        client = store(held, uses=uses, directory="/a")
        needs = store(certificate(LABEL, "old"), uses=[A], directory="/b", area="api")
        known = inventory(client, needs, presented=[presents("TSM1"), presents("TSM2")])
        assessed = assess(known)
        context = Context(known, assessed, RunOptions(), ())
        found = given_to(needs, (server("TSM1"),), assessed[1].certificates, context)
        return found[0].adds[0].provider if found else None

    assert provider(NEW._replace(label=LABEL), A) is not None
    assert provider(certificate(LABEL, "old"), A) is None
    superseded = NEW._replace(label=LABEL, not_after=NOW - timedelta(days=1))
    assert provider(superseded, A) is None


def test_a_label_of_two_servers_says_nothing_of_whose_it_is() -> None:
    def chosen(label: str, name: str) -> int:
        known = inventory(store(certificate(label), uses=[A, B]), presented=[])
        (one,) = choose(known, assess(known), Selection(servers=(name,)))
        return len(one.targets)

    assert chosen("TSM1 and TSM2", "TSM1") == 0
    assert chosen("TSM1 alone", "TSM1") == 1
    assert chosen("TSM9 alone", "TSM9") == 1
    assert chosen("TSM9 alone", "TSM1") == 0


def test_what_the_server_presents_is_by_its_first_certificate() -> None:
    own, above = certificate("own"), ca("above")
    seen = View(server("TSM1"), presents("TSM1", own, above))
    assert seen.own == own.sha256 and seen.answered
    assert (
        View(server("TSM1")).own is None and View(server("TSM1"), presents("TSM1", problem=DOWN)).own is None
    )


@pytest.mark.parametrize(("kind", "named", "fetched"), [("server", True, True), ("server", False, False)])
def test_only_what_a_server_hands_out_comes_back(kind: str, named: bool, fetched: bool) -> None:
    one = Assessed(certificate("a"), "ok", "", server("TSM1") if named else None, 1)
    assert fix._is_fetched(one) is fetched
    by_person = Assessed(ca("a"), "ok", "", server("TSM1"), 1, "authority")
    assert fix._is_fetched(by_person) is False


def test_a_certificate_that_cannot_be_read_is_told_and_that_there_is_no_room_is_raised(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    broken = described.describe(b"\x30\x03\x02\x01\x01", "x")
    assert broken.kind == "unreadable" and broken.problem
    assert described.describe(Made("a").stored().der, "x").problem is None

    def full(_der: bytes) -> None:
        raise MemoryError

    monkeypatch.setattr("dsmcertfix.ibm.key_database.reading.load", full)
    with pytest.raises(MemoryError):
        described.describe(Made("b").stored().der, "x")


@pytest.mark.parametrize("date", [b"000229120000Z", b"500101000000Z", b"491231235959Z", b"991231235959Z"])
def test_a_date_of_two_digits_is_of_its_century(date: bytes) -> None:
    value = b"\x17" + bytes([len(date)]) + date
    assert spelling._date(value) == value


def test_a_policy_may_allow_one_store_at_a_time() -> None:
    text = POLICY + '[machine]\nmax_stores = 1\n[[server]]\nname = "A"\ntrust_on_first_use = true\n'
    assert policy_text.parse(text, Path("p")).machine.max_stores == 1


def test_what_is_wrong_with_a_certificate_is_told_with_it() -> None:
    whole = Made("a").stored()
    broken = described.describe(whole.der.replace(b"\x17\x0d", b"\x17\x0c", 1), "x")
    assert broken.kind == "unreadable" and broken.problem


def test_every_key_of_a_long_policy_is_found_in_its_line() -> None:
    text = "".join(f"k{number} = {number}\n" for number in range(40))
    for number in range(40):
        assert toml_places.place(text, (f"k{number}",)) == (number + 1, 1)
    lists = "".join(f"k{number} = [\n  {number},\n  7,\n]\n" for number in range(12))
    for number in range(12):
        assert toml_places.place(lists, (f"k{number}",))[0] == 4 * number + 1


def test_a_label_that_names_a_server_of_another_store_is_asked_for_by_that_name() -> None:
    here = store(certificate("TSM1 alone"), uses=[B, stanza("TSM3")], directory="/a")
    known = inventory(here, store(uses=[A], directory="/b"))
    chosen = choose(known, assess(known), Selection(servers=("TSM1",)))
    assert sorted((one.item.store.directory.name, len(one.targets)) for one in chosen) == [("a", 1), ("b", 0)]
