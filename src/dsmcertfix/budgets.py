"""How much there may be of what others write: one table for all that reads it. Pure data.

A budget is far above what clients, servers and administrators write, and so low that what one user writes
costs a run seconds. What is over it is left out or refused as that user's problem, and told; it is never an
error of the run, and the other stores are repaired. docs/threat-model.md shows the table.
"""

from __future__ import annotations

from dsmcertfix import NamedTuple


class Budget(NamedTuple):
    """At most `cap` of `what`; `reason` is the source of the figure, or why it is enough."""

    what: str
    cap: int
    reason: str

    def exceeded(self) -> str:
        """What a warning says of that which is over it."""
        return f"more than {self.cap:,} {self.what}: what is over that is left out"


OWNER_S = Budget(
    "seconds that a run works on what is one user's",
    10,
    "reading, editing, changing and putting back; a store takes less than one of them",
)
OWNER_READING_S = Budget(
    "seconds of these for reading and editing",
    7,
    "the rest is for the live store: the change and the way back",
)
OWNER_EDITING_S = Budget(
    "seconds of these for editing", 4, "the rest is for reading: what was changed is read again"
)
OWNER_EDIT_S = Budget(
    "seconds of these for one edit",
    3,
    "gsk8capicmd may hang (IT41127), and then the native engine has its turn",
)
OWNER_PROVING_S = Budget(
    "seconds that IBM's TLS has for one user's servers",
    10,
    "as long as the probe; a handshake takes one at most",
)
OPTION_FILE = Budget("bytes of an option file", 4 << 20, "50,000 lines of the usual length are 1.6 MB")
LINES = Budget("lines of an option file", 50_000, "10,000 stanzas of five lines each")
VALUE = Budget(
    "bytes of a value", 4096, "PATH_MAX of Linux; a stanza's or node's name has at most 64 (8.2.2 manual)"
)
FAILOVER = Budget("failover servers of a stanza", 64, "MYREPLICATIONSERVER names one or a few (8.2.2 manual)")
STANZAS = Budget("stanzas of an option file", 10_000, "no machine was seen with 1,000")
STANZAS_OF_A_USER = Budget(
    "stanzas of an ordinary user's option files", 64, "users have one a server; IBM's own dsm.sys is root's"
)
CLUES_OF_A_USER = Budget(
    "settings of an ordinary user's clients and profile", 32, "a client carries at most five that matter here"
)
CLIENTS_OF_A_USER = Budget(
    "running clients of an ordinary user", 32, "a scheduler, an acceptor, a session or two for each server"
)
COMMAND = Budget(
    "bytes of a client's command line or environment",
    128 << 10,
    "a usual environment has 4 KB, a long one 20",
)
VARIABLES = Budget("variables of a shell file", 1000, "a Db2 profile sets below 50")
EXPANSIONS = Budget("expansions in a shell file", 1000, "as many as variables: most values have none or one")
SERVERS = Budget(
    "servers that are asked in one run", 1000, "sites have tens; each has its share of the probe time"
)
SERVERS_AT_ONCE = Budget(
    "servers that are asked at the same time", 256, "a thread and a descriptor each, of 1,024 by default"
)
STORE_FILE = Budget(
    "bytes of a file of a store", 8 << 20, "a key database of 1,000 certificates has 5 MB, a client's 50 KB"
)
ACL = Budget(
    "bytes of an ACL as text", 16 << 10, "an AIXC has a page of 4,096 at most (AIX 7.2); a pipe takes as much"
)
RECORDS = Budget(
    "records of a key database", 5000, "a client's has its servers and the roots that GSKit brings, about 20"
)
LABEL = Budget(
    "bytes of a label", 255, "as a name in a directory; the client's own have 24 and its server's name"
)
GSKIT_DELETIONS = Budget(
    "labels that gsk8capicmd deletes of one store",
    16,
    "one process a label, 0.1 to 0.5 seconds; where that is too long for a user's store, all go natively",
)
USERS = Budget(
    "lines of etc/passwd and of etc/group in a tree", 200_000, "directories of that size are not in files"
)
NAMES = Budget(
    "names in a directory", 20_000, "an installed client's has below 400; only second names need a look"
)
LOG_LINE = Budget(
    "characters of a line in the log", 4096, "half of what syslog takes at most (rsyslog: 8 KiB)"
)
LOG_SHARE = Budget(
    "characters of one store in the log of a run",
    32_768,
    "twice what a store says that fails; the journal has all",
)
SESSIONS = Budget(
    "sessions of clients at the same time",
    32,
    "a process of some 100 MiB each; `--jobs` may allow more",
)
SESSIONS_OF_A_SERVER = Budget(
    "hanging sessions of a server", 4, "MAXSESSIONS of a server is 25 unless set (8.1 manuals)"
)
PATIENCE_S = Budget(
    "seconds in which other stores wait for a session",
    10,
    "a session takes one or two; the probe has as long",
)
RESULT_VALUE = Budget("characters of one result of many", 16 << 20, "one of 2,000 stores has 4 million")
RESULT_FILE = Budget("bytes of a file of results, unpacked", 2 << 30, "100,000 results have 221 million")
RESULT_FILES = Budget("bytes of all files of results, unpacked", 8 << 30, "more than two million results")
RESULT_RATIO = Budget("bytes that a compressed one becomes", 100, "results become 10, other text 60")
RESULT_UNPACKED = Budget(
    "bytes that a compressed file may become in any case",
    4 << 20,
    "a result of 2,000 stores, much alike; one such file is read in no time",
)
RESULT_UNUSED = Budget(
    "parts of a file of results that cannot be used", 1000, "a damaged line of each machine in a thousand"
)
RESULT_STORES = Budget("stores in a result", 2000, "a thousand users with two stores each")
RESULT_CERTIFICATES = Budget("certificates in a result", 20_000, "ten in each of its stores")
MACROS = Budget("macros that are written at a time", 100, "a server each; a fleet has a few dozen")
RESULT_STANZAS = Budget("stanzas of a store or a server in a result", 1000, "as many as servers are asked")
RESULT_SERVERS = Budget("servers in a result", 1000, "as many as are asked in one run")
LIST_FILE = Budget(
    "bytes of a list of hosts or nodes", 64 << 20, "a hundred thousand nodes with their hosts have 4 MB"
)
POLICY = Budget("bytes of a policy", 1 << 20, "a server with two certificates takes 400: 2,000 servers fit")
POLICY_SERVERS = Budget("servers of a policy", 1000, "as many as are asked in one run")
POLICY_CERTIFICATES = Budget(
    "certificates of a server in a policy", 64, "an old one, a new one, and their CAs"
)
POLICY_NAMES = Budget("texts of a list in a policy", 256, "a server has a name and a few addresses")
POLICY_TEXT = Budget("characters of a text in a policy", 4096, "PATH_MAX of Linux: no longer value has a use")
SPREAD_S = Budget("seconds over which a rollout is spread", 86_400, "a night, or the day of a change window")

BUDGETS: tuple[Budget, ...] = tuple(item for item in list(globals().values()) if isinstance(item, Budget))
"""All of them, in the order in which they stand here."""
