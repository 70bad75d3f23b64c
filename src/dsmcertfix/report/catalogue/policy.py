"""Errors of the site's policy. Data only."""

from __future__ import annotations

from dsmcertfix.report.catalogue.entry import UNTOUCHED, entry

POLICY = (
    entry(
        "not-a-time",
        "UsageError",
        "What `--spread` was given is no time, or more than a day.",
        UNTOUCHED,
        "Give a number with a unit: `dsmcertfix fix --yes --spread 4h`.",
    ),
    entry(
        "policy-not-valid",
        "UsageError",
        "The policy makes no sense where the message says: a wrong value, a word that is not known, a server "
        "or certificate that is named twice, or no TOML at all.",
        UNTOUCHED,
        "Mend that line, and try it with `dsmcertfix policy check FILE`.",
    ),
    entry(
        "policy-not-found",
        "NotFound",
        "There is no policy in the file that was given.",
        UNTOUCHED,
        "Check the path with `ls -l`.",
    ),
    entry(
        "policy-not-readable",
        "NotPermitted",
        "The policy cannot be read by this user.",
        UNTOUCHED,
        "Run `dsmcertfix` as root (on Windows as administrator), or let others read the file.",
    ),
    entry(
        "policy-not-trusted",
        "NotPermitted",
        "Others than the system and ourselves could have written the policy, or exchange it.",
        UNTOUCHED,
        "Take those rights away (`chmod go-w`, `chown root`; on Windows `icacls`), and see who wrote it.",
    ),
    entry(
        "policy-not-signed",
        "NotPermitted",
        "A key for policies is configured on this machine, and the policy has no good signature by it, or "
        "that cannot be told here.",
        UNTOUCHED,
        "Sign it again: `ssh-keygen -Y sign -n dsmcertfix-policy -f KEY policy.toml`.",
    ),
    entry(
        "policy-expired",
        "NotPermitted",
        "The policy says itself that its last day is over, so nothing is done by it.",
        UNTOUCHED,
        "Roll out the current one, and try it with `dsmcertfix policy check FILE`.",
    ),
    entry(
        "policy-file-without-certificate",
        "UsageError",
        "A file that the policy names for a certificate holds others, and not this one.",
        UNTOUCHED,
        "Take cert256.arm from the server again, and try it with `dsmcertfix policy check FILE`.",
    ),
    entry(
        "policy-file-of-nobody",
        "UsageError",
        "It is not known of which server a certificate's file is.",
        UNTOUCHED,
        "Say it before the file: `dsmcertfix policy make --file TSM01=cert256.arm`.",
    ),
    entry(
        "no-server-known",
        "NotFound",
        "No stanza of this machine names a server, and none was given.",
        UNTOUCHED,
        "Name the servers: `dsmcertfix policy make HOST:PORT`.",
    ),
    entry(
        "more-stores-than-allowed",
        "NotPermitted",
        "More stores would be changed than the policy lets one run change (`max_stores`).",
        UNTOUCHED,
        "See them with `dsmcertfix plan`, and narrow them down with `--store`.",
    ),
)
