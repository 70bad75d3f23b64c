"""One store, one transaction: either the new set of files or the old one, and always the backup.

The protocol. A run has a directory of its own in the state directory, with a journal and, for each store, a
backup and a private copy. Every step is written to the journal, and synced, before it acts:

    back up    all five files, absences too, copied, read back and hashed       live store untouched
    stage      a private copy; the edit and its check happen there              live store untouched
    swap       the old file keeps a second name in the slot `aside`, then the   old set or new set
               new one takes its name in one rename; the index file moves aside
    reconnect  the client signs on once and writes what it fetched              whatever the client did
    check      the live store is read and compared with what was expected       decides
    finish     `store-finished` in the journal: from here on the new set counts

Whatever fails between the first live step and `store-finished` (an error, a signal, a kill, a full disk)
leads to the same undo: each file that is not as the backup's manifest says is put back, from aside by a
rename where that is intact (no room on the disk is needed), from the backup otherwise; then every file is
compared with the manifest. Equal: rolled back. Otherwise: broken, with the paths. `recover` is that undo for
every store that a journal shows as started and not finished. It needs the journal, the backup and the file
system.

Several transactions of a run may wait for their clients at the same time (`together`): each of them keeps all
of this as if it were alone, and of a run that was cut off each is undone by itself.
"""
