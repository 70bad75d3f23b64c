"""Errors of the command line, of what was not found, and of what forbids to begin. Data only."""

from __future__ import annotations

from dsmcertfix.report.catalogue.entry import OPEN, SAFE, UNTOUCHED, entry

_USAGE = "Read the message; `dsmcertfix COMMAND --help` lists the options."
_RUN_AS = (
    "Run the command as root (`sudo dsmcertfix …`; on Windows as administrator), or as the store's owner."
)
_WHO = "See who made it and remove it; then `dsmcertfix inspect` shows whether the store can be read."
_TAKE_FILE = "Take `cert256.arm` from the server's instance directory and run the command again."
_LOOK_AGAIN = "Look at the new `dsmcertfix plan`, then run `dsmcertfix fix` again."

COMMAND_LINE = (
    entry(
        "usage",
        "UsageError",
        "The command line has an option or an argument that does not exist or fit.",
        UNTOUCHED,
        _USAGE,
    ),
    entry(
        "nobody-to-ask",
        "UsageError",
        "The command would have to ask, and there is no terminal to ask on.",
        UNTOUCHED,
        "See what it would do (the message says with which command), then give `--yes`.",
    ),
    entry(
        "no-code-given",
        "UsageError",
        "There is no code in the words that `explain` was given.",
        UNTOUCHED,
        "Give a code, `dsmcertfix explain ANS1592E`, or none for what the client's error logs say.",
    ),
    entry(
        "nobody-to-guide",
        "UsageError",
        "Without a command the tool talks to a person, and there is no terminal.",
        UNTOUCHED,
        "`dsmcertfix detect` tells what is wrong, `dsmcertfix fix --yes --expect-file cert256.arm` "
        "repairs it.",
    ),
    entry(
        "bundle-exists",
        "UsageError",
        "There is a file of that name already, and a support bundle is never written over one.",
        UNTOUCHED,
        "Give another name: `dsmcertfix support-bundle --output FILE`.",
    ),
    entry(
        "nothing-expected",
        "UsageError",
        "Nobody said which certificate to expect, and `fix --yes` asks nobody.",
        UNTOUCHED,
        "Give the server's file, `dsmcertfix fix --yes --expect-file cert256.arm`, or its fingerprint with "
        "`--expect-sha256`; or `--trust-on-first-use`, where nobody can intercept the connection.",
    ),
    entry(
        "two-formats",
        "UsageError",
        "Both `--json` and another `--format` were given.",
        UNTOUCHED,
        "Give one of them: `dsmcertfix detect --format summary`.",
    ),
    entry(
        "format-has-its-exit-codes",
        "UsageError",
        "An `--exit-profile` was given with a format whose exit codes are defined by the system it is for.",
        UNTOUCHED,
        "Leave out `--exit-profile`, or take `--format summary`.",
    ),
    entry(
        "exit-profile-needs-windows",
        "UsageError",
        "The exit codes of `--exit-profile configmgr` were asked for where an exit code has 8 bits.",
        UNTOUCHED,
        "Leave out `--exit-profile`: `dsmcertfix` ends in 11 when it is busy.",
    ),
    entry(
        "expectation-without-reconnect",
        "UsageError",
        "An expected certificate was named, but nothing is to be fetched that could be compared with it.",
        UNTOUCHED,
        "Leave out `--no-reconnect`, or the expectation.",
    ),
    entry(
        "not-a-fingerprint",
        "UsageError",
        "What was given is not a SHA-256 fingerprint of 64 hex digits.",
        UNTOUCHED,
        "`openssl x509 -noout -fingerprint -sha256 -in cert256.arm` prints the right one; "
        "`--expect-file cert256.arm` needs none.",
    ),
    entry(
        "not-a-certificate-file",
        "UsageError",
        "The file holds no certificate in PEM or DER form.",
        UNTOUCHED,
        _TAKE_FILE,
    ),
    entry(
        "not-a-server",
        "UsageError",
        "What was given is not HOST[:PORT].",
        UNTOUCHED,
        "Write it as in `dsmcertfix probe tsm01.example.com:1500` or `[::1]:1500`.",
    ),
    entry(
        "not-a-port",
        "UsageError",
        "The port is not a number from 1 to 65535.",
        UNTOUCHED,
        "Write it as in `dsmcertfix probe tsm01.example.com:1500`.",
    ),
)

NOT_FOUND = (
    entry(
        "code-not-known",
        "NotFound",
        "There is no explanation for that code.",
        UNTOUCHED,
        "Check the spelling; `dsmcertfix explain` without a code reads the client's error log.",
    ),
    entry(
        "error-log-not-found",
        "NotFound",
        "No error log of a client was found, or none that can be read.",
        UNTOUCHED,
        "Run `dsmcertfix explain` as root (on Windows as administrator), or as the user whose client failed.",
    ),
    entry(
        "root-not-found",
        "NotFound",
        "The directory given with `--root` does not exist.",
        UNTOUCHED,
        "Check the path that was given as `--root DIR`.",
    ),
    entry(
        "no-store-found",
        "NotFound",
        "There is no dsmcert.kdb on this machine.",
        UNTOUCHED,
        "`dsmcertfix locate` lists every place; without a backup client there is nothing to repair.",
    ),
    entry(
        "store-not-found",
        "NotFound",
        "There is no dsmcert.kdb in the directory that was named.",
        UNTOUCHED,
        "`dsmcertfix locate` lists the stores of this machine.",
    ),
    entry(
        "label-not-found",
        "NotFound EditFailed",
        "No store holds a certificate with that label.",
        SAFE,
        "`dsmcertfix inspect` lists the labels.",
    ),
    entry(
        "fingerprint-not-found",
        "NotFound",
        "No store holds a certificate with that SHA-256 fingerprint.",
        UNTOUCHED,
        "`dsmcertfix inspect` lists the fingerprints.",
    ),
    entry(
        "server-not-found",
        "NotFound",
        "No stanza, address or label names that server.",
        UNTOUCHED,
        "`dsmcertfix inspect` lists the stanzas and labels of each store.",
    ),
    entry(
        "run-not-found",
        "NotFound",
        "There is no run with that id.",
        UNTOUCHED,
        "`dsmcertfix history` lists the runs.",
    ),
    entry(
        "nothing-to-roll-back",
        "NotFound",
        "No run has changed a store that was not rolled back since.",
        UNTOUCHED,
        "`dsmcertfix history` says what was done here, and what of it can be undone.",
    ),
    entry(
        "certificate-file-not-found",
        "NotFound",
        "The certificate file cannot be read.",
        UNTOUCHED,
        "Check the path; the server's `cert256.arm` is the file to give.",
    ),
    entry(
        "program-not-found",
        "NotFound",
        "A program of the client is not where it should be.",
        SAFE,
        "`dsmcertfix locate` shows which client is installed; repair its installation.",
    ),
    entry(
        "directory-not-found",
        "NotFound",
        "A program cannot be started in a directory that does not exist.",
        SAFE,
        "Make the home directory of that user, then run `dsmcertfix fix` again.",
    ),
)

NOT_NOW = (
    entry(
        "another-run",
        "Busy",
        "Another run of dsmcertfix is at work on this machine.",
        UNTOUCHED,
        "Run it again later, or let it wait with `--wait 600`.",
    ),
    entry(
        "file-in-use",
        "Busy",
        "A file of the store is in use.",
        SAFE,
        "Run `dsmcertfix fix` again when no backup runs.",
    ),
    entry(
        "store-does-not-answer",
        "Busy",
        "The file system of the store did not answer in time.",
        OPEN,
        "See that the file system is there (`df DIRECTORY`), then run `dsmcertfix recover`.",
    ),
    entry(
        "plan-outdated",
        "PlanOutdated",
        "The machine is no longer as it was when the plan was shown.",
        UNTOUCHED,
        _LOOK_AGAIN,
    ),
    entry(
        "store-changed",
        "PlanOutdated",
        "A client or an administrator changed the store meanwhile.",
        UNTOUCHED,
        _LOOK_AGAIN,
    ),
    entry(
        "directory-exchanged",
        "PlanOutdated",
        "The store's path leads to another directory than before.",
        SAFE,
        "Run `dsmcertfix locate` and see who changes that path.",
    ),
    entry(
        "key-database-gone",
        "PlanOutdated",
        "The store holds no key database any more.",
        SAFE,
        "Run `dsmcertfix locate`; the client makes a new store at its next session.",
    ),
)

NOT_PERMITTED = (
    entry(
        "access-denied",
        "NotPermitted",
        "The system denies access to a file or directory of the store.",
        SAFE,
        _RUN_AS,
    ),
    entry(
        "bundle-not-written",
        "NotPermitted",
        "The support bundle could not be written where it was to go.",
        UNTOUCHED,
        "Give another place: `dsmcertfix support-bundle --output FILE`.",
    ),
    entry("store-not-readable", "NotPermitted", "The store cannot be read by this user.", UNTOUCHED, _RUN_AS),
    entry(
        "store-not-writable", "NotPermitted", "The store cannot be changed by this user.", UNTOUCHED, _RUN_AS
    ),
    entry(
        "cannot-run-as-user", "NotPermitted", "Only root can run the client as another user.", SAFE, _RUN_AS
    ),
    entry(
        "output-not-written",
        "NotPermitted",
        "The file that was to hold the result could not be written.",
        UNTOUCHED,
        "Give `--output` a file in a directory that exists and that you may write to.",
    ),
    entry(
        "directory-not-permitted",
        "NotPermitted",
        "A program may not be started in that user's directory.",
        SAFE,
        "Check owner and mode of the home directory with `ls -ld`.",
    ),
    entry(
        "program-not-executable",
        "NotPermitted",
        "A program of the client cannot be started.",
        SAFE,
        "Check it with `ls -l` (`icacls`): executable, made for this system, not on a noexec file system.",
    ),
    entry(
        "program-not-trusted",
        "NotPermitted",
        "A program of the client could be changed by others than administrators, and is not run.",
        SAFE,
        "Set its owner and access right as the message says (`chown root`, `chmod go-w`; `icacls`).",
    ),
    entry(
        "state-directory-not-ours",
        "NotPermitted",
        "The state directory belongs to somebody else, or others could exchange it.",
        UNTOUCHED,
        "See who made it and remove it, or give another one with `--state-dir DIR`.",
    ),
    entry(
        "option-file-open",
        "NotPermitted",
        "Users other than its owner can change an option file, and so the addresses of servers in it.",
        UNTOUCHED,
        "Read its addresses, then close the file or directory that the message names: `chmod go-w FILE`.",
    ),
    entry(
        "store-of-two-owners",
        "NotPermitted",
        "The key database belongs to one user and its directory to another, who can exchange it.",
        UNTOUCHED,
        "Find out whose client uses it and give both one owner, as the message says (`chown`; `icacls`).",
    ),
    entry(
        "store-open-to-others",
        "NotPermitted",
        "Everyone can exchange the files of this store.",
        UNTOUCHED,
        "See what was put there, then take that right away, as the message says (`chmod`; `icacls`).",
    ),
    entry(
        "not-a-regular-file",
        "NotPermitted StoreUnreadable",
        "A link, directory or device stands where the store has a file; the client never makes one.",
        SAFE,
        _WHO,
    ),
    entry(
        "place-refused",
        "NotPermitted",
        "The directory that was named lies behind a link or on a file system that is not looked into.",
        UNTOUCHED,
        "Name the directory that is meant, without other users' links on the way; `--network-homes` looks "
        "into network file systems.",
    ),
    entry(
        "link-in-path",
        "NotPermitted",
        "A symbolic link stands in the path since it was looked up.",
        SAFE,
        "Run `dsmcertfix locate` and see who changes that path.",
    ),
    entry(
        "file-of-another-owner",
        "NotPermitted",
        "A file of the store belongs to another user than its directory.",
        SAFE,
        "If it is theirs, change its owner as the message says (`chown`; `icacls`); if not, remove it.",
    ),
    entry(
        "file-has-another-name",
        "NotPermitted",
        "A file of the store has a hard link elsewhere.",
        SAFE,
        "Find it with `find / -xdev -samefile FILE` (on Windows `fsutil hardlink list FILE`), and remove it.",
    ),
    entry(
        "file-exchanged",
        "NotPermitted",
        "A file of the store was replaced while it was opened.",
        SAFE,
        "See who works there, then run `dsmcertfix fix` again.",
    ),
    entry(
        "not-a-server-certificate",
        "NotPermitted",
        "One of the client's own keys would be removed.",
        UNTOUCHED,
        "Name the server's certificate: `dsmcertfix fix --label LABEL`.",
    ),
)
