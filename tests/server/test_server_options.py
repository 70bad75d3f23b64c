"""The ports of dsmserv.opt."""

from __future__ import annotations

import pytest

from dsmcertfix.ibm.server.options import DEFAULT_PORT, ports


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", (DEFAULT_PORT,)),
        ("TCPPort 1510\n", (1510,)),
        ("tcpp 1510\nSSLTCPPort 1543\n", (1543, 1510)),
        ("* TCPPORT 1\nTCPPORT 1510 * the second word is a comment\n", (1510,)),
        ("TCPPORT 1510\nTCPPORT 1511\n", (1511,)),
        ("SSLTCPPORT 1543\nSSLTCPPORT 1544\n", (1543, 1544, DEFAULT_PORT)),
        ("TCPPORT 1510\r\nSSLTCPPORT 1510\r\n", (1510,)),
        ("TCP 1510\nTCPPORTS 1511\n", (DEFAULT_PORT,)),
        ("TCPPORT\nTCPPORT x\n", ()),
        ("TCPPORT 0\nSSLTCPPORT 65536\n", ()),
        ("TCPPORT \u0661\u0665\n", ()),
        ("COMMMETHOD SHAREDMEM\nTCPPORT 1510\n", ()),
        ("COMMMETHOD SHAREDMEM\ncommm tcpip\nTCPPORT 1510\n", (1510,)),
        ('TCPPORT "1510"\n', (1510,)),
    ],
)
def test_the_ports_for_tls(text: str, expected: tuple[int, ...]) -> None:
    assert ports(text.encode("utf-8")) == expected


def test_any_bytes_are_read() -> None:
    assert ports(bytes(range(256)) + b"\nTCPPORT 1510") == (1510,)
