"""Finds the codes in what IBM's programs print, and says what they mean for a repair and who must act.

Codes are the same in every language and texts are not, so only codes are looked for. Serves the advice after
a failed reconnect and whatever else explains a code. Pure.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from dsmcertfix.ibm.client.message_table import MESSAGES, STRICT_SIGNS, Actor
from dsmcertfix.wording import STORE, plain, trust_command


@dataclass(frozen=True, slots=True)
class Advice:
    """What to do about a failure: the decisive code (None without any), and its row with the names filled in.

    `others` are the codes that came with it.
    """

    code: str | None
    meaning: str
    actor: Actor
    text: str
    others: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Handed:
    """The server's certificate in a file: only to compare with, or `stored` from there instead of fetched."""

    file: Path
    stored: bool = False


_CODE = re.compile(
    r"(?<![A-Za-z0-9])(?P<code>(?:ANS|ANR)\d{4}[IWESDK]|CTGSK\d{4}[IWES])(?![A-Za-z0-9])"
    # One or two digits alone may be a version ("GSKit 8").
    r"|\bGSKit\b[^\d\n]{0,60}(?P<gskit>(?<![\d.])\d{3}|(?<=code )\d{1,2}|(?<=rc=)\d{1,2})(?!\d|\.\d)",
    re.IGNORECASE,
)
_UNKNOWN = {
    "node": "<node name>",
    "server": "<server>",
    "stanza": "<stanza>",
    "store": STORE,
}


def found_in(text: str) -> tuple[str, ...]:
    """Every code in `text`, in order, each once; a GSKit return code as "GSKIT-414". Unknown codes too."""
    found = (
        f"GSKIT-{int(match['gskit'])}" if match["gskit"] else match["code"].upper()
        for match in _CODE.finditer(text)
    )
    return tuple(dict.fromkeys(found))


def refused_as_strict(code: str | None) -> bool:
    """Whether a session after a repair that ended with that code means that the node is STRICT."""
    return code in STRICT_SIGNS


def is_of_the_store(code: str | None) -> bool:
    """Whether a session that ended with that code failed over what is in the store, or at opening it."""
    return code == "ANS1593E" or refused_as_strict(code)


def advice(
    codes: Iterable[str],
    *,
    node: str | None = None,
    server: str | None = None,
    stanza: str | None = None,
    store: str | None = None,
    handed: Handed | None = None,
    met: bool = False,
) -> Advice:
    """What to do about a failure that came with these codes: the row of the highest rank decides.

    A name that is None, or that could not be pasted into a command as it is, stays a placeholder in angle
    brackets. Codes that are not in the table, or none, lead to dsmerror.log. With `met` nothing was repaired
    yet: the codes are from an error log, or somebody asks for them.
    """
    seen = tuple(codes)
    known = [MESSAGES[code] for code in seen if code in MESSAGES]
    if not known:
        return _nothing_known(seen)
    decisive = max(known, key=lambda message: message.rank)
    names = dict(_UNKNOWN)
    names["node"] = plain(node.upper() if node else None, names["node"])
    names["stanza"] = plain(stanza, names["stanza"])
    names |= {key: value for key, value in (("server", server), ("store", store)) if value}
    names["trust"] = "copy cert256.arm from the server and use `dsmcertfix trust`"
    if handed is not None:
        names["trust"] = f"put the certificate in without a fetch: {trust_command(stanza, handed.file)}"
    others = tuple(code for code in seen if code != decisive.code)
    text = decisive.handed if handed is not None and handed.stored and decisive.handed else decisive.advice
    actor = decisive.actor
    if met and decisive.met:
        text, actor = decisive.met, Actor.MACHINE_ADMINISTRATOR
    return Advice(decisive.code, decisive.meaning, actor, text.format(**names), others)


def of_a_new_store(found: Advice, store: str | None) -> str:
    """Its text, where the whole store had been moved away before: that is not advised once more."""
    message = MESSAGES.get(found.code or "")
    if message is None or not message.anew:
        return found.text
    return message.anew.format(store=store or STORE)


def _nothing_known(codes: tuple[str, ...]) -> Advice:
    """Advice without the table: the first error decides, or else the first message, if there is any."""
    first = next((code for code in codes if code.endswith(("E", "S"))), codes[0] if codes else None)
    return Advice(
        first,
        f"message {first} is not known to this tool" if first else "the client gave no message with a code",
        Actor.MACHINE_ADMINISTRATOR,
        "Read the end of the client's dsmerror.log (ERRORLOGNAME or DSM_LOG say where): the cause is there, "
        "with its code, whatever language the client speaks.",
        tuple(code for code in codes if code != first),
    )
