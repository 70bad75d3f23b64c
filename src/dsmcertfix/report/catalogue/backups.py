"""Errors of backup sets: made, read back, kept. Data only."""

from __future__ import annotations

from dsmcertfix.report.catalogue.entry import SAFE, UNTOUCHED, entry

BACKING_UP = (
    entry(
        "store-not-seen",
        "BackupFailed",
        "The files of the store could not all be looked at.",
        UNTOUCHED,
        "See what is wrong with its file system (`ls -la DIRECTORY`).",
    ),
    entry(
        "store-not-read",
        "BackupFailed",
        "A file of the store could not be read.",
        UNTOUCHED,
        "See what is wrong with its file system (`ls -la DIRECTORY`).",
    ),
    entry(
        "store-changed-meanwhile",
        "BackupFailed",
        "The store changed while it was backed up.",
        UNTOUCHED,
        "A client is at work there: run `dsmcertfix fix` again when it is done.",
    ),
    entry(
        "backup-not-written",
        "BackupFailed",
        "The backup could not be written.",
        SAFE,
        "Make room there (`df`), or give another place with `--state-dir DIR`.",
    ),
    entry(
        "no-room-for-backup",
        "BackupFailed",
        "There is no room for a backup.",
        UNTOUCHED,
        "Make room there (`df`, `dsmcertfix prune`), or give another place with `--state-dir DIR`.",
    ),
    entry(
        "file-gives-rights",
        "BackupFailed",
        "A file of a store is set-user-ID, set-group-ID or has capabilities.",
        UNTOUCHED,
        "The client never makes such a file: see with `ls -l` and `getcap` who did, and remove it.",
    ),
    entry(
        "acl-not-kept",
        "BackupFailed",
        "A file of a store has an ACL that would be lost: there is no `aclput` here, or it is too long.",
        UNTOUCHED,
        "Write the ACL down, take it away, run `dsmcertfix fix` again, and set it again.",
    ),
    entry(
        "acl-not-seen",
        "BackupFailed",
        "Nothing tells whether a file of a store has an ACL, which would be lost.",
        UNTOUCHED,
        "See why the system's own `ls -lde FILE` fails, then run `dsmcertfix fix` again.",
    ),
    entry(
        "backup-not-made",
        "BackupFailed",
        "The backup could not be made.",
        UNTOUCHED,
        "Do what the message says (`df` shows the room), then run `dsmcertfix fix` again.",
    ),
    entry(
        "backup-damaged",
        "BackupFailed",
        "A backup set is not as its manifest says, and is not used.",
        SAFE,
        "`dsmcertfix backups` lists the sets that are intact.",
    ),
    entry(
        "run-not-proven",
        "BackupFailed",
        "A run's journal or backup is not as the run left it, or an earlier release wrote the journal.",
        SAFE,
        "Compare `head` with what the system's log has of that run, and ask who could write below the state "
        "directory.",
    ),
    entry(
        "state-not-written",
        "BackupFailed",
        "The state directory could not be written.",
        SAFE,
        "Make room there (`df`), or give another place with `--state-dir DIR`.",
    ),
    entry(
        "state-not-permitted",
        "NotPermitted",
        "The state directory may not be written by this user.",
        SAFE,
        "Run as root (on Windows as administrator), or give a directory of your own with `--state-dir DIR`.",
    ),
    entry(
        "journal-not-permitted",
        "NotPermitted",
        "The run's journal may not be written by this user.",
        SAFE,
        "Run as root (on Windows as administrator), or give a directory of your own with `--state-dir DIR`.",
    ),
    entry(
        "journal-not-written",
        "BackupFailed SwapFailed Unrecovered",
        "The run's journal could not be written.",
        SAFE,
        "Make room there (`df`), then run `dsmcertfix recover` and the command again.",
    ),
)
