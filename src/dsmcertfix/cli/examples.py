"""What `--help` of each command shows besides its options: examples that work, and its exit codes.

A test runs every example against the bench.
"""

from __future__ import annotations

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
        "fix --yes",
        "fix --server TSM01 --expect-file cert256.arm --yes",
        "fix --expired --no-reconnect --yes --json",
    ),
    "rollback": ("rollback --yes", "rollback 20261114T101500Z-0a1b2c --yes", "rollback --yes --json"),
    "recover": ("recover", "recover --wait 60", "recover --json"),
    "backups": ("backups", "backups --json", "--state-dir /var/lib/dsmcertfix backups"),
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
        "admin-macro --from results",
        "admin-macro --from results --server tsm01.example.com -o refused.mac",
        "admin-macro --from results --json",
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
    "prune": (0, 1, 2, 10, 11, 12, 31),
    "probe": (0, 2, 16),
    "trust": _CHANGING,
    "guide": _CHANGING,
    "explain": (0, 2, 10),
    "server inspect": (*_LOOKING[:2], 3, *_LOOKING[2:], 31),
    "server renew": (0, 1, 2, 10, 11, 12, 13, 14, 15, 20, 21, 22, 30, 31, 130, 143),
    "server macro": (0, 2, 10, 12),
    "support-bundle": (0, 2, 12),
    "report": (0, 1, 2, 10, 12),
    "admin-macro": (0, 1, 2, 10, 12),
}
"""The exit codes that a command can end in."""


def epilog(command: str) -> str:
    """The end of the command's help."""
    examples = "\n".join(f"  dsmcertfix {example}" for example in EXAMPLES[command])
    codes = "\n".join(f"  {code:3}  {MEANINGS[code]}" for code in sorted(EXIT_CODES[command]))
    # \b keeps the lines as they are.
    return f"\b\nExamples:\n{examples}\n\n\b\nExit codes:\n{codes}"
