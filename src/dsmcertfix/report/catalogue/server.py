"""Errors of the commands about a server, and of the store of its own database backup. Data only."""

from __future__ import annotations

from dsmcertfix.report.catalogue.entry import BROKEN, DOWN, OPEN, PUT_BACK, SAFE, UNTOUCHED, entry

_INSPECT = "`dsmcertfix server inspect` shows what there is"
_COMMANDS = (
    "Give `--stop-command` and `--start-command`, or stop the server and run `dsmcertfix server renew` again."
)
_MACRO = "`dsmcertfix server macro --help` lists the options."
_CONSOLE = "See the server's own messages (`dsmserv.err`, the journal of its unit), then renew again: "
_RENEW = "`dsmcertfix server renew`."

INSTANCES = (
    entry(
        "no-server-instance",
        "NotFound",
        "There is no server instance on this machine, or none in the directory that was named.",
        UNTOUCHED,
        "Name the directory with `dsmserv.opt` and `cert.kdb`: `dsmcertfix server inspect --instance DIR`.",
    ),
    entry(
        "no-server-key-database",
        "NotFound",
        "The instance directory has no `cert.kdb`.",
        UNTOUCHED,
        "The server makes it when it first starts; `dsmcertfix server inspect` shows the instances.",
    ),
    entry(
        "server-label-not-found",
        "NotFound",
        "The server's key database has no certificate of the server's own making.",
        UNTOUCHED,
        f"The server makes one when it starts: {_INSPECT}.",
    ),
    entry(
        "label-not-default",
        "NotPermitted",
        "The server presents another certificate than the one it made for itself: of a CA, or by CREATE "
        "CERTIFICATE.",
        UNTOUCHED,
        "Renew that one where it comes from; `dsmcertfix server macro certificate` makes the command.",
    ),
    entry(
        "server-stash-missing",
        "StoreUnreadable",
        "The server's stash file (`cert.sth`) is missing: the key database cannot be edited.",
        UNTOUCHED,
        "`gsk8capicmd_64 -keydb -stashpw -db cert.kdb` makes it, as the instance's user.",
    ),
    entry(
        "several-instances",
        "UsageError",
        "There are several server instances, and it was not said which one is meant.",
        UNTOUCHED,
        "Name it: `dsmcertfix server renew --instance DIR`.",
    ),
)

STOP_AND_START = (
    entry(
        "server-not-seen",
        "NotPermitted",
        "This user may not see whether the server runs.",
        UNTOUCHED,
        "Run `dsmcertfix server renew` as root (on Windows as administrator).",
    ),
    entry(
        "server-runs",
        "Busy",
        "The server runs, and nothing is exchanged under it.",
        UNTOUCHED,
        _COMMANDS,
    ),
    entry(
        "control-incomplete",
        "UsageError",
        "There is a command to stop the server, and none to start it again.",
        UNTOUCHED,
        "Give both: `--stop-command` and `--start-command`.",
    ),
    entry(
        "command-not-readable",
        "UsageError",
        "A stop or start command cannot be split into words: a quotation mark is missing.",
        UNTOUCHED,
        "Quote it once for your shell, as in `--stop-command '/sbin/service tsminst1 stop'`.",
    ),
    entry(
        "command-not-found",
        "NotFound",
        "The program of a stop or start command is not there.",
        UNTOUCHED,
        "Give its full path, as in `--stop-command '/sbin/service tsminst1 stop'`.",
    ),
    entry(
        "several-services",
        "UsageError",
        "More than one unit or start script starts this server.",
        UNTOUCHED,
        "Say which: give `--stop-command` and `--start-command`.",
    ),
    entry(
        "unit-not-known",
        "NotFound",
        "The system's service manager does not know the unit that was found.",
        UNTOUCHED,
        _COMMANDS,
    ),
    entry(
        "server-not-by-service",
        "Busy",
        "The server was started by somebody, and not by the unit that was found.",
        UNTOUCHED,
        _COMMANDS,
    ),
    entry(
        "server-not-stopped",
        "Busy",
        "The server still runs after the stop command and the time limit.",
        UNTOUCHED,
        "If it ends later, start it again. See why it does not end, then `dsmcertfix server renew`.",
    ),
    entry(
        "server-at-work",
        "Unrecovered",
        "A renewal was cut off, and the server runs without a whole new certificate.",
        OPEN,
        "Wait until the server has made it, or stop the server; then `dsmcertfix recover`; then start the "
        "server.",
    ),
)

NEW_CERTIFICATE = (
    entry(
        "server-not-started",
        "ServerNotUp",
        "The start command failed. The old key database was put back, and the server started with it.",
        PUT_BACK,
        f"{_CONSOLE}{_RENEW}",
    ),
    entry(
        "server-not-up",
        "ServerNotUp",
        "The server did not come up with a new certificate in time. The old key database was put back.",
        PUT_BACK,
        f"{_CONSOLE}a longer `--timeout` helps a server that needs long.",
    ),
    entry(
        "server-not-reached",
        "ServerNotUp",
        "The command that stops or starts the server could not be run.",
        SAFE,
        f"See the message, then renew again: {_RENEW}",
    ),
    entry(
        "server-presents-another",
        "WrongCertificate",
        "The server presents another certificate than the new one of its key database.",
        PUT_BACK,
        f"See which one is its default: {_INSPECT}.",
    ),
    entry(
        "server-made-none",
        "WrongCertificate",
        "The server started, and made no certificate of its own.",
        PUT_BACK,
        f"{_CONSOLE}{_RENEW}",
    ),
    entry(
        "arm-differs",
        "WrongCertificate",
        "The file `cert256.arm` and the key database have different certificates.",
        PUT_BACK,
        f"{_CONSOLE}{_RENEW}",
    ),
    entry(
        "server-key-not-new",
        "WrongCertificate",
        "The new certificate has the key of the old one: something else than the server made it.",
        PUT_BACK,
        f"See who writes into the instance directory; {_INSPECT}.",
    ),
    entry(
        "server-certificate-not-in-date",
        "WrongCertificate",
        "The new certificate is not valid today.",
        PUT_BACK,
        f"Set the clock of the server's machine, then {_RENEW}",
    ),
    entry(
        "server-entries-changed",
        "SwapFailed",
        "After the start another entry of the server's key database was not as before.",
        PUT_BACK,
        f"See who else edits it; {_INSPECT}.",
    ),
    entry(
        "server-not-stopped-again",
        "NotRestored",
        "The old key database could not be put back, because the server does not end.",
        BROKEN,
        "Stop the server by hand, run `dsmcertfix recover`, and start it.",
    ),
    entry(
        "server-not-started-again",
        "NotRestored",
        "The files are as they were, but the server does not run.",
        DOWN,
        "Start it by hand, as the instance's user: `dsmserv.err` in its directory says what is in the way. "
        f"It has its old certificate, clients need nothing; when it runs, {_INSPECT}.",
    ),
)

MACROS = (
    entry(
        "macro-without-names",
        "UsageError",
        "Nobody was named for whom the macro is.",
        UNTOUCHED,
        "Name them: `dsmcertfix server macro transitional --node NAME`.",
    ),
    entry(
        "macro-without-label",
        "UsageError",
        "The new certificate was given no name.",
        UNTOUCHED,
        "Give one: `dsmcertfix server macro certificate --label TSM2027`.",
    ),
    entry(
        "option-not-for-this-macro",
        "UsageError",
        "A macro of that kind has no place for something that was given.",
        UNTOUCHED,
        "Leave it out, or take another kind: `dsmcertfix server macro --help` lists them.",
    ),
    entry(
        "label-not-safe-for-macro",
        "UsageError",
        "The label has characters that could change what the command means.",
        UNTOUCHED,
        f"Use letters, digits, blanks and . _ - + &; {_MACRO}",
    ),
    entry(
        "macro-without-certificate",
        "UsageError",
        "Schedules were to bring certificates to nodes, and something that they need was not given.",
        UNTOUCHED,
        f"Give `--file`, `--server` and `--domain`; {_MACRO}",
    ),
    entry(
        "not-safe-for-schedule",
        "UsageError",
        "A name or a path has characters that could change what a schedule's command means.",
        UNTOUCHED,
        f"Give a name that the nodes' option files have, and a plain absolute path; {_MACRO}",
    ),
    entry(
        "too-long-for-schedules",
        "UsageError",
        "The certificates do not go into the number of schedules that is allowed.",
        UNTOUCHED,
        "Give the old and the new certificate alone: `dsmcertfix server macro distribute --file both.arm`.",
    ),
    entry("days-out-of-range", "UsageError", "The server takes 1 to 9999 days.", UNTOUCHED, _MACRO),
    entry(
        "not-a-server-s-name",
        "UsageError",
        "That is no name that a node, an administrator or a server can have.",
        UNTOUCHED,
        f"Names have letters, digits and . _ - + &, at most 64 of them; {_MACRO}",
    ),
    entry(
        "list-not-readable",
        "UsageError",
        "A line of the list is neither the name of a node nor `admin NAME`.",
        UNTOUCHED,
        f"Correct the line that the message names; {_MACRO}",
    ),
    entry(
        "node-not-at-the-server",
        "UsageError",
        "A node that was named is not in the server's list of its nodes.",
        UNTOUCHED,
        "Take it out, or write the list anew with what `dsmcertfix server macro nodes` prints.",
    ),
    entry(
        "no-way-back",
        "UsageError",
        "With the server's list two macros are made, and nothing says where to.",
        UNTOUCHED,
        f"Give `--output open.mac`: open.undo.mac is written beside it; {_MACRO}",
    ),
    entry(
        "way-back-exists",
        "NotPermitted",
        "A macro that gives nodes back their value is there already, and is not overwritten.",
        UNTOUCHED,
        f"Run that one first, or give another `--output`; {_MACRO}",
    ),
    entry(
        "nodes-as-wanted",
        "NotFound",
        "Every node has that session security already: a macro would do nothing.",
        UNTOUCHED,
        "Nothing is to be done; `dsmcertfix server macro nodes` prints the command that lists them anew.",
    ),
)

PIECES = (
    entry(
        "certificate-not-given",
        "UsageError",
        "No certificate was given to `trust`, or both a file and a piece of one.",
        UNTOUCHED,
        "Give the file: `dsmcertfix trust --server TSM01 --file cert256.arm`.",
    ),
    entry(
        "not-a-piece",
        "UsageError",
        "What was given is not a piece of a certificate: something cut or changed it on its way.",
        UNTOUCHED,
        "Take the whole command that `dsmcertfix server macro distribute` wrote.",
    ),
    entry(
        "pieces-do-not-fit",
        "UsageError",
        "All pieces of a certificate are here, and together they are not what their SHA-256 says.",
        UNTOUCHED,
        "Send all once more (`dsmcertfix server macro distribute`): each replaces the one that is kept.",
    ),
    entry(
        "too-many-pieces",
        "NotPermitted",
        "Pieces of too many certificates are kept, and none of these is whole.",
        UNTOUCHED,
        "Remove what is not needed in `pieces` below the state directory; after 30 days the next "
        "`dsmcertfix trust --piece` does.",
    ),
)

DATABASE_BACKUP = (
    entry(
        "stanza-not-reached",
        "ReconnectFailed",
        "The server did not answer at the address of its database backup's stanza.",
        PUT_BACK,
        "Start the server, then run `dsmcertfix fix` again.",
    ),
    entry(
        "stanza-not-trusted",
        "WrongCertificate",
        "The store does not trust what the server presents to its own database backup.",
        PUT_BACK,
        f"Compare it with its cert256.arm ({_INSPECT}), then run `dsmcertfix fix` again.",
    ),
)
