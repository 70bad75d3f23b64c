"""What is true after a program was run, however it behaved. The programs are real ones."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from tests.shown import shown_only_if

from dsmcertfix.errors import NotFound, NotPermitted
from dsmcertfix.model import Owner
from dsmcertfix.system.process.run import clean_environment, launch, run

NOBODY = Owner(uid=54321, gid=54322, name="somebody", home=Path("/"), groups=(54323,))
Shell = Callable[[str], list[str]]
LIMIT_S = 300.0
"""What nothing here takes; a program that sleeps would sleep longer."""
AT_ONCE_S = 60.0
"""Within that, nobody waited for such a program, however busy the machine is."""
START_S = 3.0
"""A shell has begun by then."""


@pytest.fixture
def shell() -> Shell:
    return lambda script: ["/bin/sh", "-c", script]


def python(script: str) -> list[str]:
    return [sys.executable, "-I", "-c", script]


def alive(number: int) -> bool:
    """Whether a process runs; one that has ended and waits for its parent does not."""
    try:
        return "\nState:\tZ" not in Path(f"/proc/{number}/status").read_text()
    except (FileNotFoundError, ProcessLookupError):  # the latter when it ends between open and read
        return False


def gone(number: int) -> bool:
    deadline = time.monotonic() + AT_ONCE_S
    while alive(number) and time.monotonic() < deadline:
        time.sleep(0.01)
    return not alive(number)


def noted(note: Path) -> str:
    """The line that a program wrote there, once it has."""
    deadline = time.monotonic() + AT_ONCE_S
    while not note.exists() or not note.read_text().endswith("\n"):
        assert time.monotonic() < deadline, f"nothing was noted in {note}"
        time.sleep(0.01)
    return note.read_text()


@contextmanager
def sent(*signals: tuple[Path, signal.Signals]) -> Iterator[None]:
    """Each signal comes to this process once that note was made; none comes when the block is left."""

    def send() -> None:
        for note, number in signals:
            noted(note)
            os.kill(os.getpid(), number)

    thread = threading.Thread(target=send)
    thread.start()
    try:
        yield
    finally:
        thread.join()


@pytest.fixture
def restored_signals() -> Iterator[None]:
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGCHLD)
    before = [signal.getsignal(number) for number in numbers]
    yield
    for number, handler in zip(numbers, before, strict=True):
        signal.signal(number, handler)


def test_both_outputs_and_the_return_code_come_back(shell: Shell) -> None:
    completed = run(shell("echo out; echo err >&2; exit 7"), env={}, timeout_s=LIMIT_S)
    assert (completed.stdout, completed.stderr, completed.returncode) == ("out\n", "err\n", 7)
    assert not completed.timed_out and not completed.truncated


def test_a_program_ended_by_a_signal_has_a_negative_return_code(shell: Shell) -> None:
    assert run(shell("kill -9 $$"), env={}, timeout_s=LIMIT_S).returncode == -9


def test_input_is_closed(shell: Shell) -> None:
    assert (
        run(shell("read answer || echo nobody there"), env={}, timeout_s=LIMIT_S).stdout == "nobody there\n"
    )


def test_there_is_no_terminal_to_ask_on(shell: Shell) -> None:
    completed = run(
        shell("(echo hello >/dev/tty) 2>/dev/null || echo no terminal"), env={}, timeout_s=LIMIT_S
    )
    assert completed.stdout == "no terminal\n"


def test_nothing_of_our_environment_is_passed_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LD_LIBRARY_PATH", "/wrong")
    monkeypatch.setenv("DSM_DIR", "/wrong")
    completed = run(["/usr/bin/env"], env=clean_environment(), timeout_s=LIMIT_S)
    assert sorted(completed.stdout.split()) == [
        "LANG=C",
        "LC_ALL=C",
        "PATH=/usr/bin:/bin:/usr/sbin:/sbin",
    ]


def test_the_environment_is_the_owner_s_with_what_was_added() -> None:
    owner = Owner(uid=1, gid=1, name="backup", home=Path("/home/backup"))
    environment = clean_environment(owner, additions={"DSM_DIR": "/opt/x"}, timezone="UTC")
    assert environment["HOME"] == "/home/backup"
    assert environment["USER"] == environment["LOGNAME"] == "backup"
    assert environment["DSM_DIR"] == "/opt/x"
    assert environment["TZ"] == "UTC"


def test_no_descriptor_is_inherited(tmp_path: Path) -> None:
    with (tmp_path / "secret").open("w") as secret:
        os.set_inheritable(secret.fileno(), True)
        completed = run(
            python("import os; print(sorted(os.listdir('/proc/self/fd')))"), env={}, timeout_s=LIMIT_S
        )
    # The fourth is the listing itself.
    assert completed.stdout == "['0', '1', '2', '3']\n"


def test_new_files_are_private(shell: Shell, tmp_path: Path) -> None:
    run(shell(": > made"), env={}, timeout_s=LIMIT_S, cwd=tmp_path)
    assert (tmp_path / "made").stat().st_mode & 0o777 == 0o600


def test_an_ignored_signal_has_its_default_in_the_program(restored_signals: None) -> None:
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    script = "import signal; print(signal.getsignal(signal.SIGHUP) == signal.SIG_DFL)"
    assert run(python(script), env={}, timeout_s=LIMIT_S).stdout == "True\n"
    assert signal.getsignal(signal.SIGHUP) == signal.SIG_IGN


def test_a_failure_is_seen_where_sigchld_is_ignored(shell: Shell, restored_signals: None) -> None:
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    assert run(shell("exit 3"), env={}, timeout_s=LIMIT_S).returncode == 3


def test_a_program_that_hangs_is_stopped_in_time(shell: Shell) -> None:
    started = time.monotonic()
    completed = run(shell("echo begun; exec sleep 600"), env={"PATH": "/usr/bin:/bin"}, timeout_s=START_S)
    assert START_S <= time.monotonic() - started < AT_ONCE_S
    assert completed.timed_out and completed.returncode is None
    assert completed.stdout == "begun\n"


def test_a_program_that_ignores_sigterm_is_stopped_too(shell: Shell) -> None:
    script = "trap '' TERM; echo $$; while :; do sleep 0.1; done"
    started = time.monotonic()
    completed = run(shell(script), env={"PATH": "/usr/bin:/bin"}, timeout_s=START_S)
    assert completed.timed_out and time.monotonic() - started < AT_ONCE_S
    assert gone(int(completed.stdout))


def test_grandchildren_are_stopped_with_it(shell: Shell) -> None:
    completed = run(shell("sleep 600 & echo $!; wait"), env={"PATH": "/usr/bin:/bin"}, timeout_s=START_S)
    assert completed.timed_out
    assert gone(int(completed.stdout))


def test_a_grandchild_that_holds_the_output_does_not_hold_us(shell: Shell) -> None:
    started = time.monotonic()
    completed = run(shell("sleep 600 & echo $!"), env={"PATH": "/usr/bin:/bin"}, timeout_s=LIMIT_S)
    assert time.monotonic() - started < AT_ONCE_S
    assert completed.returncode == 0 and not completed.timed_out
    assert gone(int(completed.stdout))


def test_not_even_one_that_left_the_session_holds_us() -> None:
    started = time.monotonic()
    completed = run(
        ["/bin/sh", "-c", "setsid sleep 600 & echo $!"], env={"PATH": "/usr/bin:/bin"}, timeout_s=LIMIT_S
    )
    assert time.monotonic() - started < AT_ONCE_S
    assert completed.returncode == 0
    os.kill(int(completed.stdout), signal.SIGKILL)


def test_a_megabyte_on_stderr_is_no_problem() -> None:
    completed = run(python("import sys; sys.stderr.write('x' * 1_000_000)"), env={}, timeout_s=LIMIT_S)
    assert completed.stderr == "x" * 1_000_000 and not completed.truncated


def test_endless_output_costs_no_memory_and_keeps_beginning_and_end() -> None:
    script = "print('begin'); print('x' * 5_000_000); print('end')"
    completed = run(python(script), env={}, timeout_s=LIMIT_S, output_limit=1000)
    assert completed.truncated and len(completed.stdout) < 1100
    assert completed.stdout.startswith("begin\n") and completed.stdout.endswith("\nend\n")


def test_output_that_is_no_utf8_is_replaced() -> None:
    completed = run(python("import os; os.write(1, b'caf\\xe9')"), env={}, timeout_s=LIMIT_S)
    assert completed.stdout == "caf\N{REPLACEMENT CHARACTER}"


def test_the_tail_has_the_errors_last_and_control_characters_escaped(shell: Shell) -> None:
    completed = run(shell(r"printf 'one\n\ntwo\n'; printf '\033[31mred' >&2"), env={}, timeout_s=LIMIT_S)
    assert completed.tail() == ("one", "two", r"\x1b[31mred")
    assert completed.tail(lines=1) == (r"\x1b[31mred",)


def test_what_is_hidden_from_a_tail_is_hidden_before_anything_is_cut_off(tmp_path: Path) -> None:
    script = "print('secret ' * 10_000, 'end'); print('x' * 296 + 'secret'); print('\\x1b[31msecret')"
    launched = launch(python(script), env={}, output=tmp_path / "said")
    end = time.monotonic() + 20
    while launched.ended() is None and time.monotonic() < end:
        time.sleep(0.01)
    told = launched.tail(lambda lines: (line.replace("secret", "*") for line in lines))
    assert told == ("x" * 296 + "*", r"\x1b[31m*")


def test_a_program_that_does_not_exist_is_not_found(tmp_path: Path) -> None:
    with pytest.raises(NotFound) as raised:
        run([str(tmp_path / "gone")], env={}, timeout_s=LIMIT_S)
    assert raised.value.code == "program-not-found"


def test_a_missing_interpreter_is_named(tmp_path: Path) -> None:
    script = tmp_path / "script"
    script.write_text("#!/no/such/interpreter\n")
    script.chmod(0o755)
    with pytest.raises(NotFound, match="interpreter"):
        run([str(script)], env={}, timeout_s=LIMIT_S)


@pytest.mark.parametrize(("mode", "content"), [(0o644, "#!/bin/sh\n"), (0o755, "\x7fELF nonsense")])
def test_what_cannot_be_executed_is_not_permitted(tmp_path: Path, mode: int, content: str) -> None:
    program = tmp_path / "program"
    program.write_text(content)
    program.chmod(mode)
    with pytest.raises(NotPermitted) as raised:
        run([str(program)], env={}, timeout_s=LIMIT_S)
    assert raised.value.code == "program-not-executable"


def test_a_missing_working_directory_is_not_taken_for_a_missing_program(tmp_path: Path) -> None:
    with pytest.raises(NotFound) as raised:
        run(["/bin/true"], env={}, timeout_s=LIMIT_S, cwd=tmp_path / "gone")
    assert raised.value.code == "directory-not-found"


def test_programs_are_not_searched_for() -> None:
    with pytest.raises(ValueError, match="absolute"):
        run(["true"], env={"PATH": "/bin"}, timeout_s=LIMIT_S)


def test_an_interrupt_stops_the_program_and_is_raised_on(tmp_path: Path, restored_signals: None) -> None:
    signal.signal(signal.SIGINT, signal.default_int_handler)
    note = tmp_path / "pid"
    argv = ["/bin/sh", "-c", f"echo $$ > {note}; exec sleep 600"]
    with pytest.raises(KeyboardInterrupt), sent((note, signal.SIGINT)):
        run(argv, env={"PATH": "/usr/bin:/bin"}, timeout_s=LIMIT_S)
    assert gone(int(note.read_text()))


def test_a_signal_of_our_own_stops_the_program_and_is_raised_on(
    tmp_path: Path, restored_signals: None
) -> None:
    class Stop(Exception):
        pass

    def stop(*_: object) -> None:
        raise Stop

    signal.signal(signal.SIGTERM, stop)
    note = tmp_path / "pid"
    argv = ["/bin/sh", "-c", f"echo $$ > {note}; exec sleep 600"]
    with pytest.raises(Stop), sent((note, signal.SIGTERM)):
        run(argv, env={"PATH": "/usr/bin:/bin"}, timeout_s=LIMIT_S)
    assert gone(int(note.read_text()))
    assert signal.getsignal(signal.SIGTERM) is stop


def test_a_second_signal_does_not_leave_the_program_running(tmp_path: Path, restored_signals: None) -> None:
    signal.signal(signal.SIGINT, signal.default_int_handler)
    note, asked = tmp_path / "pid", tmp_path / "asked to end"
    script = f"trap 'echo TERM > \"{asked}\"' TERM; echo $$ > '{note}'; while :; do sleep 0.1; done"
    with pytest.raises(KeyboardInterrupt), sent((note, signal.SIGINT), (asked, signal.SIGINT)):
        run(["/bin/sh", "-c", script], env={"PATH": "/usr/bin:/bin"}, timeout_s=LIMIT_S)
    assert gone(int(note.read_text()))


@pytest.mark.parametrize("seed", range(25))
def test_a_signal_at_any_moment_of_the_start_leaves_nothing_behind(
    seed: int, tmp_path: Path, restored_signals: None
) -> None:
    signal.signal(signal.SIGINT, signal.default_int_handler)
    marker = f"61.{os.getpid()}{seed}"
    interrupt = threading.Timer(seed * 0.0002, os.kill, (os.getpid(), signal.SIGINT))
    with pytest.raises(KeyboardInterrupt):
        interrupt.start()
        run(["/bin/sleep", marker], env={}, timeout_s=LIMIT_S)
    interrupt.join()
    running = [path for path in Path("/proc").glob("[0-9]*/cmdline") if marker.encode() in _content(path)]
    assert running == []


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""


def test_it_works_in_a_thread_too(shell: Shell) -> None:
    seen: list[str] = []
    thread = threading.Thread(
        target=lambda: seen.append(run(shell("echo hi"), env={}, timeout_s=LIMIT_S).stdout)
    )
    thread.start()
    thread.join()
    assert seen == ["hi\n"]


def test_no_thread_is_left_behind(shell: Shell) -> None:
    before = set(threading.enumerate())
    run(shell("echo hi"), env={}, timeout_s=LIMIT_S)
    assert set(threading.enumerate()) <= before


@shown_only_if(os.geteuid() == 0, "becoming another user needs root")
def test_root_becomes_the_owner_with_its_groups_and_no_others() -> None:
    completed = run(
        ["/usr/bin/env", "-i", "/bin/sh", "-c", "id -u; id -g; id -G"], env={}, timeout_s=LIMIT_S, user=NOBODY
    )
    assert completed.stdout.split("\n")[:2] == ["54321", "54322"]
    assert sorted(completed.stdout.split("\n")[2].split()) == ["54322", "54323"]


def test_nobody_else_can_become_another_user() -> None:
    before = os.geteuid()
    if before == 0:
        os.seteuid(65534)
    try:
        with pytest.raises(NotPermitted) as raised:
            run(["/bin/true"], env={}, timeout_s=LIMIT_S, user=NOBODY)
    finally:
        os.seteuid(before)
    assert raised.value.code == "cannot-run-as-user"


def test_the_owner_who_we_are_already_is_no_change() -> None:
    me = Owner(uid=os.geteuid(), gid=os.getegid(), name="me")
    assert run(["/bin/true"], env={}, timeout_s=LIMIT_S, user=me).returncode == 0
