"""A certificate that GSKit reads although it is no good DER, spelled so that a strict parser reads it.

GSKit 8 takes (docs/facts/kdb-format.md) PrintableString with characters that are none of its own, T61String,
the members of an RDN in any order, and UTCTime without seconds or with an offset. Everything else stays as it
is, so what GSKit refuses is not made readable. The signature is over the bytes as they were: `signed_part`.
"""

from __future__ import annotations

import re
from datetime import datetime, timedelta, timezone

from dsmcertfix.ibm.key_database import der

_VERSION, _OBJECT_IDENTIFIER, _SET = 0xA0, 0x06, 0x31
_UTF8, _PRINTABLE, _T61, _UTC_TIME = 0x0C, 0x13, 0x14, 0x17
_SHOWN = re.compile(rb"[ -~]*")
_UTC = re.compile(rb"(\d{10})(\d\d)?(?:Z|([+-])(\d\d)(\d\d))")


def respelled(certificate: bytes) -> bytes:
    """The certificate in strict DER, as far as the spellings above go. Raises Malformed or ValueError."""
    outer = der.Cursor(certificate)
    parts = outer.enter(der.SEQUENCE)
    if outer.more:
        raise der.Malformed("bytes are left over behind the certificate")
    fields = parts.enter(der.SEQUENCE)
    signed = [fields.whole(_VERSION, der.INTEGER)]
    if signed[0][0] == _VERSION:
        signed.append(fields.whole(der.INTEGER))
    signed += [
        fields.whole(der.SEQUENCE),
        _name(fields.enter(der.SEQUENCE)),
        _dates(fields.enter(der.SEQUENCE)),
        _name(fields.enter(der.SEQUENCE)),
        *_rest(fields),
    ]
    return der.encode(der.SEQUENCE, der.encode(der.SEQUENCE, b"".join(signed)) + b"".join(_rest(parts)))


def signed_part(certificate: bytes) -> bytes:
    """The bytes that the signature of the certificate is over. Raises Malformed."""
    return der.Cursor(certificate).enter(der.SEQUENCE).whole(der.SEQUENCE)


def _rest(cursor: der.Cursor) -> list[bytes]:
    found = []
    while cursor.more:
        found.append(cursor.whole())
    return found


def _name(rdns: der.Cursor) -> bytes:
    found = []
    while rdns.more:
        members, spelled = rdns.enter(_SET), []
        while members.more:
            pair = members.enter(der.SEQUENCE)
            kind, value = pair.whole(_OBJECT_IDENTIFIER), pair.whole()
            spelled.append(der.encode(der.SEQUENCE, b"".join((kind, _text(value), *_rest(pair)))))
        found.append(der.encode(_SET, b"".join(sorted(spelled))))
    return der.encode(der.SEQUENCE, b"".join(found))


def _text(value: bytes) -> bytes:
    element = der.Cursor(value).take()
    content = value[element.content : element.end]
    if element.tag == _T61 or (element.tag == _PRINTABLE and _SHOWN.fullmatch(content)):
        return der.encode(_UTF8, content.decode("latin-1").encode())
    return value


def _dates(dates: der.Cursor) -> bytes:
    return der.encode(der.SEQUENCE, b"".join(_date(each) for each in _rest(dates)))


def _date(value: bytes) -> bytes:
    element = der.Cursor(value).take()
    written = _UTC.fullmatch(value[element.content : element.end])
    if element.tag != _UTC_TIME or written is None:
        return value
    day, seconds, sign, hours, minutes = (part.decode("ascii") if part else "" for part in written.groups())
    century = "19" if int(day[:2]) >= 50 else "20"
    moment = datetime.strptime(f"{century}{day}{seconds or '00'}", "%Y%m%d%H%M%S").replace(
        tzinfo=timezone.utc
    )
    if sign:
        ahead = timedelta(hours=int(hours), minutes=int(minutes))
        moment += ahead if sign == "-" else -ahead
    return der.encode(_UTC_TIME, moment.strftime("%y%m%d%H%M%SZ").encode("ascii"))
