"""What the played client says: codes with their texts, and the lines of `query session`, in two languages."""

from __future__ import annotations

from datetime import datetime

MESSAGES = {
    "ANS1017E": (
        "Session rejected: TCP/IP connection failure.",
        "Session rejetée : échec de la connexion TCP/IP.",
    ),
    "ANS1029E": ("Communication with the server is lost.", "La communication avec le serveur est perdue."),
    "ANS1035S": ("Options file '{0}' could not be found.", "Fichier d'options '{0}' introuvable."),
    "ANS1051I": ("Invalid user id or password.", "ID utilisateur ou mot de passe incorrect."),
    "ANS1107E": ("Invalid option/value: '{0}'", "Option/valeur incorrecte : '{0}'"),
    "ANS1217E": (
        "Server name not found in System Options File.",
        "Nom du serveur introuvable dans le fichier d'options système.",
    ),
    "ANS1353E": (
        "(RC53)   Session rejected: Unknown or incorrect ID entered.",
        "(RC53)   Session rejetée : ID inconnu ou incorrect.",
    ),
    "ANS1592E": ("Failed to initialize SSL protocol.", "L'initialisation du protocole SSL a échoué."),
    "ANS1593E": ("Cannot open the key database.", "Impossible d'ouvrir la base de clés."),
    "ANS2050E": (
        "The client needs to prompt for the password but runs in the background.",
        "Le client doit demander le mot de passe mais s'exécute en arrière-plan.",
    ),
    "ANS5283E": ("The operation was unsuccessful.", "L'opération n'a pas abouti."),
}
LEVEL = (8, 1, "25.0")


class Failure(Exception):
    """The client cannot go on: the codes of what it says, the first one with its arguments."""

    def __init__(self, code: str, *arguments: str, then: str = ""):
        super().__init__(code)
        self.code = code
        self.arguments = arguments
        self.then = then


class Voice:
    """Says things in a language, with or without codes."""

    def __init__(self, *, french: bool = False, codes: bool = True):
        self._french = french
        self._codes = codes

    def message(self, code: str, *arguments: str) -> str:
        """The message of that code."""
        text = MESSAGES[code][self._french].format(*arguments)
        return f"{code} {text}" if self._codes else text

    def failure(self, failure: Failure) -> list[str]:
        """The messages of a failure."""
        second = [self.message(failure.then)] if failure.then else []
        return [self.message(failure.code, *failure.arguments), *second]

    def banner(self) -> list[str]:
        """What comes first."""
        version, release, level = LEVEL
        if self._french:
            return [
                "IBM Storage Protect",
                "Interface en ligne de commande du client de sauvegarde-archivage",
                f"  Client Version {version}, édition {release}, niveau {level} ",
                f"  Date/heure du client : {datetime.now():%d/%m/%Y %H:%M:%S}",
                "",
            ]
        return [
            "IBM Storage Protect",
            "Command Line Backup-Archive Client Interface",
            f"  Client Version {version}, Release {release}, Level {level} ",
            f"  Client date/time: {datetime.now():%m/%d/%Y %H:%M:%S}",
            "",
        ]

    def node(self, name: str) -> str:
        """The line with the node's name."""
        return f"Nom du noeud : {name}" if self._french else f"Node Name: {name}"

    def established(self, server: str) -> list[str]:
        """That there is a session."""
        version, release, level = LEVEL
        if self._french:
            return [
                f"Session établie avec le serveur {server} : Linux/x86_64",
                f"  Serveur Version {version}, édition {release}, niveau {level}",
                "",
            ]
        return [
            f"Session established with server {server}: Linux/x86_64",
            f"  Server Version {version}, Release {release}, Level {level}",
            f"  Server date/time: {datetime.now():%m/%d/%Y %H:%M:%S}",
            "",
        ]

    def query_session(self, server: str, node: str, user: str, tls: str) -> list[str]:
        """The body of `query session`."""
        version, release, level = LEVEL
        title, names = _FRENCH_BODY if self._french else _ENGLISH_BODY
        values = (
            server,
            server,
            "Linux/x86_64",
            '"No"',
            f"Ver. {version}, Rel. {release}, Lev. {level}",
            f"{datetime.now():%m/%d/%Y %H:%M:%S}",
            '"No"',
            '"Yes"',
            '"Server Only"',
            None,
            node,
            user,
            None,
            tls,
        )
        lines = [
            "" if value is None else f"{name:.<24}: {value}"
            for name, value in zip(names, values, strict=True)
        ]
        return [title, "", *lines, ""]


_ENGLISH_BODY = (
    "Server connection information",
    (
        "Home Server Name",
        "Server Name",
        "Server Type",
        "Archive Retain Protect",
        "Server Version",
        "Last Access Date",
        "Delete Backup Files",
        "Delete Archive Files",
        "Deduplication",
        "",
        "Node Name",
        "User Name",
        "",
        "SSL Information",
    ),
)
_FRENCH_BODY = (
    "Informations sur la connexion au serveur",
    (
        "Serveur principal",
        "Nom du serveur",
        "Type de serveur",
        "Protection d'archives",
        "Version du serveur",
        "Dernier accès",
        "Suppr. sauvegardes",
        "Suppr. archives",
        "Déduplication",
        "",
        "Nom du noeud",
        "Nom d'utilisateur",
        "",
        "Informations SSL",
    ),
)
