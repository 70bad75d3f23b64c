"""Option files are read as the client reads them, and no content of a file is an error."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dsmcertfix.ibm.client.options import SystemOptions, read_system_options, read_user_options
from dsmcertfix.model import Server, Stanza

SYS = Path("/opt/tivoli/tsm/client/ba/bin/dsm.sys")
OPT = Path("/opt/tivoli/tsm/client/ba/bin/dsm.opt")
SECRET = "s3cr3t-Passw0rd"


def system(text: str | bytes) -> SystemOptions:
    return read_system_options(text if isinstance(text, bytes) else text.encode(), SYS)


def only(text: str | bytes) -> Stanza:
    (stanza,) = system(text).stanzas
    return stanza


FULL = """\
* IBM sample
  *** indented comment: TCPServeraddress wrong.example.com
DEFAULTServer tsm02
SErvername  TSM01
   COMMMethod         TCPip
   TCPPort            1501
   TCPADMINPort       1600
   TCPServeraddress   tsm01.example.com
   NODename           HOST1
   PASSWORDAccess     Generate
   PASSWORDDIR        "/var/tivoli/my certs/"
   ERRORLOGName       /var/log/dsmerror.log
   MANAGEDServices    schedule webclient
   UNKNOWNOPTION      whatever
   SSLACCEPTCERTFROMSERV No
servername tsm02
\ttcps 192.0.2.2
"""


def test_a_stanza_has_every_option_that_matters() -> None:
    first, second = system(FULL).stanzas
    assert first == Stanza(
        "TSM01",
        SYS,
        4,
        server=Server("tsm01.example.com", 1501),
        node="HOST1",
        passworddir="/var/tivoli/my certs/",
        password_generate=True,
        accept_certificate=False,
        errorlogname="/var/log/dsmerror.log",
    )
    assert second == Stanza("tsm02", SYS, 16, server=Server("192.0.2.2", 1500))
    assert system(FULL).default_server == "tsm02"
    assert system(FULL).warnings == ()


@pytest.mark.parametrize(
    ("line", "attribute", "value"),
    [
        ("tcps h", "server", Server("h", 1500)),
        ("TcPsErV h", "server", Server("h", 1500)),
        ("tcpserveraddr h", "server", Server("h", 1500)),
        ("tcp h", "server", None),
        ("tcpserveraddresses h", "server", None),
        ("nod n", "node", "n"),
        ("NODEname n", "node", "n"),
        ("no n", "node", None),
        ("passworddir /p", "passworddir", "/p"),
        ("passworddi /p", "passworddir", None),
        ("passwordd /p", "passworddir", None),
        ("passworda generate", "password_generate", True),
        ("passwordaccess GENERATE", "password_generate", True),
        ("passwordaccess prompt", "password_generate", False),
        ('passwordaccess "generate"', "password_generate", False),
        ("password generate", "password_generate", False),
        ("errorlogn /e", "errorlogname", "/e"),
        ("errorlogretention 7", "errorlogname", None),
        ("sslacceptcert no", "accept_certificate", False),
        ("sslacceptcertfromserv Yes", "accept_certificate", True),
        ("sslrequired no", "accept_certificate", True),
        ("myreplications FAR", "failover", ("FAR",)),
    ],
)
def test_keywords_may_be_cut_short_down_to_their_minimum(line: str, attribute: str, value: object) -> None:
    assert getattr(only(f"se X\n{line}\n"), attribute) == value


@pytest.mark.parametrize("opener", ["se", "SER", "SErvername", "SERVERNAME", "servern"])
def test_every_form_of_servername_opens_a_stanza(opener: str) -> None:
    assert only(f"{opener} A\n").name == "A"


def test_the_administrators_port_is_not_the_port() -> None:
    assert only("se A\ntcps h\ntcpadminport 1600\ntcpport 1502\n").server == Server("h", 1502)
    assert only("se A\ntcps h\ntcpp 1502\ntcpadminp 1600\n").server == Server("h", 1502)


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ('"/a b/c"', "/a b/c"),
        ("'/a b'", "/a b"),
        ("/a/b/", "/a/b/"),
        ('"/a b" trailing', "/a b"),
        ('"/open', "/open"),
        ("/a b", "/a b"),
        ('""', None),
        ("certs", "certs"),
    ],
)
def test_file_specifications_may_stand_in_quotes(written: str, read: str | None) -> None:
    assert only(f"se A\npassworddir {written}\n").passworddir == read


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_every_kind_of_line_end_gives_the_same_stanzas(end: str) -> None:
    assert system(FULL.replace("\n", end)) == system(FULL)


def test_a_byte_order_mark_does_not_hide_the_first_line() -> None:
    assert only(b"\xef\xbb\xbfSErvername A\n").name == "A"


def test_a_file_in_utf16_is_named_as_such() -> None:
    options = system("SErvername A\n".encode("utf-16"))
    assert options.stanzas == ()
    assert "UTF-16" in options.warnings[0]


def test_latin1_bytes_of_a_path_stay_the_bytes_they_are() -> None:
    stanza = only(b"se M\xfcnchen\npassworddir /home/m\xfcller\nnodename K\xf6ln\n")
    assert stanza.name == "München"
    assert stanza.node == "Köln"
    assert (stanza.passworddir or "").encode("utf-8", "surrogateescape") == b"/home/m\xfcller"


def test_a_line_ends_at_a_nul() -> None:
    options = system(b"se A\ntcps h\0.evil.example.com\npassworddir /a\0/b\n")
    assert options.stanzas[0].server == Server("h", 1500)
    assert options.stanzas[0].passworddir == "/a"
    told = "the line has a NUL character and is read up to there"
    assert options.warnings == (f"{SYS}, line 2: {told}", f"{SYS}, line 3: {told}")


def test_a_stanza_without_address_has_no_server_and_a_warning() -> None:
    options = system("se A\ntcpport 1501\n")
    assert options.stanzas[0].server is None
    assert options.warnings == (f"{SYS}, line 1: stanza A does not say where its server is",)


@pytest.mark.parametrize("port", ["0", "65536", "-1", "abc", "1_500", "١٥٠٠", "99999999999999999999", "15.0"])
def test_a_port_that_is_none_keeps_the_stanza_with_a_warning_that_quotes_nothing(port: str) -> None:
    options = system(f"se A\ntcps h\npassworddir /p\ntcpport {port}\n")
    assert options.stanzas[0].server is None
    assert options.stanzas[0].passworddir == "/p"
    assert options.warnings == (f"{SYS}, line 4: TCPPORT of stanza A is no port number",)


@pytest.mark.parametrize("written", ["2001:db8::1", "[2001:db8::1]"])
def test_an_ipv6_address_is_read_with_and_without_brackets(written: str) -> None:
    stanza = only(f"se A\ntcps {written}\ntcpp 1501\n")
    assert stanza.server == Server("2001:db8::1", 1501)
    assert str(stanza.server) == "[2001:db8::1]:1501"


def test_two_stanzas_whose_names_differ_in_case_only_are_both_kept_with_a_warning() -> None:
    options = system("se A\ntcps h\nse a\ntcps i\n")
    assert [stanza.name for stanza in options.stanzas] == ["A", "a"]
    assert options.warnings == (f"{SYS}, line 3: stanza a is there already in line 1",)


def test_an_option_outside_every_stanza_is_warned_about_and_belongs_to_none() -> None:
    options = system("passworddir /stray\nse A\ntcps h\n")
    assert options.stanzas[0].passworddir is None
    assert "PASSWORDDIR stands outside every stanza" in options.warnings[0]


def test_a_servername_without_a_name_ends_the_stanza_before_it() -> None:
    options = system("se A\ntcps h\nservername\ntcps other\n")
    assert [stanza.server for stanza in options.stanzas] == [Server("h", 1500)]
    assert "has no value" in options.warnings[0]


REPLICATION = """\
REPLSERVERName FAR1
   REPLTCPServeraddress far1.example.com
   REPLTCPPort 1510
   REPLSSLPORT 1543
   REPLSERVERGUID 60.4a.c3.e1
REPLSERVERNAME FAR2
   REPLTCPSERVERADDRESS far2.example.com
SErvername NEAR
   TCPServeraddress near.example.com
   MYREPLICATIONServer FAR1
"""


def test_failover_servers_are_kept_apart_from_the_servers_that_a_user_selects() -> None:
    far1, far2, near = system(REPLICATION).stanzas
    assert (far1.name, far1.replication, far1.server) == ("FAR1", True, Server("far1.example.com", 1510))
    assert (far2.name, far2.replication, far2.server) == ("FAR2", True, Server("far2.example.com", 1500))
    assert (near.replication, near.failover, near.server) == (
        False,
        ("FAR1",),
        Server("near.example.com", 1500),
    )


@pytest.mark.parametrize(
    ("written", "names"),
    [
        ("T,U", ("T", "U")),
        ("T, U", ("T", "U")),
        ("T U,,T", ("T", "U")),
        ("\"T\",'U'", ("T", "U")),
        ("linux,max", ("linux", "max")),
        (",", ()),
    ],
)
def test_several_failover_servers_may_stand_in_one_line(written: str, names: tuple[str, ...]) -> None:
    assert system(f"se A\ntcps h\nMYREPLICATIONServer {written}\n").stanzas[0].failover == names


@pytest.mark.parametrize(("written", "port"), [("001500", 1500), ("0000000065535", 65535), ("1", 1)])
def test_zeroes_before_a_port_are_none_of_it(written: str, port: int) -> None:
    assert system(f"se A\ntcps h\ntcpport {written}\n").stanzas[0].server == Server("h", port)


@pytest.mark.parametrize(
    ("lines", "port"), [("REPLSSLPORT 1543", 1543), ("REPLTCPP 1510\nREPLSSLPORT 1543", 1510), ("", 1500)]
)
def test_a_failover_server_without_a_port_of_its_own_has_that_for_tls(lines: str, port: int) -> None:
    (far,) = system(f"REPLSERVERNAME F\nREPLTCPS h\n{lines}\n").stanzas
    assert far.server == Server("h", port)


def test_a_user_option_file_selects_a_stanza() -> None:
    options = read_user_options(b"* mine\nSErvername  TSM02\nDOMAIN /home\n", OPT)
    assert options.servername == "TSM02"
    assert options.stanza is None


def test_a_user_option_file_with_an_address_is_a_stanza_where_there_is_no_dsm_sys() -> None:
    text = REPLICATION.replace("SErvername NEAR\n", "") + "TCPPort 1502\nPASSWORDAccess generate\n"
    options = read_user_options(text.encode(), OPT)
    assert options.stanza is not None
    assert (options.stanza.name, options.stanza.server) == (
        "near.example.com",
        Server("near.example.com", 1502),
    )
    assert options.stanza.password_generate
    assert [stanza.name for stanza in options.replication] == ["FAR1", "FAR2"]


@pytest.mark.parametrize("keyword", ["PASsword", "pas", "pass", "PASSWORD", "passwor"])
def test_a_password_is_kept_nowhere(keyword: str) -> None:
    text = f"se A\ntcps h\ntcpport x\n  {keyword} {SECRET}\npasswordaccess prompt\n".encode()
    assert SECRET not in repr(read_system_options(text, SYS))
    assert SECRET not in repr(read_user_options(text, OPT))


def test_fifty_thousand_lines_take_a_fraction_of_a_second() -> None:
    block = "SErvername S{n}\n  TCPS h{n}\n  tcpp 1500\n* comment\n  PASSWORDDIR /p/{n}\n"
    data = "".join(block.format(n=n) for n in range(10_000)).encode()
    start = time.process_time()
    options = system(data)
    assert time.process_time() - start < 1.0
    assert len(options.stanzas) == 10_000
    assert options.warnings == ()


def test_of_very_many_warnings_the_first_are_kept_and_the_rest_are_counted() -> None:
    options = system("tcps stray\n" * 50_000)
    assert len(options.warnings) == 21
    assert options.warnings[-1] == f"{SYS}: 49980 more warnings"


def test_a_message_shows_control_characters_of_a_name_escaped_and_a_long_name_cut() -> None:
    warnings = system(b"se \x1b[31mA\nse " + b"B" * 5000 + b"\n").warnings
    assert "\\x1b[31mA" in warnings[0]
    assert all(warning.isprintable() and len(warning) < 300 for warning in warnings)


KEYWORDS = (
    *(b"se", b"TCPS", b"tcpport", b"PASSWORDDIR", b"REPLSERVERNAME", b"MYREPLICATIONSERVER"),
    *(b"REPLTCPPORT", b"nodename", b"DEFAULTSERVER", b"ERRORLOGNAME", b"passwordaccess", b"*"),
)

lines = st.lists(
    st.one_of(
        st.binary(max_size=40),
        st.builds(
            lambda keyword, value, end: keyword + b" " + value + end,
            st.sampled_from(KEYWORDS),
            st.binary(max_size=30),
            st.sampled_from([b"\n", b"\r\n", b"\r", b""]),
        ),
    ),
    max_size=30,
)


@settings(deadline=None, max_examples=300)
@given(lines)
def test_no_content_of_an_option_file_is_an_error(parts: list[bytes]) -> None:
    data = b"".join(parts)
    options = read_system_options(data, SYS)
    for stanza in options.stanzas:
        assert stanza.name
        assert stanza.passworddir is None or "\0" not in stanza.passworddir
    assert all(warning.isprintable() for warning in options.warnings)
    read_user_options(data, OPT)


@settings(deadline=None, max_examples=200)
@given(lines, st.sampled_from(["PAS", "pass", "PASsword", "Password", "PASSWOR"]), st.integers(0, 30))
def test_wherever_a_password_line_stands_its_value_is_kept_nowhere(
    parts: list[bytes], keyword: str, where: int
) -> None:
    secret = f"\n  {keyword}\t{SECRET}\n".encode()
    data = b"".join((*parts[:where], secret, *parts[where:]))
    assert SECRET not in repr(read_system_options(data, SYS))
    assert SECRET not in repr(read_user_options(data, OPT))


@pytest.mark.parametrize("unit", [b"x", b" ", b"\0", b"se \n", b'se A\npassworddir "\n', b"\r", b"* \n"])
def test_reading_takes_time_in_proportion_to_the_length(unit: bytes) -> None:
    def once(data: bytes) -> float:
        # The time of this process alone: other programs on the machine must not count.
        start = time.process_time()
        read_system_options(data, SYS)
        return time.process_time() - start

    def seconds(size: int) -> float:
        data = unit * (size // len(unit))
        return min(once(data) for _ in range(3))

    seconds(10_000)
    assert seconds(800_000) < 20 * seconds(80_000) + 0.5
