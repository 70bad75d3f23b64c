"""What of the client's lines and option files may be shown to others."""

from __future__ import annotations

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from dsmcertfix.ibm.client.options import option_named
from dsmcertfix.ibm.client.secrets import lines_without_secrets, secret_words, without_secrets
from dsmcertfix.ibm.client.shown_options import _ALSO_SHOWN, shown

# Nothing that the allowlist, a number or the word for hidden lines could contain by chance.
SECRET = st.text("!#%&()+0123456789", min_size=6, max_size=12).map(lambda text: f"zq{text}")
LISTED = {name.encode() for name in _ALSO_SHOWN}
ENCODINGS = st.sampled_from(["utf-16", "utf-16-le", "utf-32"])
PASSWORDS = ["PASSWORD"[:length] for length in range(3, 9)]


@pytest.mark.parametrize(
    ("line", "left"),
    [
        ("dsmc -password=abc q se", "dsmc -password=*** q se"),
        ("dsmc -pa=abc", "dsmc -pa=***"),
        ("+ dsmadmc -id=a '-password=two words' halt", "+ dsmadmc -id=a '-password=*** halt"),
        ('+ dsmadmc "-pa=it\'s two" halt', '+ dsmadmc "-pa=*** halt'),
        (r"+ x '-pa=it'\''s two' halt", "+ x '-pa=*** halt"),
        ("PASSWORD abc", "PASSWORD ***"),
        ("pas\tabc", "pas\t***"),
        ('password "two words" more', "password *** more"),
        ("password = 'two words'", "password = ***"),
        ("The option 'PASWORD abc' is not valid.", "The option 'PASWORD ***' is not valid."),
        ("Invalid entry : PSWD abc", "Invalid entry : ***"),
        ("The complete entry: '  PSWD abc'", "The complete entry: ***"),
    ],
)
def test_a_password_is_taken_out_of_a_line(line: str, left: str) -> None:
    assert without_secrets(line) == left


def test_an_option_s_line_that_is_quoted_in_a_line_of_its_own_is_taken_out() -> None:
    lines = (
        "ANS1036S The option 'PSWD' is not valid.",
        "The complete entry : ",
        "   PSWD abc",
        "Session lost",
    )
    told = lines_without_secrets(lines)
    assert "abc" not in " ".join(told)
    assert (told[0], told[3]) == (lines[0], lines[3])


@pytest.mark.parametrize(
    ("arguments", "line", "left"),
    [
        (("zqsecret", "halt"), "+ halt with zqsecret", "+ halt with ***"),
        (("zqsecret",), "zqsecret1 ZQSECRET", "***1 ***"),
        (("-id=admin", "--key=zq"), "zq of admin and zqx", "*** of *** and zqx"),
        (("a:zq one",), "+ curl 'a:zq one'; user 'zq one'", "+ curl '***'; user '***'"),
        (("it's zq",), "+ x 'it'\\''s zq'", "+ x '***'"),
        (("-c", "dsmadmc -pa='zq1234' halt"), "for zq1234: halt denied", "for ***: halt denied"),
        (("one\ntwo",), "two lines: one", "*** lines: ***"),
        (("stop", "-q", "--no-block", "/opt/a/b"), "stop -q --no-block /opt/a/b", None),
        ((), "nothing was given", None),
    ],
)
def test_what_a_person_wrote_behind_a_program_is_taken_out_unless_it_is_harmless(
    arguments: tuple[str, ...], line: str, left: str | None
) -> None:
    assert lines_without_secrets((line,), secret_words(arguments)) == (left or line,)


@given(st.lists(SECRET, min_size=1, max_size=3), st.text(max_size=5), st.text(max_size=5))
def test_no_word_of_a_command_is_left_in_a_line(words: list[str], before: str, after: str) -> None:
    line = f"{before}{after.join(words)}{after}"
    (told,) = lines_without_secrets((line,), secret_words(words))
    assert not any(word in told for word in words)


@pytest.mark.parametrize(
    "line",
    [
        "ANS1592E Failed to initialize SSL protocol.",
        "The server's certificate can't be verified; the client's time isn't right",
        "PASSWORDACCESS generate",
        "Option file '/opt/tivoli/tsm/client/ba/bin/dsm.sys' was read",
        "passed: 3, passes 4",
    ],
)
def test_what_is_no_password_stays(line: str) -> None:
    assert without_secrets(line) == line


@given(
    word=st.sampled_from(PASSWORDS),
    secret=SECRET,
    lower=st.booleans(),
    gap=st.sampled_from([" ", "\t", "   "]),
)
def test_of_a_password_line_only_the_word_is_shown(word: str, secret: str, lower: bool, gap: str) -> None:
    line = f"  {word.lower() if lower else word}{gap}{secret}\n"
    text = shown(b"SErvername A\n" + line.encode())
    assert secret not in text
    assert text == "    1  SERVERNAME A\n    2  PASSWORD ***\n"


@given(option=st.text(min_size=1, max_size=20), secret=SECRET)
@example(option="*", secret="zq123456")
@example(option="VMCPw", secret="zq123456")
@example(option="PASWORD", secret="zq123456")
@example(option="passwordx", secret="zq123456")
@example(option="ENCRYPTKey", secret="zq123456")
@example(option="HTTPPROXY", secret="zq123456")
@example(option="s", secret="zq123456")
def test_a_line_is_shown_only_when_its_option_is_on_the_list(option: str, secret: str) -> None:
    line = f"{option} {secret}".encode("utf-8", "surrogatepass")
    words = [part.split(None, 1)[0] for part in line.splitlines() if part.split()]
    assume(not any(option_named(word) or word.upper() in LISTED for word in words))
    assert secret not in shown(line)


@given(before=st.sampled_from(["NODename N", "TCPPort 1500", 'PASSWORDDIR "/etc/adsm"']), secret=SECRET)
def test_nothing_behind_a_value_is_shown(before: str, secret: str) -> None:
    text = shown(f"{before} {secret}\n".encode())
    assert secret not in text and before.split()[1] in text


@given(data=st.binary(max_size=200), encoding=ENCODINGS, secret=SECRET)
def test_nothing_of_another_encoding_is_shown_and_nothing_fails(
    data: bytes, encoding: str, secret: str
) -> None:
    shown(data)
    text = shown(f"PASSWORD {secret}\nVMCPW {secret}\n".encode(encoding))
    assert secret not in text.replace("\0", "")


@given(data=st.binary(max_size=200))
def test_no_file_is_too_odd(data: bytes) -> None:
    assert all(line.isprintable() for line in shown(data).split("\n"))


def test_lines_keep_their_numbers_and_the_others_are_counted() -> None:
    text = shown(b"* a comment\nSErvername TSM01\n  INCLExcl /x\n  VMCPW y\n  PASS z\n")
    assert text.splitlines() == [
        "       (1 line not shown)",
        "    2  SERVERNAME TSM01",
        "       (2 lines not shown)",
        "    5  PASSWORD ***",
    ]
