"""The words for a state that the tool prints, and what each means. Data only.

A test holds them complete against the statuses, the outcomes and what a server says of a node.
"""

from __future__ import annotations

from dsmcertfix import NamedTuple


class Word(NamedTuple):
    """What a word means, and what to do about it."""

    meaning: str
    after: str


_NOTHING = "Nothing."
_FIX = "`dsmcertfix plan` shows what would be done, `dsmcertfix fix` does it."

STATUSES: dict[str, Word] = {
    "ok": Word("the server presents this certificate, or is trusted by it", _NOTHING),
    "replaced": Word("the server presents another certificate now", _FIX),
    "expired": Word(
        "the certificate has expired",
        f"{_FIX} Where the server itself still presents it, it must be renewed there first.",
    ),
    "expiring": Word("the certificate expires within the days of `--expires-within`", _FIX),
    "untrusted": Word("IBM's TLS does not go by this certificate", _FIX),
    "not-yet-valid": Word("the first day of the certificate is still to come", f"Check the clock. {_FIX}"),
    "superseded": Word("an old certificate beside the right one: the client works", _NOTHING),
    "not-checked": Word(
        "its server did not answer, so nothing is known of it",
        "`dsmcertfix probe HOST:PORT` says why; then `dsmcertfix detect` again.",
    ),
    "pending": Word(
        "it is not in the store: the client's next session fetches it", "Let the client connect once."
    ),
    "ca": Word("a CA's certificate, which is only touched when it is named", _NOTHING),
    "unknown": Word(
        "no server is known that it belongs to, so it is only touched when it is named",
        "Nothing; or name it with `--label`.",
    ),
    "unreadable": Word(
        "the certificate cannot be read", "`dsmcertfix inspect` shows it; name it with `--label`."
    ),
}
"""Of a certificate."""

OUTCOMES: dict[str, Word] = {
    "unchanged": Word("nothing was changed", _NOTHING),
    "changed": Word("it was changed, and proved", "`dsmcertfix history` says how it is undone."),
    "rolled-back": Word(
        "it did not work, and every file was put back as it was", "The message says why; then run it again."
    ),
    "broken": Word(
        "it is not as it was; its backup is intact", "`dsmcertfix recover`; the message has the backup."
    ),
}
"""Of a store, and of a run."""

NODES: dict[str, Word] = {
    "strict": Word(
        "the server hands its certificate to this node no more: a client without it is refused",
        "On the server: UPDATE NODE <node name> SESSIONSECURITY=TRANSITIONAL, then `dsmcertfix fix`; or put "
        "the certificate in without a fetch: `dsmcertfix trust`.",
    ),
    "transitional": Word(
        "the server hands its certificate to this node once more; its next session makes it STRICT again",
        _NOTHING,
    ),
}
"""Session security of a node."""
