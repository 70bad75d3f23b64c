"""Finds the machine's option files and reads them; never fails, never waits.

Knows where dsm.sys and dsm.opt may be and whose word counts. The grammar is in `options`. Where there is no
dsm.sys (Windows), each dsm.opt stands for one with a single stanza.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

from dsmcertfix import NamedTuple, budgets
from dsmcertfix.errors import DsmcertfixError
from dsmcertfix.ibm.client import option_data, options
from dsmcertfix.model import API_AREAS, Area, Origin, Stanza
from dsmcertfix.system.base import Clue, Exposed, FileContent, Places, Task

T = TypeVar("T")

_DIRECTORIES: dict[str, Area] = {"DSM_DIR": "dsm-dir", "DSMI_DIR": "dsmi-dir"}
_OPTION_FILES: dict[str, Area] = {"DSM_CONFIG": "dsm-dir", "optfile": "dsm-dir", "DSMI_CONFIG": "dsmi-dir"}


class SystemFile(NamedTuple):
    """A dsm.sys (or what stands for one), the directories for which the client reads it, and their areas.

    `trusted` is False for a file that belongs to an ordinary user, or that only an ordinary user's word leads
    to, and that lies in none of IBM's directories: its stanzas count for the stores of these `users`, and for
    no others. `open_to` is who else could have written it: then no address in it is believed.
    """

    path: Path
    identity: tuple[int, int]
    users: frozenset[int]
    trusted: bool
    areas: frozenset[Area]
    directories: tuple[Path, ...]
    content: options.SystemOptions
    open_to: Exposed | None = None

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
    for clue in search.within_budget(clues):
        if clue.setting == "left-out":
            search.warn(f"{clue.because}: {clue.value}")
        elif not Path(clue.value).is_absolute():
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

    def within_budget(self, clues: tuple[Clue, ...]) -> Iterator[Clue]:
        """The clues without what an ordinary user's clients name too much."""
        said: dict[int, set[tuple[str, str]]] = {}
        for clue in clues:
            if clue.word_of is not None:
                named, new = said.setdefault(clue.word_of, set()), (clue.setting, clue.value)
                if new not in named and len(named) >= budgets.CLUES_OF_A_USER.cap:
                    self.warn(f"uid {clue.word_of}: {budgets.CLUES_OF_A_USER.exceeded()}")
                    continue
                named.add(new)
            yield clue

    def found(self) -> OptionFiles:
        return OptionFiles(
            tuple(self._within_stanzas()),
            tuple(self._user.values()),
            tuple(self._directories),
            tuple(self._warnings),
        )

    def _within_stanzas(self) -> Iterator[SystemFile]:
        """The files without the stanzas that an ordinary user has too many of, over all of theirs."""
        had: dict[int, int] = {}
        for system in self._system.values():
            if not system.trusted:
                stanzas = system.content.stanzas
                room = budgets.STANZAS_OF_A_USER.cap - max(had.get(uid, 0) for uid in system.users)
                if len(stanzas) > room:
                    self.warn(f"{system.path}: {budgets.STANZAS_OF_A_USER.exceeded()}")
                had |= {uid: had.get(uid, 0) + len(stanzas[:room]) for uid in system.users}
                yield system._replace(content=system.content._replace(stanzas=stanzas[:room]))
            else:
                yield system

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
            gone = "is not here" if self._is_gone(named) else "was not read"
            self.warn(f"{clue.setting} of {clue.because} names {named}, which {gone}")
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

    def _is_gone(self, path: Path) -> bool:
        """Whether nothing is there, as where a cluster's disk is mounted on another node."""
        try:
            found = self._places.resolve(path)
            return found.path is None and found.refused is None
        except OSError:
            return False

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

    def _parsed(self, content: FileContent, path: Path, *, trusted: bool) -> options.SystemOptions:
        if not self._is_alone:
            task = Task(option_data.system_read, content.data, str(path), trusted)
            found = self._parsed_as_owner(content, path, task, option_data.to_system)
            return found or options.SystemOptions()
        own = self._user_options(content._replace(data=self._places.option_text(content.data)), path)
        stanzas = () if own.stanza is None else (self._named(own.stanza), *own.replication)
        return options.SystemOptions(stanzas, None, own.warnings)

    def _user_options(self, content: FileContent, path: Path) -> options.UserOptions:
        task = Task(option_data.user_read, content.data, str(path))
        return self._parsed_as_owner(content, path, task, option_data.to_user) or options.UserOptions()

    def _parsed_as_owner(
        self, content: FileContent, path: Path, task: Task, found: Callable[[Any, Path], T]
    ) -> T | None:
        """What the file says, parsed with the rights of whoever could write it; None when that failed."""
        try:
            return found(self._places.as_user(content.uid, task), path)
        except DsmcertfixError as error:
            self.warn(f"{path} is not read: {error.message}")
        except (ValueError, TypeError, KeyError, AttributeError):
            self.warn(f"{path} is not read: what was read of it has not the form in which it is told")
        return None

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
        if known is None or (trusted and not known.trusted):
            if known is None and trusted and content.open_to is not None:
                self.warn(f"{path} can be written by others than its owner ({content.open_to.to})")
            parsed = self._parsed(content, path, trusted=trusted)
            none: frozenset[Area] = frozenset()
            new = SystemFile(path, content.identity, users, trusted, none, (), parsed, content.open_to)
            known = new if known is None else known._replace(content=parsed)
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
            parsed = self._user_options(content, path)
            self._user[path, user] = UserFile(path, user, parsed)
            self._warnings |= dict.fromkeys(parsed.warnings)

    def _read(self, path: Path, word_of: int | None) -> tuple[Path, FileContent] | None:
        try:
            found = self._places.resolve(path)
            if found.refused is not None:
                self.warn(f"{path} is not read: {found.refused}")
            if found.path is None or found.refused is not None:
                return None
            return found.path, self._places.read(found.path, budgets.OPTION_FILE.cap, word_of)
        except OSError as error:
            self.warn(f"{path} is not read: {error.strerror}")
            return None
