"""What `--help` of each command shows besides its options: examples that work, and its exit codes.

A test runs every example against the bench.
"""

from __future__ import annotations

import textwrap

from dsmcertfix.errors import MEANINGS

EXAMPLES: dict[str, tuple[str, ...]] = {
    "locate": ("locate", "locate --json", "--root /srv/container locate"),
    "inspect": (
        "inspect",
        "inspect --store /opt/tivoli/tsm/client/ba/bin",
        "inspect --json",
    ),
    "detect": (
        "detect",
        "detect --expires-within 60 --json",
        "detect --expires-within 30 --format prometheus --output dsmcertfix.prom",
    ),
    "plan": ("plan", "plan --server TSM01", "plan --whole-store --store /opt/tivoli/tsm/client/ba/bin"),
    "fix": (
        "fix --expect-file TSM01=cert256.arm --yes",
        "fix --server TSM01 --expect-file cert256.arm --yes",
        "fix --expired --no-reconnect --trust-on-first-use --yes --json",
    ),
    "rollback": ("rollback --yes", "rollback 20261114T101500Z-0a1b2c --yes", "rollback --yes --json"),
    "recover": ("recover", "recover --wait 60", "recover --json"),
    "backups": ("backups", "backups --json", "--state-dir /var/lib/dsmcertfix backups"),
    "history": ("history", "history 20261114T101500Z-0a1b2c", "history --json"),
    "verify": ("verify", "verify 20261114T101500Z-0a1b2c --json", "verify 20261114T101500Z-0a1b2c"),
    "prune": ("prune --yes", "prune --keep 1 --yes --json", "prune 20261114T101500Z-0a1b2c --yes"),
    "probe": (
        "probe tsm01.example.com",
        "probe tsm01.example.com:1543 --timeout 5",
        "probe [::1]:1500 --json",
    ),
    "trust": (
        "trust --server TSM01 --file cert256.arm --yes",
        "trust --server TSM01 --file cert256.arm --no-reconnect --yes",
        "trust --server TSM01 --file cert256.arm --engine native --yes --json",
    ),
    "guide": ("guide", "--root /srv/container guide", "--verbose guide"),
    "explain": ("explain", "explain ANS1592E", "explain GSKit 401 --json"),
    "server inspect": (
        "server inspect",
        "server inspect --instance /home/tsminst1/tsminst1 --expires-within 365",
        "server inspect --json",
    ),
    "server renew": (
        "server renew --instance /home/tsminst1/tsminst1 --dry-run",
        "server renew --yes",
        "server renew --instance /home/tsminst1/tsminst1 --stop-command '/sbin/service tsminst1 stop' "
        "--start-command '/sbin/service tsminst1 start' --yes",
    ),
    "server macro": (
        "server macro transitional --node WS01 --node WS02 --admin BACKUPADM",
        "server macro forcesync --peer TSM02 --output peers.mac",
        "server macro certificate --label TSM2027 --days 3650",
    ),
    "store make": (
        "store make --server TSM01 --file cert256.arm --output certs",
        "store make --server TSM01 --file cert256.arm --output certs --key-database 3",
        "store make --server TSM01 --file chain.pem --output certs --json",
    ),
    "store save": (
        "store save --store /opt/tivoli/tsm/client/ba/bin --output /root/saved",
        "store save --store /home/alice/IBM/StorageProtect/certs --output /root/alice",
        "store save --store /etc/adsm --output /root/saved --json",
    ),
    "store restore": (
        "store restore --from /root/saved --yes",
        "store restore --from /root/saved --store /opt/tivoli/tsm/client/ba/bin --yes",
        "--root /srv/image --trust-root store restore --from /root/saved --yes",
    ),
    "policy check": (
        "policy check policy.toml",
        "policy check policy.toml --json",
        "--root /srv/container policy check policy.toml",
    ),
    "policy make": (
        "policy make --file TSM01=cert256.arm",
        "policy make tsm01.example.com:1500 --output policy.toml",
        "policy make --json",
    ),
    "support-bundle": (
        "support-bundle --yes",
        "support-bundle --output ticket-4711.zip --yes",
        "support-bundle --yes --json",
    ),
    "report": (
        "report results -o report.html",
        "report results --inventory hosts.txt -o report.html --csv report.csv",
        "report results --csv report.csv --json",
    ),
    "admin-macro": (
        "admin-macro --from results --inventory hosts.txt",
        "admin-macro --from results --server tsm01.example.com -o refused.mac",
        "admin-macro --from results --json",
    ),
    "forecast": (
        "forecast results --server TSM01 --certificate cert256.arm --inventory hosts.txt",
        "forecast results --server TSM01 --certificate cert256.arm --gate 99.5 -o forecast.html",
        "forecast results --server TSM01 --certificate cert256.arm --csv forecast.csv --json",
    ),
}
"""Three for each command, as typed after `dsmcertfix`."""

_LOOKING = (0, 2, 10, 12, 14)
_ASKING = (*_LOOKING, 16, 31)
_CHANGING = (0, 1, 2, 10, 11, 12, 13, 14, 15, 16, 20, 21, 22, 30, 31, 32, 130, 143)

EXIT_CODES: dict[str, tuple[int, ...]] = {
    "locate": _LOOKING,
    "inspect": _LOOKING,
    "detect": (*_ASKING[:2], 3, *_ASKING[2:]),
    "plan": (*_ASKING, 15),
    "fix": _CHANGING,
    "rollback": (0, 1, 2, 10, 11, 12, 13, 14, 20, 30, 31, 130, 143),
    "recover": (0, 1, 2, 11, 12, 31),
    "backups": (0, 2, 12, 14, 31),
    "history": (0, 2, 10, 12, 31),
    "verify": (0, 2, 10, 12, 14, 31),
    "prune": (0, 1, 2, 10, 11, 12, 31),
    "probe": (0, 2, 16),
    "trust": _CHANGING,
    "guide": _CHANGING,
    "explain": (0, 2, 10),
    "server inspect": (*_LOOKING[:2], 3, *_LOOKING[2:], 31),
    "server renew": (0, 1, 2, 10, 11, 12, 13, 14, 15, 20, 21, 22, 30, 31, 130, 143),
    "server macro": (0, 2, 10, 12),
    "store make": (0, 2, 10, 12, 16),
    "store save": (0, 2, 10, 12, 14, 31),
    "store restore": (0, 1, 2, 10, 11, 12, 13, 14, 20, 30, 31, 130, 143),
    "policy check": (0, 2, 10, 12),
    "policy make": (0, 2, 10, 12, 14, 16),
    "support-bundle": (0, 2, 12),
    "report": (0, 1, 2, 10, 12),
    "admin-macro": (0, 1, 2, 10, 12),
    "forecast": (0, 1, 2, 3, 10, 12),
}
"""The exit codes that a command can end in."""


_CLIENTS = {
    11: "busy: another run holds the lock, or a file is in use",
    21: "rolled back: the client did not reconnect",
}
_OWN: dict[str, dict[int, str]] = {
    "detect": {
        0: "no action needed",
        3: "action needed",
        12: "a store, an option file or a home may not be read",
        14: "a store could not be read",
        16: "a server could not be asked, and nothing else is wrong",
    },
    "plan": {
        0: "there is a plan, or nothing to do",
        12: "a store, an option file or a home may not be read",
        14: "a store could not be read",
        15: "the edit could not work",
        16: "a reconnect could not work",
    },
    "locate": {0: "listed"},
    "inspect": {0: "listed", 14: "a store could not be read"},
    "probe": {0: "the server presents a certificate", 16: "it does not, or nobody answers there"},
    "explain": {0: "explained", 10: "the code is not known, or there is no error log"},
    "guide": {0: "repaired, nothing to do, or the answer was no", **_CLIENTS},
    "rollback": {
        0: "put back, or the answer was no",
        10: "there is no such run, or nothing to undo",
        13: "a store is no longer what the run left",
        14: "no safe backup of what is there now could be made",
    },
    "recover": {0: "recovered, or nothing was cut off"},
    "backups": {0: "listed, all sets are whole", 14: "a set is damaged"},
    "history": {0: "listed", 10: "there is no such run"},
    "verify": {
        0: "proved: journal and backups are as the run left them",
        10: "there is no such run",
        14: "they are not: the message says what differs",
    },
    "prune": {0: "removed, nothing to remove, or the answer was no", 10: "there is no such run"},
    "support-bundle": {0: "written, or the answer was no", 12: "the file could not be written"},
    "store make": {
        0: "made",
        10: "there is no such file",
        12: "there is a store already, or nobody may write there",
        16: "the certificate in the file is not valid today",
    },
    "store save": {
        0: "saved",
        10: "there is no store",
        12: "there is something at the output, or nobody may write there",
        14: "the store could not be read, or not saved whole",
    },
    "store restore": {
        0: "restored, there already, or the answer was no",
        10: "there is nothing saved there, or no directory for it",
        12: "others could have written what is saved, or the store is to be left alone",
        14: "what is saved does not open, or no safe backup of what is there could be made",
        20: "rolled back: everything is as it was before",
    },
    "report": {0: "written", 10: "no result was found", 12: "a file could not be written"},
    "admin-macro": {
        0: "written, or no node was refused",
        10: "no result was found, or none of that server",
        12: "a file could not be written",
    },
    "forecast": {
        0: "the forecast is made, and passes the gate if there is one",
        3: "the forecast does not pass the gate",
        10: "no result was found, or none of that server",
        12: "a file could not be written",
    },
    "server inspect": {0: "no work", 3: "a server needs work", 14: "a key database could not be read"},
    "server macro": {0: "written", 10: "there is no such list", 12: "the file could not be written"},
    "server renew": {
        0: "renewed, nothing to do, or the answer was no",
        10: "no instance, label or program found",
        11: "busy: another run holds the lock, or the server runs",
        14: "the key database could not be read, or no safe backup could be made",
        21: "rolled back: the server did not come up",
    },
    "fix": {0: "repaired, nothing to do, or the answer was no", **_CLIENTS},
    "trust": {0: "put in, nothing to do, or the answer was no", **_CLIENTS},
}
"""What a code says of one command, where that is not just what it says of all."""


def meaning(command: str, code: int) -> str:
    """What the exit code says after that command."""
    return _OWN.get(command, {}).get(code, MEANINGS[code])


def epilog(command: str) -> str:
    """The end of the command's help."""
    examples = "\n".join(map(_wrapped, EXAMPLES[command]))
    codes = "\n".join(
        textwrap.fill(meaning(command, code), 74, initial_indent=f"  {code:3}  ", subsequent_indent=" " * 7)
        for code in sorted(EXIT_CODES[command])
    )
    # \b keeps the lines as they are.
    return f"\b\nExamples:\n{examples}\n\n\b\nExit codes:\n{codes}"


def _wrapped(example: str) -> str:
    """The command line, in the shell's way on several lines where it is long."""
    lines = textwrap.wrap(f"dsmcertfix {example}", 72, break_long_words=False, break_on_hyphens=False)
    return " \\\n".join(("  " if number == 0 else "      ") + line for number, line in enumerate(lines))


ENDING = """\b
Examples:
  dsmcertfix                       for a person: what is wrong, one question
  dsmcertfix detect                is action needed? 3: yes, 0: no
  dsmcertfix fix --dry-run         what would be done; the same as `plan`
  dsmcertfix fix                   do it; the fingerprint is shown first
  dsmcertfix rollback              undo the last run
  dsmcertfix help fix              the options, examples, exit codes of `fix`

Options above may stand before or after the command. `status` is another
word for `detect`, `undo` and `restore` for `rollback`."""
"""The end of the help on the whole program."""
