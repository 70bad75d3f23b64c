"""`gsk8capicmd_64`, played on the real GSKit: its command line and output as documented, its edits IBM's own.

    python -m dsmbench.gsk8capicmd [--bench-config FILE] -cert ACTION ...
                                                         -keydb -create ...

with the actions -list, -details, -delete, -add and -extract.

Known from public sources: the options, the listing, the details, CTGSK2043W and CTGSK3029W. Not known: the
exit codes, the other messages' numbers (so their lines carry GSKit's own GSKKM name), and which stream
errors go to.

FILE is JSON. Its key "gsk8capicmd" (without FILE: in the file named by DSMBENCH_MISBEHAVE) makes the program
misbehave: one of the words of `TROUBLES`, followed by words that must be among the arguments, as in
"hang -delete". This is the whole bench's way to have a program that fails.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from dsmbench import gskit
from dsmbench.gskit import GskitError
from dsmbench.gskit_library import KeyDatabase, Library

TROUBLES = (
    "hang",  # before anything is done
    "crash",  # the same, by a signal
    "stderr-1mb",  # then does its work
    "french",  # does its work
    "half-write",  # an edit leaves the first half of the file, and the program is killed
    "wrong-label",  # -delete takes another label and reports success
    "exit-0-but-fails",  # says that it failed, and ends with 0
    "spawns-lingering-child",  # does its work; a child keeps its output open for a minute
)
VALUED = {"-db", "-pw", "-label", "-file", "-format", "-target", "-trust", "-type", "-expire"}
FLAGS = {"-stashed", "-stash", "-genpw", "-populate", "-strong", "-fips"}
LINGER_S = 60

ENGLISH = {
    "found": "Certificates found",
    "legend": "* default, - personal, ! trusted, # secret key",
    "none": "No certificates were found.",
}
FRENCH = {
    "found": "Certificats trouvés",
    "legend": "* par défaut, - personnel, ! accrédité, # clé secrète",
    "none": "Aucun certificat n'a été trouvé.",
}

Options = Mapping[str, str]


class Refused(Exception):
    """The command cannot be done: `message` says why, the exit code is `code`."""

    def __init__(self, message: str, code: int = 1):
        super().__init__(message)
        self.message = message
        self.code = code


def main(arguments: Sequence[str]) -> int:
    """Does what the command line says; the exit code."""
    words, trouble = _bench_words(list(arguments))
    _misbehave_before(trouble)
    try:
        if trouble == "exit-0-but-fails":
            raise Refused("GSKKM_ERR_DATABASE_WRITE")
        obj, action, options = _parse(words)
        command = _commands(trouble).get((obj, action))
        if command is None:
            raise Refused(f"{obj} {action}: no such command")
        command(options)
    except GskitError as error:
        _say(sys.stderr, _message(error, trouble))
        return min(error.code, 255)
    except Refused as refused:
        _say(sys.stderr, refused.message)
        return 0 if trouble == "exit-0-but-fails" else refused.code
    except OSError as error:
        _say(sys.stderr, f"{error.filename}: {error.strerror}")
        return 1
    _misbehave_after(trouble, words)
    return 0


def _parse(words: list[str]) -> tuple[str, str, Options]:
    """Object, action and options. A label may begin with a dash: an option's value is whatever follows it."""
    if len(words) < 2:
        raise Refused("an object and an action are needed")
    obj, action, *rest = words
    options: dict[str, str] = {}
    while rest:
        word = rest.pop(0)
        if word in VALUED:
            if not rest:
                raise Refused(f"{word}: a value is missing")
            options[word] = rest.pop(0)
        elif word in FLAGS or (action == "-list" and word in ("all", "personal", "CA")):
            options[word] = ""
        else:
            raise Refused(f"{word}: no such option")
    return obj, action, options


def _commands(trouble: str) -> dict[tuple[str, str], Callable[[Options], None]]:
    texts = FRENCH if trouble == "french" else ENGLISH
    return {
        ("-cert", "-list"): lambda options: _list(options, texts),
        ("-cert", "-details"): _details,
        ("-cert", "-delete"): lambda options: _delete(options, wrong=trouble == "wrong-label"),
        ("-cert", "-add"): _add,
        ("-cert", "-extract"): _extract,
        ("-keydb", "-create"): _create,
    }


def _list(options: Options, texts: Mapping[str, str]) -> None:
    with Library().opened(*_database(options)) as database:
        lines = [f"{_marker(database, label)}\t{_quoted(label)}" for label in database.labels()]
    if not lines:
        _say(sys.stdout, texts["none"])
        return
    _say(sys.stdout, "\n".join([texts["found"], texts["legend"], *lines]))


def _details(options: Options) -> None:
    from dsmbench.details import details

    if "-file" in options:
        _say(sys.stdout, details(None, _read_certificate(options)))
        return
    label = _required(options, "-label")
    with Library().opened(*_database(options)) as database:
        der = database.certificate(_known(database, label))
    _say(sys.stdout, details(_quoted(label), der))


def _delete(options: Options, *, wrong: bool) -> None:
    label = _required(options, "-label")
    with Library().opened(*_database(options)) as database:
        _known(database, label)
        others = [other for other in database.labels() if other != label]
        database.delete(others[0] if wrong and others else label)


def _add(options: Options) -> None:
    if options.get("-trust", "enable") != "enable":
        raise Refused("-trust: this bench adds trusted certificates only")
    label, der = _required(options, "-label"), _read_certificate(options)
    with Library().opened(*_database(options)) as database:
        database.add(label, der)


def _extract(options: Options) -> None:
    label, target = _required(options, "-label"), Path(_required(options, "-target"))
    with Library().opened(*_database(options)) as database:
        der = database.certificate(_known(database, label))
    target.write_bytes(_armoured(der) if _is_ascii(options) else der)


def _create(options: Options) -> None:
    from secrets import token_urlsafe

    path = Path(_required(options, "-db"))
    password = token_urlsafe(24) if "-genpw" in options else _required(options, "-pw")
    Library().create(path, password, 3, cas="-populate" in options)
    if "-stash" not in options:
        path.with_suffix(".sth").unlink()


def _database(options: Options) -> tuple[Path, str | None]:
    path = Path(_required(options, "-db"))
    if "-stashed" in options:
        return path, None
    return path, _required(options, "-pw")


def _known(database: KeyDatabase, label: str) -> str:
    if label not in database.labels():
        raise Refused(f'CTGSK3029W The database doesn\'t contain an entry with label "{label}".', 117)
    return label


def _required(options: Options, name: str) -> str:
    if not options.get(name):
        raise Refused(f"{name}: this option is needed")
    return options[name]


def _read_certificate(options: Options) -> bytes:
    import binascii

    content = Path(_required(options, "-file")).read_bytes()
    if not _is_ascii(options):
        return content
    _, begin, rest = content.partition(b"-----BEGIN CERTIFICATE-----")
    body, end, _ = rest.partition(b"-----END CERTIFICATE-----")
    try:
        if not (begin and end):
            raise binascii.Error("no certificate")
        return binascii.a2b_base64(body)
    except binascii.Error as error:
        raise GskitError("reading the certificate", 2, "GSKKM_ERR_ASN") from error


def _is_ascii(options: Options) -> bool:
    return options.get("-format", "ascii") == "ascii"


def _armoured(der: bytes) -> bytes:
    from base64 import b64encode

    body = b64encode(der)
    lines = [body[at : at + 64] for at in range(0, len(body), 64)]
    return b"\n".join((b"-----BEGIN CERTIFICATE-----", *lines, b"-----END CERTIFICATE-----", b""))


def _marker(database: KeyDatabase, label: str) -> str:
    if not database.is_personal(label):
        return "!"
    return "#" if database.is_secret(label) else "-"


def _quoted(label: str) -> str:
    return f'"{label}"' if any(character in label for character in " ,=") else label


def _message(error: GskitError, trouble: str) -> str:
    lines = [f"Additional untranslated info: {error.name}"]
    if error.name.startswith("GSKKM_ERR_DATABASE_DUPLICATE"):
        lines.insert(0, "CTGSK2043W Key entry validation failed.")
    if trouble == "french":
        lines.insert(0, "L'opération a échoué.")
    return "\n".join(lines)


def _say(stream: object, text: str) -> None:
    """Labels go out as the bytes they are, whatever the locale."""
    stream.buffer.write(text.encode("utf-8", "surrogateescape") + b"\n")  # type: ignore[attr-defined]
    stream.flush()  # type: ignore[attr-defined]


def _bench_words(words: list[str]) -> tuple[list[str], str]:
    """The words of the real command line, and the trouble that they meet ("" for none)."""
    import json

    source = os.environ.get("DSMBENCH_MISBEHAVE")
    if words[:1] == ["--bench-config"]:
        source = words[1]
        words = words[2:]
    content = json.loads(Path(source).read_bytes()) if source and Path(source).exists() else {}
    trouble, *only = (content.get("gsk8capicmd") or "").split() or ("",)
    if trouble and trouble not in TROUBLES:
        raise SystemExit(f"{source}: {trouble} is no trouble of this program: {', '.join(TROUBLES)}")
    return words, trouble if set(only) <= set(words) else ""


def _misbehave_before(trouble: str) -> None:
    import signal
    import subprocess
    import time

    if trouble == "hang":
        while True:
            time.sleep(3600)
    if trouble == "crash":
        os.kill(os.getpid(), getattr(signal, "SIGSEGV", signal.SIGTERM))
    if trouble == "stderr-1mb":
        sys.stderr.write("gskit trace line\n" * 61_681)
    if trouble == "spawns-lingering-child":
        subprocess.Popen([sys.executable, "-I", "-c", f"import time; time.sleep({LINGER_S})"])


def _misbehave_after(trouble: str, words: Sequence[str]) -> None:
    import signal

    if trouble == "half-write" and words[1] in ("-delete", "-add"):
        file = Path(words[words.index("-db") + 1])
        os.truncate(file, file.stat().st_size // 2)
        os.kill(os.getpid(), getattr(signal, "SIGKILL", signal.SIGTERM))


def _restart(arguments: Sequence[str]) -> None:
    """The same program in a process that finds GSKit's libraries. Does not return."""
    program = [*gskit.interpreter(), "-m", "dsmbench.gsk8capicmd", *arguments]
    environment = {**os.environ, **gskit.environment()}
    if gskit.WINDOWS:
        import subprocess

        raise SystemExit(subprocess.run(program, env=environment, check=False).returncode)
    os.execve(program[0], program, environment)


if __name__ == "__main__":
    if not gskit.ready():
        _restart(sys.argv[1:])
    raise SystemExit(main(sys.argv[1:]))
