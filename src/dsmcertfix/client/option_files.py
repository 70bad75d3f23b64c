"""Finds the machine's option files and reads them; never fails, never waits.

Knows where dsm.sys and dsm.opt may be and whose word counts. The grammar is in `options`. Where there is no
dsm.sys (Windows), each dsm.opt stands for one with a single stanza.
"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from dsmcertfix.client import options
from dsmcertfix.model import API_AREAS, Area, Origin, Stanza
from dsmcertfix.platforms.base import Clue, FileContent, Places

SIZE_LIMIT = 16 * 1024 * 1024
"""Bytes of an option file; 50,000 lines take a tenth of it."""

_DIRECTORIES: dict[str, Area] = {"DSM_DIR": "dsm-dir", "DSMI_DIR": "dsmi-dir"}
_OPTION_FILES: dict[str, Area] = {"DSM_CONFIG": "dsm-dir", "optfile": "dsm-dir", "DSMI_CONFIG": "dsmi-dir"}


class SystemFile(NamedTuple):
    """A dsm.sys (or what stands for one), the directories for which the client reads it, and their areas.

    `trusted` is False for a file that belongs to an ordinary user, or that only an ordinary user's word leads
    to, and that lies in none of IBM's directories: its stanzas count for the stores of these `users`, and for
    no others.
    """

    path: Path
    identity: tuple[int, int]
    users: frozenset[int]
    trusted: bool
    areas: frozenset[Area]
    directories: tuple[Path, ...]
    content: options.SystemOptions

    @property
    def installed(self) -> bool:
        """Whether the backup-archive client reads it when nothing tells it otherwise."""
        return "ba" in self.areas


class UserFile(NamedTuple):
    """A dsm.opt that was found. `user` is whose client reads it, None for whoever has no other."""

    path: Path
    user: str | None
    content: options.UserOptions


class OptionFiles(NamedTuple):
    """Every option file of the machine, the directories to look into because of them, and what was odd.

    A directory with a uid is one that this ordinary user's word leads to.
    """

    system: tuple[SystemFile, ...]
    user: tuple[UserFile, ...]
    directories: tuple[tuple[Path, Origin, int | None], ...]
    warnings: tuple[str, ...]


def find_option_files(places: Places, clues: tuple[Clue, ...]) -> OptionFiles:
    """The option files in the client's directories and in those that the clues name."""
    search = _Search(places)
    for area, directory in places.client_directories():
        search.directory(directory, area, trusted=True)
    for directory in places.option_directories():
        search.directory(directory, "ba")
    for clue in clues:
        if not Path(clue.value).is_absolute():
            search.warn(f"{clue.setting} of {clue.because} is not an absolute path")
        elif clue.setting in _DIRECTORIES:
            search.named_directory(clue)
        elif clue.setting in _OPTION_FILES:
            search.named_file(clue)
    return search.found()


class _Search:
    """What was found so far, each file once."""

    def __init__(self, places: Places):
        self._places = places
        self._is_alone = places.stanza_file == "dsm.opt"
        self._system: dict[tuple[int, int], SystemFile] = {}
        self._user: dict[tuple[Path, str | None], UserFile] = {}
        self._directories: dict[tuple[Path, Origin, int | None], None] = {}
        self._warnings: dict[str, None] = {}

    def found(self) -> OptionFiles:
        return OptionFiles(
            tuple(self._system.values()),
            tuple(self._user.values()),
            tuple(self._directories),
            tuple(self._warnings),
        )

    def warn(self, text: str) -> None:
        self._warnings[text] = None

    def named_directory(self, clue: Clue) -> None:
        directory, area = self._places.below(clue.value), _DIRECTORIES[clue.setting]
        origin = Origin(area, f"{clue.setting} of {clue.because}")
        self._directories[directory, origin, clue.word_of] = None
        self.directory(directory, area, word_of=clue.word_of)

    def named_file(self, clue: Clue) -> None:
        named = self._places.below(clue.value)
        found = self._read(named, clue.word_of)
        if found is None:
            self.warn(f"{clue.setting} of {clue.because} names {named}, which was not read")
            return
        path, content = found
        area = _OPTION_FILES[clue.setting]
        if self._is_alone:
            self._take_alone(path, content, area, word_of=clue.word_of)
        else:
            self._take_user_file(path, content, clue.user)
        for directory in dict.fromkeys((named.parent, path.parent)):
            origin = Origin(area, f"{clue.setting} of {clue.because}")
            self._directories[directory, origin, clue.word_of] = None
            self.directory(directory, area, word_of=clue.word_of)

    def directory(
        self, directory: Path, area: Area, *, trusted: bool = False, word_of: int | None = None
    ) -> None:
        system = self._read(directory / self._places.stanza_file, word_of)
        if system is not None and self._is_alone:
            self._take_alone(*system, area, trusted=trusted, word_of=word_of)
            return
        if system is not None:
            path, content = system
            self._take_system_file(path, content, trusted=trusted, word_of=word_of)
            self._add_directory(content.identity, directory, area, word_of)
        user = self._read(directory / "dsm.opt", word_of)
        if user is not None:
            self._take_user_file(*user, None)

    def _take_alone(
        self, path: Path, content: FileContent, area: Area, *, trusted: bool = False, word_of: int | None
    ) -> None:
        """The option file is a stanza for the directory that it lies in, or for every one of its client.

        What a service names lies anywhere, and its client keeps its store where it was installed.
        """
        self._take_system_file(path, content, trusted=trusted, word_of=word_of)
        kind = "api" if area in API_AREAS else "ba"
        homes = [where for named, where in self._places.client_directories() if named == kind]
        is_there = path.parent in homes and area not in API_AREAS
        for directory in (path.parent, *([] if is_there else homes)):
            self._add_directory(content.identity, directory, area, word_of)

    def _parsed(self, content: FileContent, path: Path) -> options.SystemOptions:
        if not self._is_alone:
            return options.read_system_options(content.data, path)
        own = options.read_user_options(self._places.option_text(content.data), path)
        stanzas = () if own.stanza is None else (self._named(own.stanza), *own.replication)
        return options.SystemOptions(stanzas, None, own.warnings)

    def _named(self, stanza: Stanza) -> Stanza:
        """The stanza under its server's own name, where that is certain: an option file does not say it."""
        names = self._places.server_names(stanza)
        name = names[0] if len(names) == 1 else stanza.name
        return stanza._replace(name=name, aliases=names)

    def _take_system_file(
        self, path: Path, content: FileContent, *, trusted: bool, word_of: int | None
    ) -> None:
        trusted = trusted or (word_of is None and content.uid in self._places.system_uids())
        users = frozenset((content.uid if word_of is None else word_of,))
        known = self._system.get(content.identity)
        if known is None:
            if trusted and content.open_to is not None:
                self.warn(f"{path} can be written by others than its owner ({content.open_to})")
            parsed = self._parsed(content, path)
            none: frozenset[Area] = frozenset()
            known = SystemFile(path, content.identity, users, trusted, none, (), parsed)
            self._warnings |= dict.fromkeys(parsed.warnings)
        self._system[content.identity] = known._replace(
            trusted=known.trusted or trusted, users=known.users | users
        )

    def _add_directory(
        self, identity: tuple[int, int], directory: Path, area: Area, word_of: int | None
    ) -> None:
        known = self._system[identity]
        beside = known.path.parent
        self._system[identity] = known._replace(
            areas=known.areas | {area},
            directories=tuple(dict.fromkeys((*known.directories, directory, beside))),
        )
        if beside != directory and not self._is_alone:
            origin = Origin(area, f"{directory / 'dsm.sys'} leads there")
            self._directories[beside, origin, word_of] = None

    def _take_user_file(self, path: Path, content: FileContent, user: str | None) -> None:
        if (path, user) not in self._user:
            parsed = options.read_user_options(content.data, path)
            self._user[path, user] = UserFile(path, user, parsed)
            self._warnings |= dict.fromkeys(parsed.warnings)

    def _read(self, path: Path, word_of: int | None) -> tuple[Path, FileContent] | None:
        try:
            found = self._places.resolve(path)
            if found.refused is not None:
                self.warn(f"{path} is not read: {found.refused}")
            if found.path is None or found.refused is not None:
                return None
            return found.path, self._places.read(found.path, SIZE_LIMIT, word_of)
        except OSError as error:
            self.warn(f"{path} is not read: {error.strerror}")
            return None
