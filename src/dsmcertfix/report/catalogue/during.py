"""Errors of servers, of the client's session, and of the live store. Data only."""

from __future__ import annotations

from dsmcertfix.report.catalogue.entry import BROKEN, OPEN, PUT_BACK, SAFE, UNTOUCHED, entry

_ASK_AGAIN = "then `dsmcertfix probe HOST:PORT` shows whether it answers."
_NETWORK = f"Check that the server runs, TCPPORT in the option file and firewalls; {_ASK_AGAIN}"
_PORT = f"Check that TCPPORT in the option file is the server's port; {_ASK_AGAIN}"
_NO_CLIENT = "`dsmcertfix fix --no-reconnect` leaves the fetching to the application's next session."
_COMPARE = (
    "Compare both fingerprints with the server's `cert256.arm`; if neither fits, someone intercepts "
    "the connection: call your security team."
)
_AGAIN = "Remove the cause that the message names, then run `dsmcertfix fix` again."
_REPORT = "Report it with `dsmcertfix support-bundle`."

SERVERS = (
    entry(
        "server-not-asked",
        "CannotReconnect",
        "The server was not asked for its certificate.",
        UNTOUCHED,
        "`dsmcertfix probe HOST:PORT` asks it.",
    ),
    entry(
        "server-name-unknown",
        "CannotReconnect",
        "The server's name is not known on this machine.",
        UNTOUCHED,
        f"Check TCPSERVERADDRESS in the option file, and the name service; {_ASK_AGAIN}",
    ),
    entry("server-timed-out", "CannotReconnect", "The server did not answer in time.", UNTOUCHED, _NETWORK),
    entry("server-refused", "CannotReconnect", "Nothing listens on the server's port.", UNTOUCHED, _NETWORK),
    entry("server-unreachable", "CannotReconnect", "There is no route to the server.", UNTOUCHED, _NETWORK),
    entry(
        "server-sends-nothing",
        "CannotReconnect",
        "The server accepts the connection and sends nothing.",
        UNTOUCHED,
        f"See whether the server hangs; {_ASK_AGAIN}",
    ),
    entry(
        "still-trusted",
        "CannotReconnect",
        "IBM's TLS trusts the server with the store as it is, whatever the rules say of its certificate.",
        UNTOUCHED,
        "Nothing needs to be done. `dsmcertfix fix --server NAME`, or `--label`, exchanges it all the same.",
    ),
    entry(
        "store-not-trusted",
        "ReconnectFailed",
        "With the new store IBM's TLS does not trust the server.",
        PUT_BACK,
        "`dsmcertfix probe HOST:PORT` shows what the server presents; `dsmcertfix detect --prove` asks "
        "again.",
    ),
    entry(
        "server-closed",
        "CannotReconnect",
        "The server closed the connection during the TLS handshake.",
        UNTOUCHED,
        _PORT,
    ),
    entry(
        "server-speaks-no-tls",
        "CannotReconnect",
        "What listens on that port does not speak TLS.",
        UNTOUCHED,
        _PORT,
    ),
    entry(
        "server-refused-tls",
        "CannotReconnect",
        "Server and machine agree on no TLS version or cipher.",
        UNTOUCHED,
        f"See which TLS versions the server allows (TLS 1.2 is needed); {_ASK_AGAIN}",
    ),
    entry(
        "server-not-trusted",
        "CannotReconnect",
        "IBM's TLS does not trust what the server presents, and replacing a certificate does not help.",
        UNTOUCHED,
        "Check the certificate on the server, or `dsmcertfix trust --server NAME --file CA`.",
    ),
    entry(
        "authority-needed",
        "CannotReconnect",
        "Only another root or CA certificate would make the client trust its server.",
        UNTOUCHED,
        "Get it from whoever runs that CA, then `dsmcertfix trust --server NAME --file CA`.",
    ),
    entry(
        "server-not-renewed",
        "CannotReconnect",
        "The server still presents the certificate that is stored.",
        UNTOUCHED,
        "Renew it on the server first (APAR IT42905), then run `dsmcertfix fix` again.",
    ),
    entry(
        "server-certificate-not-valid",
        "CannotReconnect",
        "The certificate that the server presents has expired, or is not valid yet.",
        UNTOUCHED,
        "Check the clocks; renew it on the server (APAR IT42905), then run `dsmcertfix fix` again.",
    ),
    entry(
        "given-certificate-not-valid",
        "CannotReconnect",
        "The certificate in the file that was given has expired, or is not valid yet.",
        UNTOUCHED,
        "Take `cert256.arm` from the server again, and run `dsmcertfix trust` with it; check the clocks.",
    ),
    entry(
        "unexpected-certificate",
        "CannotReconnect WrongCertificate",
        "The server presents, or the client fetched, another certificate than the expected one.",
        SAFE,
        _COMPARE,
    ),
    entry(
        "more-than-expected",
        "WrongCertificate",
        "Besides the expected certificate the session brought another one.",
        SAFE,
        "Where it is the server's, too, give its fingerprint with `dsmcertfix fix --expect-sha256` as well; "
        "where it is not, someone may intercept the connection.",
    ),
    entry(
        "server-not-pinned",
        "CannotReconnect",
        "Certificates were expected of other servers, and none of this one.",
        UNTOUCHED,
        "Give its fingerprint, too: `dsmcertfix fix --expect-sha256 SERVER=HEX`; or `--trust-on-first-use`.",
    ),
    entry(
        "pin-matches-nothing",
        "CannotReconnect",
        "The expected certificate is in no store of the machine, and no server that it uses presents it.",
        UNTOUCHED,
        "Compare it with the server's cert256.arm; run `dsmcertfix probe SERVER` to see what it presents.",
    ),
)

SESSIONS = (
    entry(
        "acceptance-switched-off",
        "CannotReconnect",
        "The stanza says SSLACCEPTCERTFROMSERV No: the client accepts no new certificate.",
        UNTOUCHED,
        "Hand it over: `dsmcertfix trust --server NAME --file cert256.arm`.",
    ),
    entry(
        "no-stored-password",
        "CannotReconnect",
        "No password is stored: the client would ask for one.",
        UNTOUCHED,
        "Run `dsmc query session` once by hand as the user who backs up, then `dsmcertfix fix`.",
    ),
    entry(
        "no-password-generate",
        "CannotReconnect",
        "The stanza does not say PASSWORDACCESS GENERATE: the client would ask for a password.",
        UNTOUCHED,
        "Run `dsmcertfix fix --no-reconnect`, then `dsmc query session` by hand.",
    ),
    entry(
        "no-client-program",
        "CannotReconnect",
        "There is no backup client (dsmc) here to reconnect with.",
        SAFE,
        _NO_CLIENT,
    ),
    entry(
        "store-of-api-applications",
        "CannotReconnect",
        "Only API applications use this store.",
        UNTOUCHED,
        _NO_CLIENT,
    ),
    entry(
        "database-backup-stanza",
        "CannotReconnect",
        "The stanza is for the server's own database backup, with which the client cannot sign on, and no "
        "file of the server has the new certificate.",
        UNTOUCHED,
        "See its cert256.arm with `dsmcertfix server inspect`; or `dsmcertfix fix --no-reconnect`: the next "
        "database backup fetches the certificate.",
    ),
    entry(
        "store-without-stanza",
        "CannotReconnect",
        "No server stanza uses this store: nothing would be fetched.",
        UNTOUCHED,
        "`dsmcertfix fix --no-reconnect` moves it out all the same.",
    ),
    entry(
        "no-stanza-for-server",
        "CannotReconnect",
        "No stanza of this store connects to that server, or the client keeps its certificates elsewhere.",
        UNTOUCHED,
        "`dsmcertfix inspect` lists the stanzas; repair the store that the message names; "
        "`dsmcertfix fix --no-reconnect` needs no stanza.",
    ),
    entry(
        "stanza-name-not-safe",
        "CannotReconnect",
        "The stanza's name cannot be given on a command line.",
        SAFE,
        "Rename the stanza, or use `dsmcertfix fix --no-reconnect`.",
    ),
    entry(
        "certificate-not-proved",
        "CannotReconnect",
        "No client of this machine trusts the new certificate yet, so this store does not get it.",
        SAFE,
        "See why the client's own store was not repaired, then run `dsmcertfix fix` again.",
    ),
    entry(
        "client-not-connected",
        "ReconnectFailed",
        "The client did not connect; its message code says why.",
        PUT_BACK,
        "Follow the hint; `dsmcertfix explain CODE` explains the client's codes.",
    ),
    entry(
        "client-timed-out",
        "ReconnectFailed",
        "The client did not finish its session in time.",
        PUT_BACK,
        "`dsmcertfix fix --whole-store --store DIRECTORY` (APAR IT41127), or a longer `--timeout`.",
    ),
    entry("client-not-run", "ReconnectFailed", "The client could not be run.", PUT_BACK, _AGAIN),
    entry(
        "certificate-not-fetched",
        "WrongCertificate",
        "The client reached the server, but put no new certificate into this store.",
        PUT_BACK,
        "Its certificates are elsewhere: `dsmcertfix locate` lists the other stores.",
    ),
    entry(
        "certificate-not-valid",
        "WrongCertificate",
        "The certificate that the client fetched has expired.",
        PUT_BACK,
        "Renew it on the server (APAR IT42905), then run `dsmcertfix fix` again.",
    ),
)

LIVE = (
    entry("live-store-not-written", "SwapFailed", "The live store could not be changed.", PUT_BACK, _AGAIN),
    entry("live-step-failed", "SwapFailed", "A step on the live store failed.", PUT_BACK, _AGAIN),
    entry(
        "store-came-back",
        "SwapFailed",
        "A client made a store where the old one was moved away.",
        PUT_BACK,
        "Run `dsmcertfix fix --whole-store --store DIRECTORY` again when no backup runs.",
    ),
    entry(
        "left-behind",
        "SwapFailed",
        "Files of the run could not be removed from the store's directory; they are harmless.",
        SAFE,
        "Remove `dsmcert.*.dsmcertfix-*` there, then run `dsmcertfix detect`.",
    ),
    entry("store-damaged", "SwapFailed", "The live store is damaged after the change.", PUT_BACK, _AGAIN),
    entry(
        "certificate-lost",
        "SwapFailed",
        "A certificate that should have stayed is gone.",
        PUT_BACK,
        "Run `dsmcertfix fix` again when no backup runs.",
    ),
    entry(
        "certificate-came-back",
        "SwapFailed",
        "The certificate that was removed is back.",
        PUT_BACK,
        "Run `dsmcertfix fix` again when no backup runs.",
    ),
    entry(
        "backup-not-put-back",
        "SwapFailed",
        "The set of an earlier run could not be put back.",
        PUT_BACK,
        "Remove the cause that the message names, then run `dsmcertfix rollback` again.",
    ),
    entry("child-died", "SwapFailed", "The process that worked in the user's store died.", PUT_BACK, _AGAIN),
    entry(
        "not-restored",
        "NotRestored",
        "The old state could not be restored completely.",
        BROKEN,
        "Remove what is in the way, then run `dsmcertfix recover`; or copy the files from the backup.",
    ),
    entry(
        "not-recovered",
        "Unrecovered",
        "A run that was cut off could not be undone.",
        OPEN,
        "Remove what is in the way, then run `dsmcertfix recover`; `--give-up ID` leaves the store as it is.",
    ),
    entry(
        "interrupted",
        "Interrupted",
        "Ctrl+C ended the run.",
        SAFE,
        "Run the same command again; `dsmcertfix detect` shows what is left to do.",
    ),
    entry(
        "terminated",
        "Terminated",
        "SIGTERM or SIGHUP ended the run.",
        SAFE,
        "Run the same command again; `dsmcertfix detect` shows what is left to do.",
    ),
)

BUGS = (
    entry("internal-error", "InternalError", "The tool has a bug.", SAFE, _REPORT),
    entry(
        "not-waited-for",
        "InternalError",
        "The tool has a bug: a session was begun where nobody waits for it.",
        SAFE,
        _REPORT,
    ),
    entry(
        "child-failed",
        "InternalError",
        "The tool has a bug: its process in a user's store failed.",
        SAFE,
        _REPORT,
    ),
    entry(
        "no-backup", "InternalError", "The tool has a bug: a step came before the backup.", UNTOUCHED, _REPORT
    ),
    entry(
        "unknown",
        "InternalError",
        "A journal of another release names an error whose code is not valid.",
        SAFE,
        "Read the message; `dsmcertfix --version` shows this release.",
    ),
)
