"""Errors of reading a store, of backing it up, and of editing its private copy. Data only."""

from __future__ import annotations

from dsmcertfix.report.catalogue.entry import KEPT, OPEN, SAFE, SERVICE, UNTOUCHED, entry

_WHOLE = "Let the client make a new store: `dsmcertfix fix --whole-store --store DIRECTORY`."
_PAIR = "Restore both files from one backup, or `dsmcertfix fix --whole-store --store DIRECTORY`."
_OTHER_ENGINE = "Try the other engine (`dsmcertfix fix --engine native` or `--engine gskit`), then report it."
_LIST = "`dsmcertfix inspect` lists what is in the store."

READING = (
    entry(
        "store-unreadable",
        "StoreUnreadable",
        "The store's directory cannot be read.",
        UNTOUCHED,
        "See what is wrong with its file system (`ls -la DIRECTORY`).",
    ),
    entry(
        "too-much-to-read",
        "StoreUnreadable",
        "Reading that user's files takes more time, memory or CPU time than one user may take.",
        UNTOUCHED,
        "Look at that user's option files, profiles and stores (`ls -l`): no client writes such files.",
    ),
    entry(
        "reading-was-ended",
        "StoreUnreadable",
        "The process that read that user's files, with that user's rights, was stopped or killed.",
        UNTOUCHED,
        "See what ends processes of that user (`ps -fu USER`), then run this again.",
    ),
    entry(
        "store-incomplete", "StoreUnreadable", "A file that the key database needs is missing.", SAFE, _PAIR
    ),
    entry(
        "stash-missing",
        "StoreUnreadable",
        "The stash file is missing: the key database cannot be opened.",
        UNTOUCHED,
        _WHOLE,
    ),
    entry("stash-empty", "StoreUnreadable", "The stash file is empty.", UNTOUCHED, _PAIR),
    entry(
        "stash-size",
        "StoreUnreadable",
        "The stash file has a size that GSKit does not write.",
        UNTOUCHED,
        _PAIR,
    ),
    entry("stash-damaged", "StoreUnreadable", "The stash file is damaged.", UNTOUCHED, _PAIR),
    entry(
        "requests-damaged",
        "StoreUnreadable",
        "The file of certificate requests (`.rdb`) is damaged, or not of this key database.",
        UNTOUCHED,
        _PAIR,
    ),
    entry(
        "password-wrong",
        "StoreUnreadable",
        "The stash file does not open this key database.",
        UNTOUCHED,
        _PAIR,
    ),
    entry(
        "password-expired",
        "StoreUnreadable",
        "The password of the key database expired: IBM's programs do not open it any more.",
        UNTOUCHED,
        "Run `dsmcertfix fix`: it sets the same password again, and it no longer expires.",
    ),
    entry(
        "integrity-wrong",
        "StoreUnreadable",
        "The key database's integrity code does not match its content.",
        UNTOUCHED,
        _WHOLE,
    ),
    entry("file-empty", "StoreUnreadable", "The key database is an empty file.", UNTOUCHED, _WHOLE),
    entry("file-cut-off", "StoreUnreadable", "The key database is cut off.", UNTOUCHED, _WHOLE),
    entry(
        "file-too-long",
        "StoreUnreadable",
        "The key database has bytes left over at its end.",
        UNTOUCHED,
        _WHOLE,
    ),
    entry(
        "file-too-large",
        "StoreUnreadable",
        "A file is larger than any file of a store can be.",
        UNTOUCHED,
        "Look at it (`ls -l`): it is not one that the backup client wrote.",
    ),
    entry(
        "file-keepass",
        "StoreUnreadable",
        "The file is a KeePass password database.",
        UNTOUCHED,
        "Name the right directory: `dsmcertfix inspect --store DIRECTORY`.",
    ),
    entry(
        "file-pkcs12",
        "StoreUnreadable",
        "The file is a PKCS #12 file under the name of a key database, which IBM's programs open as well.",
        UNTOUCHED,
        _WHOLE,
    ),
    entry(
        "file-not-key-database",
        "StoreUnreadable",
        "The file is not one of IBM's key databases.",
        UNTOUCHED,
        _WHOLE,
    ),
    entry(
        "file-version-unknown",
        "StoreUnreadable",
        "The key database has a version that is not known here.",
        UNTOUCHED,
        "Look for a newer release (`dsmcertfix --version` shows this one); report it if there is none.",
    ),
    entry(
        "certificate-unopenable",
        "StoreUnreadable",
        "A certificate in the key database is damaged or has impossible dates: no program of IBM's opens it.",
        UNTOUCHED,
        _WHOLE,
    ),
    entry(
        "file-slot-size",
        "StoreUnreadable",
        "The key database has slots of an impossible size.",
        UNTOUCHED,
        _WHOLE,
    ),
    entry(
        "record-too-long",
        "StoreUnreadable",
        "A record of the key database is longer than its slot.",
        UNTOUCHED,
        _WHOLE,
    ),
    entry(
        "record-malformed", "StoreUnreadable", "A record of the key database is damaged.", UNTOUCHED, _WHOLE
    ),
)

JOURNALS = (
    entry(
        "journal-unreadable",
        "Unrecovered",
        "The journal of a run cannot be read.",
        OPEN,
        "See what is wrong with it (`ls -l`), then run `dsmcertfix recover`.",
    ),
    entry(
        "journal-damaged",
        "Unrecovered",
        "The journal of a run does not say what the run did.",
        OPEN,
        "Compare the backups beside it with the stores, move its directory away, `dsmcertfix inspect`.",
    ),
    entry(
        "journal-of-newer-release",
        "Unrecovered",
        "The journal was written by a newer release.",
        OPEN,
        "Run `dsmcertfix recover` with the release that wrote it.",
    ),
    entry(
        "owner-not-kept",
        "NotPermitted",
        "A file of the store cannot be given its owner or its access rights (Windows).",
        SAFE,
        "Run `dsmcertfix` as administrator, or as SYSTEM.",
    ),
    entry(
        "service-not-restarted",
        "ServiceDown",
        "A service of the client that was to be restarted does not run, or did not stop.",
        SERVICE,
        "See why (`systemctl status NAME`, `services.msc`), and start it: `systemctl start NAME`, "
        "`sc.exe start NAME`.",
    ),
    entry(
        "service-not-touched",
        "ServiceDown",
        "A service of the client was not restarted: the journal cannot be written.",
        SERVICE,
        "Make room for the journal, and restart the service: `systemctl restart NAME`, `services.msc`.",
    ),
    entry(
        "client-service-not-known",
        "ServiceDown",
        "A run on another system restarted a service that is not known here.",
        SERVICE,
        "See whether the client's service runs; then end the run by `dsmcertfix recover --give-up ID`.",
    ),
    entry(
        "run-cut-off",
        "Unrecovered",
        "A run was cut off (power, kill) and is not recovered.",
        OPEN,
        "Run `dsmcertfix recover`; the next `dsmcertfix fix` does it, too.",
    ),
    entry(
        "run-not-finished",
        "Unrecovered",
        "A run is not finished, so its backup stays.",
        OPEN,
        "Run `dsmcertfix recover` first.",
    ),
    entry(
        "run-not-removed",
        "Busy NotPermitted",
        "An old run with its backup sets cannot be removed, or not whole.",
        KEPT,
        "See what keeps it (`ls -l`, `lsattr`), then run `dsmcertfix prune` again: it goes on there.",
    ),
)

EDITING = (
    entry(
        "gskit-not-found",
        "EditFailed",
        "There is no gsk8capicmd_64 on this machine.",
        UNTOUCHED,
        "`dsmcertfix fix --engine native` edits key databases without it.",
    ),
    entry(
        "gskit-not-runnable",
        "EditFailed",
        "The program gsk8capicmd_64 cannot be started.",
        UNTOUCHED,
        "`dsmcertfix fix --engine native` edits key databases without it.",
    ),
    entry(
        "copy-not-trusted",
        "EditFailed",
        "With the new certificate in it the store would not make IBM's TLS trust the server.",
        UNTOUCHED,
        "`dsmcertfix probe HOST:PORT` shows what the server presents: a certificate that a CA has issued is "
        "trusted by the CA's root alone.",
    ),
    entry(
        "gskit-changed-nothing",
        "EditFailed",
        "The program gsk8capicmd_64 reported success and did nothing.",
        UNTOUCHED,
        "`dsmcertfix fix --engine native` edits key databases without it.",
    ),
    entry(
        "gskit-timed-out",
        "EditFailed",
        "The program gsk8capicmd_64 did not end in time (APAR IT41127).",
        UNTOUCHED,
        "`dsmcertfix fix --engine native` edits key databases without it.",
    ),
    entry(
        "gskit-refused",
        "EditFailed",
        "The program gsk8capicmd_64 refused to edit the copy.",
        UNTOUCHED,
        _OTHER_ENGINE,
    ),
    entry(
        "label-not-safe-for-gskit",
        "EditFailed",
        "The label cannot be given to gsk8capicmd_64.",
        UNTOUCHED,
        "`dsmcertfix fix --engine native` edits key databases without it.",
    ),
    entry(
        "no-engine", "EditFailed", "There is nothing to edit the key database with.", UNTOUCHED, _OTHER_ENGINE
    ),
    entry(
        "private-copy-failed",
        "EditFailed",
        "The private copy could not be made or edited.",
        UNTOUCHED,
        "Make room in the state directory (`df`), then run `dsmcertfix fix` again.",
    ),
    entry(
        "version-changed",
        "EditFailed",
        "The edit changed the version of the key database.",
        UNTOUCHED,
        _OTHER_ENGINE,
    ),
    entry(
        "other-records-changed",
        "EditFailed",
        "The edit changed other records than it should have.",
        UNTOUCHED,
        _OTHER_ENGINE,
    ),
    entry(
        "certificate-not-trusted",
        "EditFailed",
        "The certificate was added, but marked as not trusted: it could not be verified at that moment.",
        UNTOUCHED,
        "Check this machine's clock. For what a CA signed, give `dsmcertfix trust` the root, too.",
    ),
    entry(
        "password-not-kept",
        "EditFailed",
        "The password of the key database could not be set again.",
        UNTOUCHED,
        _WHOLE,
    ),
    entry(
        "certificate-not-added",
        "EditFailed",
        "The edit did not add the new certificate.",
        UNTOUCHED,
        _OTHER_ENGINE,
    ),
    entry(
        "certificate-differs",
        "EditFailed",
        "The label belongs to another certificate than was planned.",
        UNTOUCHED,
        "A client is at work there: look at the new `dsmcertfix plan`.",
    ),
    entry(
        "label-ambiguous",
        "EditFailed",
        "The key database has that certificate more than once.",
        UNTOUCHED,
        "`dsmcertfix fix --whole-store --store DIRECTORY` makes a new store.",
    ),
    entry(
        "label-unusable",
        "EditFailed",
        "A label must be text of the basic plane, not empty and without NUL.",
        UNTOUCHED,
        _LIST,
    ),
    entry(
        "label-taken", "EditFailed", "The key database has another record of that label.", UNTOUCHED, _LIST
    ),
    entry(
        "certificate-present",
        "EditFailed",
        "The key database has that certificate under another label.",
        UNTOUCHED,
        _LIST,
    ),
    entry(
        "serial-taken",
        "EditFailed",
        "Another certificate has the same issuer and serial number.",
        UNTOUCHED,
        "Take the old one out first: `dsmcertfix fix --fingerprint HEX --no-reconnect`.",
    ),
    entry(
        "numbers-used-up",
        "EditFailed",
        "The key database has no free record number left.",
        UNTOUCHED,
        _WHOLE,
    ),
    entry(
        "record-too-large",
        "EditFailed",
        "The certificate is too large for a key database.",
        UNTOUCHED,
        "Check the file that was given: `openssl x509 -text -in FILE`.",
    ),
    entry(
        "certificate-malformed",
        "EditFailed",
        "What was given is not an X.509 certificate.",
        UNTOUCHED,
        "Check the file that was given: `openssl x509 -text -in FILE`.",
    ),
)
