"""Sends the digests: waits for the next edition, makes it from what is committed, and owes it as messages.

An edition that fell due while the service stood still is owed late, within `LATE`. Its messages have names of their
own (monitor.alerting.digests), so a second try and a restart owe nothing twice.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import cast

from monitor.adapters.render import FORMATS
from monitor.alerting.digests import Edition, addressees, digests, next_owed, owed
from monitor.alerting.plan import Recipient
from monitor.config.spec import Site
from monitor.model.errors import StoreError
from monitor.model.muting import Span
from monitor.model.state import AuditEntry
from monitor.ports import Clock, Shelf, Store
from monitor.reporting.brief import brief
from monitor.reporting.digest import Digest, digest_report
from monitor.reporting.scene import Scene
from monitor.service.evaluator import Evaluator
from monitor.service.reports import Apart, Asked, Records, begin_of_record, digest_of, make, scene_of

log = logging.getLogger(__name__)

LATE = timedelta(hours=2)  # a digest that is later than this is left out: the next one says more
ATTACHED = ("html", "xlsx")  # formats of an attached report
LARGEST = 2 * 1024 * 1024  # bytes of all attachments of a message: it has to be handed over in seconds
_LOOK = 5.0  # seconds between two looks whether the service is ready


class Digests:
    """The digests of one service."""

    def __init__(
        self,
        site: Site,
        evaluator: Evaluator,
        store: Store,
        clock: Clock,
        ready: Callable[[], str],
        apart: Apart,
        shelf: Shelf | None,
    ) -> None:
        self._site = site
        self._evaluator = evaluator
        self._store = store
        self._clock = clock
        self._ready = ready
        self._apart = apart
        self._shelf = shelf
        self._told: datetime | None = None  # up to when all editions are owed

    async def run(self) -> None:
        """Until cancelled; ends at once where the site asks for no digest. Raises StoreError, and may be run again."""
        while self._site.directory.digests:
            while self._ready():
                await self._clock.sleep(_LOOK)
            now, calendar = self._clock.now(), self._site.calendar
            after = max(now - LATE, self._told or await self._began(now))
            for edition in owed(self._site.directory.digests, self._site.units, calendar, after, now):
                await self._once(edition)
            self._told = now
            following = next_owed(self._site.directory.digests, calendar, now)
            if following is None:
                return
            await self._clock.sleep_until(following)

    async def _began(self, now: datetime) -> datetime:
        """Since when the service is: a new site owes nothing for the time before it."""
        return await begin_of_record(cast(Records, self._store)) or now

    async def _once(self, edition: Edition) -> None:
        """An edition that cannot be made keeps no other one back. Raises StoreError."""
        site = self._site
        try:
            lineage = site.units.answering(edition.unit.code)
            to = addressees(edition, site.directory, lineage, site.calendar)
            key = edition.key(site.calendar)
            known = (await self._store.owed([key])).get(key, {})
            missing = {name: whom for name, whom in to.items() if name not in known}
            if missing or not to:
                await self._tell(edition, missing)
        except StoreError:
            raise
        except Exception:
            log.exception("the digest of %s cannot be made", edition.unit.code)

    async def _tell(self, edition: Edition, to: Mapping[str, tuple[Recipient, str]]) -> None:
        site, code = self._site, edition.unit.code
        scene = scene_of(site, dict(self._evaluator.states), code)
        store, now = cast(Records, self._store), self._clock.now()
        told = await digest_of(scene, edition.unit, edition.since, now, store, apart=self._apart, live=True)
        attachments = await self._attached(edition, told, scene)
        notices = digests(edition, to, brief(told, scene), site.directory, site.calendar, attachments)
        said = f"{edition.number(site.calendar)}: {len(notices)} messages"
        entry = AuditEntry(self._clock.now(), "denbao", "digest", code, said)
        outdated = edition.outdates((person for person, _ in to.values()), site.calendar)
        await self._evaluator.tell(code, notices, entry, withheld=(outdated,) if to else ())
        if not notices:
            log.warning("the digest %s of %s reaches nobody", edition.number(site.calendar), code)

    async def _attached(self, edition: Edition, told: Digest, scene: Scene) -> tuple[str, ...]:
        """Names of the kept files that its e-mails carry; an edition goes without what cannot be made or kept."""
        if self._shelf is None or not edition.spec.attach:
            return ()
        try:
            files = await self._files(edition, told, scene)
            await self._shelf.keep(files, self._clock.now())
        except StoreError:
            raise
        except Exception:
            log.exception("the digest of %s goes without attachments", edition.unit.code)
            return ()
        return tuple(files)

    async def _files(self, edition: Edition, told: Digest, scene: Scene) -> dict[str, bytes]:
        """The reports that were asked for in each format, as long as they fit."""
        store, span, zone = cast(Records, self._store), Span(edition.since, told.at), self._site.calendar.zone
        stem = f"{edition.unit.code}-{edition.at.astimezone(zone):%Y%m%d-%H%M}"
        files: dict[str, bytes] = {}
        for kind in edition.spec.attach:
            if kind == "digest":
                report = digest_report(told, scene)
            else:
                report = await make(Asked(kind, span, edition.unit.code), scene, store)
            for form in ATTACHED:
                name = f"denbao-{kind}-{stem}.{FORMATS[form].suffix}"
                content: bytes = await self._apart(FORMATS[form].write, report, None)
                if len(content) + sum(map(len, files.values())) > LARGEST:
                    log.warning("%s is left out: with it the attachments would be over %s bytes", name, LARGEST)
                else:
                    files[name] = content
        return files
