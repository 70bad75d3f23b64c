"""Did a step do what it should? Pure comparisons of key databases and stores."""

from __future__ import annotations

from datetime import datetime

from dsmcertfix.advice import whole_store_command
from dsmcertfix.errors import EditFailed, ReconnectFailed, SwapFailed, WrongCertificate
from dsmcertfix.model import Certificate, Presented, Store, StoreFile
from dsmcertfix.plan import CheckLive
from dsmcertfix.preflight import in_date, issued
from dsmcertfix.store import kdb, stash


def check_edit(
    before: bytes,
    after: bytes,
    stash_file: bytes,
    removed: tuple[Certificate, ...],
    added: tuple[tuple[str, bytes], ...],
) -> None:
    """`after` is `before` without the removed certificates and with the added (label, DER) ones.

    Every other record is byte for byte the same, in the same order, the version too; password and integrity
    codes are right. Raises EditFailed, or StoreUnreadable when `after` is no whole key database.
    """
    old, new = kdb.read(before), kdb.read(after)
    kdb.verify(new, stash.password(stash_file))
    if new.version != old.version:
        raise EditFailed(
            "version-changed", f"the key database changed from version {old.version} to {new.version}"
        )
    gone = {(item.label, item.der) for item in removed}
    # What GSKit marked as deleted and has not swept out yet may go or stay.
    before_edit = [record for record in old.records if not record.deleted]
    after_edit = [record for record in new.records if not record.deleted]
    left = [_used(record) for record in before_edit if (record.label, record.certificate) not in gone]
    come = [record for record in after_edit if (record.label, record.certificate) in added]
    rest = [_used(record) for record in after_edit if (record.label, record.certificate) not in added]
    if rest != left:
        raise EditFailed(
            "other-records-changed",
            "the edit changed other records than the ones it should have",
            context=(f"records before: {len(before_edit)}", f"records after: {len(after_edit)}"),
        )
    if len(come) != len(added):
        raise EditFailed("certificate-not-added", "the edit did not add the new certificate")


def _used(record: kdb.Record) -> bytes:
    """The slot without what it is filled up with: a larger record makes all slots larger."""
    return record.slot.rstrip(b"\0")


def check_live(store: Store, step: CheckLive, at: datetime) -> None:
    """The live store is as the step says.

    Raises WrongCertificate when an expected certificate is not there or not in date, SwapFailed when a
    removed one came back or one that should have stayed is gone.
    """
    if step.moved_out:
        if any(fact.present for fact in store.files if fact.file is StoreFile.KDB):
            raise SwapFailed(
                "store-came-back",
                f"there is a store in `{store.directory}` again",
                hint=f"Run {whole_store_command(store.directory)} again when no backup runs.",
            )
        return
    # A store that was moved out and not made anew is no damaged one: what it lacks is told below.
    if store.problem is not None and any(fact.file is StoreFile.KDB and fact.present for fact in store.files):
        raise SwapFailed(
            "store-damaged", f"the store in `{store.directory}` is damaged: {store.problem.message}"
        )
    held = {item.sha256: item for item in store.certificates}
    named = {(item.label, item.sha256) for item in store.certificates}
    for certificate in step.kept:
        if (certificate.label, certificate.sha256) not in named:
            raise SwapFailed("certificate-lost", f"the certificate `{certificate.label}` is gone")
    stay = {item.sha256 for item in step.kept}
    for certificate in step.removed:
        # One and the same certificate may stay under another label.
        back = certificate.sha256 in held and certificate.sha256 not in stay
        if back or (certificate.label, certificate.sha256) in named:
            raise SwapFailed("certificate-came-back", f"the certificate `{certificate.label}` is back")
    before = {item.sha256 for item in (*step.kept, *step.removed)}
    for expected in step.expected:
        found = [held[sha256] for sha256 in expected.sha256s if sha256 in held]
        if not expected.sha256s:
            found = [item for sha256, item in held.items() if sha256 not in before]
        _require_expected(found, expected.sha256s, str(expected.server), held, before)
        if not any(in_date(item, at) for item in found):
            raise WrongCertificate(
                "certificate-not-valid", f"the new certificate of {expected.server} ran out"
            )


def check_stanza(store: Store, name: str, seen: Presented) -> None:
    """The store trusts what the server of that stanza presents now: it holds it, or the key that signed it.

    Raises ReconnectFailed when the server does not answer, WrongCertificate when the store does not trust it.
    """
    if not seen.chain:
        why = seen.problem.message if seen.problem is not None else "no answer"
        raise ReconnectFailed("stanza-not-reached", f"{name} could not be checked: {why}")
    presented = {item.sha256 for item in seen.chain}
    if any(item.sha256 in presented or issued(item, seen.chain[-1]) for item in store.certificates):
        return
    raise WrongCertificate(
        "stanza-not-trusted",
        f"the store in `{store.directory}` does not trust what {name} ({seen.server}) presents",
        context=tuple(f"presented: SHA-256 {sha256}" for sha256 in sorted(presented)),
    )


def _require_expected(
    found: list[Certificate],
    wanted: tuple[str, ...],
    server: str,
    held: dict[str, Certificate],
    before: set[str],
) -> None:
    if found:
        return
    others = tuple(f"fetched: SHA-256 {sha256}" for sha256 in held if sha256 not in before)
    expected = tuple(f"expected: SHA-256 {sha256}" for sha256 in wanted)
    if others:
        raise WrongCertificate(
            "unexpected-certificate",
            f"the client fetched another certificate than {server} presented before",
            context=(*others, *expected),
            hint="Compare both with the server's cert256.arm. If neither fits, someone is in between.",
        )
    raise WrongCertificate(
        "certificate-not-fetched",
        f"the client reached {server}, but put no new certificate into this store",
        context=expected,
        hint="The client keeps its certificates elsewhere; `dsmcertfix locate` lists the other stores.",
    )
