"""Which label names which server."""

from __future__ import annotations

import pytest

from dsmcertfix.planning.labels import label_names


@pytest.mark.parametrize(
    ("label", "name", "named"),
    [
        ("TSM server TSM1 self-signed key", "TSM1", True),
        ("TSM server TSM1 self-signed key", "tsm1", True),
        ("tsm SERVER tsm1 Self-Signed Key", "TSM1", True),
        ("TSM server TSM10 self-signed key", "TSM1", False),
        ("TSM server TSM1 self-signed key", "TSM10", False),
        # The words of the client's own form name nobody.
        ("TSM server TSM1 self-signed key", "TSM", False),
        ("TSM server TSM1 self-signed key", "server", False),
        ("TSM server TSM1 self-signed key", "key", False),
        ("TSM server TSM self-signed key", "TSM", True),
        ("TSM server tsm1.example.com self-signed key", "tsm1.example.com", True),
        ("TSM server tsm1.example.com self-signed key", "tsm1", False),
        ("TSM server tsm1.example.com self-signed key", "example.com", False),
        ("TSM server 10.0.0.1 self-signed key", "10.0.0.1", True),
        ("TSM server 10.0.0.10 self-signed key", "10.0.0.1", False),
        ("TSM server 110.0.0.1 self-signed key", "10.0.0.1", False),
        ("TSM server 10.0.0.1:1500 self-signed key", "10.0.0.1", True),
        ("the certificate of TSM1.", "TSM1", True),
        ("TSM1", "TSM1", True),
        ("TSM1-old", "TSM1", False),
        ("old-TSM1", "TSM1", False),
        ("TSM1_old", "TSM1", False),
        ("a (TSM1) b", "TSM1", True),
        ("a+b", "a+b", True),
        ("aab", "a+b", False),
        ("anything", "", False),
        ("anything", "  ", False),
        ("TSM1", "tsm1", True),
        ("my TSM1 server", " TSM1 ", True),
        ("TSM10", "TSM1", False),
        ("tsm1.example.com", "TSM1", False),
        ("TSM1.", "TSM1", True),
        # As letters are compared: a long s is an s, a Kelvin sign a k.
        ("T\u017fM1", "TSM1", True),
        ("TSM1", "T\u017fM1", True),
        ("\u212aey", "Key", True),
        ("", "TSM1", False),
        ("TSM1", " ", False),
    ],
)
def test_a_label_names_a_server_as_a_whole_word(label: str, name: str, named: bool) -> None:
    assert label_names(label, name) is named
