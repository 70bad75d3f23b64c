"""Did a step do what it should? Pure comparisons of key databases and stores."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from dsmcertfix.errors import EditFailed, ReconnectFailed, SwapFailed, WrongCertificate
from dsmcertfix.ibm.key_database import kdb, stash
from dsmcertfix.ibm.key_database.chain import in_date, trusted
from dsmcertfix.ibm.key_database.roots import GSKIT_ROOTS
from dsmcertfix.model import Certificate, Presented, Store
from dsmcertfix.planning.steps import CheckLive
from dsmcertfix.wording import whole_store_command


def check_edit(
    before: bytes,
    after: bytes,
    stash_file: bytes,
    removed: Iterable[tuple[str, bytes]],
    added: Iterable[tuple[str, bytes]],
) -> None:
    """`after` is `before` without the removed certificates and with the added ones, each as (label, DER).

    Every other record is byte for byte the same, in the same order, the version too; password and integrity
    codes are right. Raises EditFailed, or StoreUnreadable when `after` is no whole key database.
    """
    old, new = kdb.read(before), kdb.read(after)
    kdb.verify(new, stash.password(stash_file))
    if new.version != old.version:
        raise EditFailed(
            "version-changed", f"the key database changed from version {old.version} to {new.version}"
        )
    # A child is told them as lists.
    gone, put_in = set(map(tuple, removed)), set(map(tuple, added))
    # What GSKit marked as deleted and has not swept out yet may go or stay.
    before_edit = [record for record in old.records if not record.deleted]
    after_edit = [record for record in new.records if not record.deleted]
    left = [_used(record) for record in before_edit if (record.label, record.certificate) not in gone]
    come = [record for record in after_edit if (record.label, record.certificate) in put_in]
    rest = [_used(record) for record in after_edit if (record.label, record.certificate) not in put_in]
    if rest != left:
        raise EditFailed(
            "other-records-changed",
            "the edit changed other records than the ones it should have",
            context=(f"records before: {len(before_edit)}", f"records after: {len(after_edit)}"),
        )
    if len(come) != len(put_in):
        raise EditFailed("certificate-not-added", "the edit did not add the new certificate")
    if not all(record.trusted for record in come):
        raise EditFailed(
            "certificate-not-trusted",
            "the certificate was added, but marked as not trusted",
            hint="IBM's program marks one so that is not valid at that moment, or whose root is not there.",
        )


def _used(record: kdb.Record) -> bytes:
    """The slot without what it is filled up with: a larger record makes all slots larger."""
    return record.slot.rstrip(b"\0")


def check_live(store: Store, step: CheckLive, at: datetime) -> None:
    """The live store is as the step says.

    Raises WrongCertificate when an expected certificate is not there or not in date, or another one came,
    SwapFailed when a removed one came back or one that should have stayed is gone.
    """
    if step.moved_out:
        if store.has_key_database:
            raise SwapFailed(
                "store-came-back",
                f"there is a store in `{store.directory}` again",
                hint=f"Run {whole_store_command(store.directory)} again when no backup runs.",
            )
        return
    _require_intact(store)
    held = {item.sha256: item for item in store.certificates}
    _require_kept(store, step, held)
    before = {item.sha256 for item in (*step.kept, *step.removed)}
    for expected in step.expected:
        found = [held[sha256] for sha256 in expected.sha256s if sha256 in held]
        if not expected.sha256s:
            found = [item for sha256, item in held.items() if sha256 not in before]
        _require_expected(found, expected.sha256s, str(expected.server), held, before)
        if not any(in_date(item, at) for item in found):
            raise WrongCertificate(
                "certificate-not-valid", f"the new certificate of {expected.server} has expired"
            )
    _require_no_others(step, held, before)


def _require_intact(store: Store) -> None:
    """Raises SwapFailed for a damaged store."""
    # A store that was moved out and not made anew is no damaged one: what it lacks is told below.
    if store.problem is not None and store.has_key_database:
        raise SwapFailed(
            "store-damaged", f"the store in `{store.directory}` is damaged: {store.problem.message}"
        )


def _require_kept(store: Store, step: CheckLive, held: dict[str, Certificate]) -> None:
    """Raises SwapFailed when a removed certificate came back or one that should have stayed is gone."""
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


def _require_no_others(step: CheckLive, held: dict[str, Certificate], before: set[str]) -> None:
    """Raises WrongCertificate for a certificate that came besides what was expected.

    Where nobody knew what to expect of a server, or no session was held, nothing is told apart.
    """
    if not step.expected or not all(one.sha256s for one in step.expected):
        return
    wanted = {sha256 for one in step.expected for sha256 in one.sha256s}
    known = before | wanted
    if step.had is not None:
        known |= GSKIT_ROOTS | {item.sha256 for item in step.had}
    others = [item for sha256, item in held.items() if sha256 not in known]
    if others:
        raise WrongCertificate(
            "more-than-expected",
            "the session brought a certificate that was not expected, besides the one that was",
            context=(
                *(f"not expected: `{item.label}`, SHA-256 {item.sha256}" for item in others),
                *(f"expected: SHA-256 {sha256}" for sha256 in sorted(wanted)),
            ),
            hint="Compare it with the certificates of the server (cert256.arm; one that a CA signed comes "
            "with another one). If it is the server's, give its fingerprint with `--expect-sha256`, too. If "
            "not, someone intercepts the connection.",
        )


def check_stanza(store: Store, name: str, seen: Presented, at: datetime) -> None:
    """The store makes a client trust what the server of that stanza presents now.

    Raises ReconnectFailed when the server does not answer, WrongCertificate when the store does not trust it.
    """
    if not seen.chain:
        why = seen.problem.message if seen.problem is not None else "no answer"
        raise ReconnectFailed("stanza-not-reached", f"{name} could not be checked: {why}")
    trust = trusted(store.certificates, seen.chain, at)
    if trust:
        return
    raise WrongCertificate(
        "stanza-not-trusted",
        f"the store in `{store.directory}` does not trust what {name} ({seen.server}) presents",
        context=(
            *(f"presented: SHA-256 {item.sha256}" for item in seen.chain),
            *(f"{item.kind}: `{item.certificate.subject}`" for item in trust.flaws),
        ),
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
            hint="Compare both with the server's cert256.arm. If neither fits, someone intercepts the "
            "connection.",
        )
    raise WrongCertificate(
        "certificate-not-fetched",
        f"the client reached {server}, but put no new certificate into this store",
        context=expected,
    )
