"""Whether a machine and a site's folder can run the service: pure checks of gathered facts, for `denbao doctor`.

Imports the standard library only, so that it can speak where a package is missing. Limits that no rule of another page
gives are assumed: they say when an operator should look, not when the service breaks.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

OLDEST_PYTHON = (3, 11)
MIB = 1 << 20
SPACE_BAD, SPACE_LOW = 128 * MIB, 1024 * MIB  # bytes free; the store's log alone may take 64 MiB
INODES_BAD, INODES_LOW = 100, 1000
MEMORY_BAD, MEMORY_LOW = 128 * MIB, 512 * MIB  # bytes; the service at rest has 123 MiB (docs/benchmarks.md)
CLOCK_SLACK = 1.0  # seconds that the newest stored instant may be ahead: a running service writes meanwhile


class Grade(StrEnum):
    """How one check ended."""

    FINE = "fine"
    WARNING = "warning"
    BAD = "bad"


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the answer."""

    check: str  # what was looked at, one word
    grade: Grade
    found: str
    right: str = ""  # what would be right; empty where all is fine


@dataclass(frozen=True, slots=True)
class Package:
    """One package that denbao needs."""

    name: str
    version: str = ""  # installed; empty: it is not
    locked: str = ""  # version in the lock file; empty where there is none (an installed wheel)
    broken: str = ""  # why it cannot be imported


@dataclass(frozen=True, slots=True)
class Config:
    """What `denbao check` says of the site."""

    mistakes: tuple[str, ...] = ()
    warnings: int = 0
    usable: bool = True  # as it is, or with the last good rules


@dataclass(frozen=True, slots=True)
class Folder:
    """The state folder, or the nearest folder above where it is not made yet."""

    path: str
    exists: bool
    writable: bool
    free: int  # bytes for this user
    inodes: int | None  # free; None: the file system does not count them
    asked_as_root: bool = False
    owner: str = "root"


@dataclass(frozen=True, slots=True)
class Kept:
    """A file with a secret."""

    name: str
    mode: int
    forbidden: int  # bits of the mode that must not be set
    right: str


@dataclass(frozen=True, slots=True)
class StoreFacts:
    """The database file, looked at without changing it."""

    name: str
    exists: bool = True
    holder: str = ""  # process that has it open for writing; empty: nobody
    trouble: str = ""  # why it could not be read
    unseen: str = ""  # why it was not looked into, though nothing is known to be wrong
    version: str = ""  # of its tables; empty: none yet
    known: tuple[str, ...] = ()  # versions that this denbao knows, oldest first
    damage: tuple[str, ...] = ()  # what quick_check found, the first ones
    newest: datetime | None = None  # newest stored instant


@dataclass(frozen=True, slots=True)
class Address:
    """Where the site listens, and who is there."""

    name: str  # host:port
    taken: bool = False
    trouble: str = ""  # why it cannot be listened at, other than being taken
    denbao: bool = False  # a denbao answered
    unready: str = ""  # why that one is not ready


@dataclass(frozen=True, slots=True)
class Time:
    """The wall clock."""

    now: datetime
    zone: str
    zone_known: bool
    synchronised: bool | None  # None: the kernel does not say


@dataclass(frozen=True, slots=True)
class Files:
    """The limit of open files, and what the site asks for."""

    most: int  # files this process may open
    places: int  # polls that may then be under way at once
    wanted: int  # polls that may have to be under way at once
    each: int  # files a poll is reckoned with


@dataclass(frozen=True, slots=True)
class Facts:
    """Everything that was gathered. None: it could not be asked, because the site cannot be read, or needs not be."""

    python: tuple[int, int, int]
    packages: tuple[Package, ...]
    config: Config | None = None
    folder: Folder | None = None
    secrets: tuple[Kept, ...] = ()
    store: StoreFacts | None = None  # None also: it is kept in memory
    address: Address | None = None
    time: Time | None = None
    calendar: tuple[str, ...] | None = None  # what is not confirmed of the working days of this year and the next
    files: Files | None = None
    pings: tuple[int, str] | None = None  # number of icmp probes, and why they cannot ask (empty: they can)
    memory: int | None = None  # bytes available to new processes


def examine(facts: Facts) -> tuple[Finding, ...]:
    """Every finding, in the order in which one would repair."""
    return tuple(finding for check in CHECKS for finding in check(facts))


def fit(findings: Sequence[Finding]) -> bool:
    """Whether nothing is bad."""
    return all(finding.grade is not Grade.BAD for finding in findings)


def python(facts: Facts) -> Iterator[Finding]:
    """Python is new enough."""
    found = "Python " + ".".join(map(str, facts.python))
    if facts.python[:2] < OLDEST_PYTHON:
        yield Finding("python", Grade.BAD, found, "install Python 3.11 or newer and make the environment anew")
    else:
        yield Finding("python", Grade.FINE, found)


def packages(facts: Facts) -> Iterator[Finding]:
    """Every package is there, can be imported, and is the locked one."""
    again = "make the environment anew from the lock file (`make clean run`)"
    lame = [one for one in facts.packages if one.broken or not one.version]
    other = [one for one in facts.packages if one not in lame and one.locked not in ("", one.version)]
    for one in lame:
        yield Finding("packages", Grade.BAD, f"{one.name}: {one.broken or 'is not installed'}", again)
    for one in other:
        yield Finding("packages", Grade.WARNING, f"{one.name} is {one.version}, locked is {one.locked}", again)
    if not lame and not other:
        yield Finding("packages", Grade.FINE, f"{len(facts.packages)} packages can be imported")


def config(facts: Facts) -> Iterator[Finding]:
    """The site has no mistake."""
    asked = facts.config
    if asked is None:
        return
    if not asked.mistakes:
        known = f"no mistakes, {asked.warnings} warnings" if asked.warnings else "no mistakes"
        yield Finding("config", Grade.WARNING if asked.warnings else Grade.FINE, known, _check(asked.warnings > 0))
        return
    found = f"{len(asked.mistakes)} mistakes, the first: {asked.mistakes[0]}"
    if asked.usable:
        yield Finding("config", Grade.WARNING, f"{found}; the last good rules would judge", _check(True))
    else:
        right = f"{_check(True)}; store, address, open files and pings are looked at when it is mended"
        yield Finding("config", Grade.BAD, found, right)


def _check(wanted: bool) -> str:
    return "`denbao check` names each with file and line" if wanted else ""


def state(facts: Facts) -> Iterator[Finding]:
    """The state folder can be written and has room."""
    folder = facts.folder
    if folder is None:
        return
    if not folder.writable:
        right = f"give it to the user of the service (now: {folder.owner}), or run this as that user"
        yield Finding("state", Grade.BAD, f"{folder.path} cannot be written", right)
    elif folder.asked_as_root and folder.owner != "root":
        right = f"run this as {folder.owner}, so that it says what the service may do"
        yield Finding("state", Grade.WARNING, f"{folder.path}: root may write everywhere", right)
    else:
        found = f"{folder.path} can be written" if folder.exists else f"{folder.path} is made at the first start"
        yield Finding("state", Grade.FINE, found)
    grade = _low(folder.free, SPACE_BAD, SPACE_LOW)
    right = f"make room until {SPACE_LOW // MIB} MiB are free"
    yield _graded("disk", grade, f"{folder.free // MIB} MiB are free in {folder.path}", right)
    if folder.inodes is not None:
        grade = _low(folder.inodes, INODES_BAD, INODES_LOW)
        yield _graded("inodes", grade, f"{folder.inodes} inodes are free", "delete files that nobody needs")


def secrets(facts: Facts) -> Iterator[Finding]:
    """Files with secrets are closed to others."""
    loose = [one for one in facts.secrets if one.mode & one.forbidden]
    for one in loose:
        yield Finding("secrets", Grade.BAD, f"others may use {one.name} (mode {one.mode:04o})", one.right)
    if not loose and facts.secrets:
        names = ", ".join(one.name for one in facts.secrets)
        yield Finding("secrets", Grade.FINE, f"closed to others: {names}")


def store(facts: Facts) -> Iterator[Finding]:
    """The database can be read, is sound, and has tables that this version knows."""
    kept = facts.store
    if kept is None:
        return
    if not kept.exists:
        yield Finding("store", Grade.FINE, f"{kept.name} is made at the first start")
        return
    held = f"held by process {kept.holder}" if kept.holder else "held by nobody"
    if kept.trouble:
        right = "check its owner and mode; if it is damaged, put a backup in its place"
        yield Finding("store", Grade.BAD, f"{kept.name} cannot be read: {kept.trouble} ({held})", right)
    elif kept.unseen:
        yield Finding("store", Grade.WARNING, f"{kept.name} was not looked into: {kept.unseen}", "see docs/doctor.md")
    else:
        yield _tables(kept, held)
    if kept.damage:
        right = "stop the service, keep a copy of the file, and put a backup in its place"
        yield Finding("store", Grade.BAD, f"{kept.name} is damaged: {'; '.join(kept.damage)}", right)


def _tables(kept: StoreFacts, held: str) -> Finding:
    ours = kept.known[-1]
    if kept.version == ours:
        return Finding("store", Grade.FINE, f"{kept.name}: tables of version {ours}, {held}")
    if kept.version not in ("", *kept.known):
        right = "run the denbao that wrote it, or a newer one"
        return Finding("store", Grade.BAD, f"{kept.name}: tables of version {kept.version}, newer than {ours}", right)
    found = f"{kept.name}: tables of version {kept.version or 'none'}, brought to {ours} at the next start"
    if kept.holder:
        return Finding("store", Grade.WARNING, f"{found}, {held}", "restart the service: an older denbao runs")
    return Finding("store", Grade.FINE, found)


def address(facts: Facts) -> Iterator[Finding]:
    """The address is free, or this site's service answers there and is ready."""
    there = facts.address
    if there is None:
        return
    held = facts.store is None or facts.store.holder != ""
    if there.trouble:
        yield Finding("address", Grade.BAD, f"{there.name}: {there.trouble}", "correct `listen:` in config.yaml")
    elif not there.taken:
        yield _free(there, facts.store)
    elif not there.denbao:
        right = "stop what listens there, or choose another `listen:` in config.yaml"
        yield Finding("address", Grade.BAD, f"{there.name} is taken, and no denbao answers there", right)
    elif not held:
        right = "stop that one, or choose another `listen:` in config.yaml"
        yield Finding("address", Grade.BAD, f"{there.name}: a denbao answers there that is not of this site", right)
    elif there.unready:
        right = "wait a minute after a start; otherwise look into its log"
        yield Finding("address", Grade.BAD, f"{there.name}: a denbao runs and is not ready: {there.unready}", right)
    else:
        yield Finding("address", Grade.FINE, f"{there.name}: a denbao runs and is ready")


def _free(there: Address, kept: StoreFacts | None) -> Finding:
    if kept is None or not kept.holder:
        return Finding("address", Grade.FINE, f"{there.name} is free")
    right = "it starts, stops, or was started with another `listen:`; restart it if that lasts"
    return Finding("address", Grade.WARNING, f"{there.name} is free, yet process {kept.holder} has the store", right)


def clock(facts: Facts) -> Iterator[Finding]:
    """The zone is known, the clock is synchronised and not behind what was stored."""
    time = facts.time
    if time is None:
        return
    if not time.zone_known:
        yield Finding("clock", Grade.BAD, f"no data of the time zone {time.zone}", "install the package tzdata")
    newest = None if facts.store is None else facts.store.newest
    if newest is not None and (behind := (newest - time.now).total_seconds()) > CLOCK_SLACK:
        found = f"{time.now:%Y-%m-%dT%H:%M:%SZ} is {behind:.0f} s before the newest stored instant"
        yield Finding("clock", Grade.BAD, found, "set the clock right before the service starts")
    right = "let chrony or systemd-timesyncd keep the clock; deadlines are judged by it"
    if time.synchronised is None:
        yield Finding("clock", Grade.WARNING, "the kernel does not say whether the clock is synchronised", right)
    elif not time.synchronised:
        yield Finding("clock", Grade.WARNING, "the clock is not synchronised", right)
    elif time.zone_known:
        yield Finding("clock", Grade.FINE, f"synchronised, time zone {time.zone}")


def calendar(facts: Facts) -> Iterator[Finding]:
    """The bridge and make-up days of this year and the next are confirmed."""
    if facts.calendar is None:
        return
    right = "enter the year's swaps in the file of `calendar:`, or a row of the kind confirmed; deadlines count by it"
    for sentence in facts.calendar:
        yield Finding("calendar", Grade.WARNING, sentence, right)
    if not facts.calendar:
        yield Finding("calendar", Grade.FINE, "the working days of this year and the next are confirmed")


def files(facts: Facts) -> Iterator[Finding]:
    """The process may open the files that the polls of the site need."""
    limit = facts.files
    if limit is None:
        return
    if limit.places < limit.wanted:
        found = f"{limit.most} open files let {limit.places} polls be under way, the site may need {limit.wanted}"
        right = f"raise the limit to {limit.wanted * limit.each} (LimitNOFILE= of the unit, ulimit -Hn of a shell)"
        yield Finding("files", Grade.WARNING, found, right)
    else:
        yield Finding("files", Grade.FINE, f"{limit.most} open files for {limit.wanted} polls at once")


def pings(facts: Facts) -> Iterator[Finding]:
    """Probes of the kind icmp may ask, where there are any."""
    if facts.pings is not None:
        number, why = facts.pings
        grade = Grade.BAD if why else Grade.FINE
        what, _, right = why.partition("; ")
        yield Finding("pings", grade, f"{number} icmp probes: {what or 'this process may send pings'}", right)


def memory(facts: Facts) -> Iterator[Finding]:
    """Enough memory is available; that of a running service is its own already."""
    if facts.config is None:
        return  # nothing but the packages was looked at
    if facts.memory is None:
        yield Finding("memory", Grade.WARNING, "the machine does not say how much is available", "look by `free -m`")
        return
    grade = _low(facts.memory, MEMORY_BAD, MEMORY_LOW)
    if facts.store is not None and facts.store.holder and grade is Grade.BAD:
        grade = Grade.WARNING
    right = f"leave {MEMORY_LOW // MIB} MiB to the service"
    yield _graded("memory", grade, f"{facts.memory // MIB} MiB are available", right)


def _low(value: int, bad: int, low: int) -> Grade:
    return Grade.BAD if value < bad else Grade.WARNING if value < low else Grade.FINE


def _graded(check: str, grade: Grade, found: str, right: str) -> Finding:
    return Finding(check, grade, found, "" if grade is Grade.FINE else right)


CHECKS: tuple[Callable[[Facts], Iterator[Finding]], ...] = (
    python, packages, config, state, secrets, store, address, clock, calendar, files, pings, memory
)  # fmt: skip
