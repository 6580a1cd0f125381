"""Takes what people write back by SMS or chat, does what they ask, and owes them one short answer.

Whoever writes must have the address of a recipient in that channel, and only incidents that were told to them can be
answered or explained: of all others nobody hears, not even that they exist. The provider's id of a message makes it
count once: its answer is a notice under a key of that id, owed in the same transaction as what it confirms.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import blake2b

from monitor.alerting.digests import numbered
from monitor.alerting.notices import address_in, days_late
from monitor.alerting.plan import Recipient
from monitor.alerting.replies import REPLY, Ask, Said, alike, awaits, called, newest, parse, readings, told
from monitor.alerting.troubles import judged
from monitor.alerting.wording import render
from monitor.config.spec import Site
from monitor.engine.book import Criterion
from monitor.model.colour import Colour
from monitor.model.errors import NotFound, Outdated
from monitor.model.incident import Incident, Kind, Notice, Outcome, Phase
from monitor.model.phone import normal_phone
from monitor.model.state import AuditEntry, UnitState
from monitor.model.text import clean
from monitor.model.unit import Unit
from monitor.model.verdict import CriterionState, Param
from monitor.ports import Clock, Store
from monitor.reporting.digest import members
from monitor.reporting.why import Why, why
from monitor.service.evaluator import Evaluator
from monitor.service.selfwatch import SelfWatch

NAMED = 6  # codes in one answer; the others are counted
HEARD = frozenset({"leased", Outcome.SENT.value, Outcome.UNKNOWN.value, Outcome.MAYBE_SENT.value})  # as far as is known
STRANGER = "stranger"
REPEATED = "repeated"
_NEAR = 2  # codes that are named as being like a wrong one
_OF_KIND = {Kind.OUTAGE: "why_outage", Kind.MASS: "why_mass", Kind.SILENT: "why_silent"}  # no figure says these
_TO_HANDLE = (Colour.RED, Colour.YELLOW, Colour.UNKNOWN)


@dataclass(frozen=True, slots=True)
class Message:
    """One message from outside."""

    channel: str
    id: str  # the provider's name for it
    sender: str
    text: str


@dataclass(frozen=True, slots=True)
class _Case:
    """A message, and who wrote it."""

    message: Message
    people: tuple[Recipient, ...]  # posts that this address belongs to
    said: Said
    now: datetime

    @property
    def ids(self) -> tuple[str, ...]:
        return tuple(person.id for person in self.people)

    @property
    def via(self) -> str:
        return f"reply by {self.message.channel}"


class Replies:
    """One per service."""

    def __init__(self, site: Site, evaluator: Evaluator, store: Store, clock: Clock, self_watch: SelfWatch) -> None:
        self._self_watch = self_watch
        self._site = site
        self._evaluator = evaluator
        self._store = store
        self._clock = clock
        self._people = _by_address(site)
        self._one_at_a_time = asyncio.Lock()

    async def hear(self, message: Message) -> str:
        """Do what a message asks; returns what was answered, in a word, when it is on disk. Raises StoreError."""
        async with self._one_at_a_time:
            now = self._clock.now()
            today = self._site.calendar.local(now).date()
            held = self._people.get((message.channel, _spelling(message.sender)), ())
            people = tuple(person for person in held if person.holds_on(today))
            if not people:
                await self._store.audit(
                    AuditEntry(now, f"reply by {message.channel}", "reply refused", _masked(message))
                )
                return STRANGER
            if await self._store.deliveries(incident=_key(message), limit=1):
                return REPEATED
            return await self._answer(_Case(message, people, parse(message.text), now))

    async def _answer(self, case: _Case) -> str:
        if case.said.edition:
            return await self._edition(case)
        match case.said.ask:
            case Ask.ACKNOWLEDGE if case.said.code:
                return await self._named(case)
            case Ask.ACKNOWLEDGE:
                return await self._bare(case)
            case Ask.ALL:
                return await self._all(case)
            case Ask.WHY:
                return await self._why(case)
        return await self._tell(case, case.said.ask.value)

    async def _named(self, case: _Case) -> str:
        if (operator := next(filter(self._self_watch.hears, case.ids), None)) is not None:
            for ref in readings(case.said.code):
                if alarm := await self._self_watch.acknowledge(ref, operator, case.via):
                    return await self._tell(case, "own_acked", id=alarm.ref, when=alarm.since)
        found = await self._meant(case)
        if isinstance(found, str):
            return found
        return await self._acknowledge(case, found)

    async def _bare(self, case: _Case) -> str:
        found = await self._only(case, self._answerable(case))
        return found if isinstance(found, str) else await self._acknowledge(case, found)

    async def _all(self, case: _Case) -> str:
        done: list[Incident] = []
        unclear: list[Incident] = []  # for which of its parties the sender answers
        for incident in self._answerable(case):
            actor, heard = _actor(incident, case), await self._heard(case, incident)
            try:
                decision = await self._evaluator.acknowledge(incident.key, actor, via=case.via, told=heard)
            except (NotFound, Outdated):  # closed or worse by now
                continue
            except ValueError:
                unclear.append(incident)
                continue
            done.append(decision.incidents[0])
        if not done:
            return await self._tell(case, "party", unclear[0]) if unclear else await self._tell(case, "nothing")
        if len(done) == 1:
            return await self._tell(case, _confirmed(done[0], case), done[0], **_times(done[0]))
        text = "acked_all_part" if any(one.missing for one in done) else "acked_all"
        return await self._tell(case, text, listed=_codes([one.ref for one in done]), count=len(done))

    async def _acknowledge(self, case: _Case, incident: Incident) -> str:
        actor = _actor(incident, case)
        if not incident.open:
            return await self._tell(case, "over", incident, when=incident.closed_at)
        if not awaits(incident, actor) and not incident.renewable(actor):
            return await self._tell(case, "answered", incident, when=incident.acked_at)
        try:
            decision = await self._evaluator.acknowledge(
                incident.key,
                actor,
                case.said.note,
                via=case.via,
                told=await self._heard(case, incident),
                reply=lambda answered: self._notice(case, _confirmed(answered, case), answered, _times(answered)),
            )
        except NotFound:
            return await self._tell(case, "over", incident)
        except Outdated:
            return await self._tell(case, "newer", incident)
        except ValueError:
            return await self._tell(case, "party", incident)
        return _confirmed(decision.incidents[0], case)

    async def _heard(self, case: _Case, incident: Incident) -> int | None:
        """The newest generation of an incident that the sender was told of; where no message went yet, that is owed."""
        found = await self._store.deliveries(incident=incident.key)
        went = (one.notice.key for one in found if one.notice.recipient in case.ids and one.state in HEARD)
        told_of = newest(incident, went)
        return told_of if told_of is not None else newest(incident, _owed_to(case, incident))

    async def _why(self, case: _Case) -> str:
        if case.said.code and any(map(self._self_watch.hears, case.ids)):
            for ref in readings(case.said.code):
                if alarm := self._self_watch.told_as(ref):
                    facts = {**alarm.figures, "condition": alarm.condition.value, "when": alarm.since}
                    return await self._tell(case, "why_own", None, id=alarm.ref, **facts)
        found = await (self._meant(case) if case.said.code else self._only(case, self._mine(case), "_why"))
        if isinstance(found, str):
            return found
        text, facts = self._explained(found, case.now)
        return await self._tell(case, text, found, **facts)

    def _explained(self, incident: Incident, now: datetime) -> tuple[str, dict[str, Param]]:
        """Which text, and its facts: what is wrong while it is; else what the worst criterion of the unit says."""
        if incident.kind in _OF_KIND and incident.phase in (Phase.OPEN, Phase.ACKNOWLEDGED):
            level = self._site.units[incident.unit].level.value
            return _OF_KIND[incident.kind], {**incident.facts, "level": level, "when": incident.facts.get("since")}
        return "why", self._of_unit(incident, now)

    def _of_unit(self, incident: Incident, now: datetime) -> dict[str, Param]:
        site = self._site
        unit, state = site.units[incident.unit], self._evaluator.states[incident.unit]
        rules = site.ruleset.criteria(site.calendar.local(now).date(), unit)
        own = state.criteria.get(incident.cause)
        told = why(unit, state, site.ruleset, site.calendar, now)
        facts: dict[str, Param] = {"colour": told.colour.value, "when": told.since}
        if own is None or own.colour is Colour.GREEN or incident.cause not in rules:
            return {**facts, **self._worst(told, state, rules, now)}
        return {**facts, **self._said(own, rules, now)}

    def _worst(self, told: Why, state: UnitState, rules: Mapping[str, Criterion], now: datetime) -> dict[str, Param]:
        """What the worst criterion of a unit says; nothing where all is well."""
        worst = next(iter(told.criteria), None)
        own = state.criteria.get(worst.id) if worst is not None and worst.colour is not Colour.GREEN else None
        return {} if own is None else self._said(own, rules, now)

    def _said(self, own: CriterionState, rules: Mapping[str, Criterion], now: datetime) -> dict[str, Param]:
        rule, ends = rules[own.criterion], own.verdict.deadline
        said = judged(own, rule, self._site.ruleset.indicators.get(rule.indicator or ""))
        late = days_late(ends, now, self._site.calendar) if own.verdict.overdue and ends is not None else None
        began = own.episode_since or own.since
        return {**said, "colour": own.colour.value, "when": began, "days_late": late}

    # digests

    async def _edition(self, case: _Case) -> str:
        """A digest asks for no answer. Who asks why hears which of its units need somebody now, and why the worst."""
        heads, number = await self._read_by(case), case.said.edition
        if not heads:
            return await self._tell(case, "digest_unknown", id=number)
        if case.said.ask is not Ask.WHY:
            return await self._tell(case, "digest_read", id=number)
        text, facts = self._to_handle(heads, case.now)
        return await self._tell(case, text, None, id=number, **facts)

    async def _read_by(self, case: _Case) -> list[Unit]:
        """The units of the editions with this number that were owed to the sender."""
        site = self._site
        meant = numbered(case.said.edition, site.directory.digests, site.units, site.calendar, case.now)
        sent = await self._store.owed(meant)
        return [
            unit
            for key, unit in meant.items()
            if any(address_in(one).recipient in case.ids for one in sent.get(key, ()))
        ]

    def _to_handle(self, heads: Sequence[Unit], now: datetime) -> tuple[str, dict[str, Param]]:
        """Which text, and its facts: the units that are not well, red before yellow before unknown, lowest first."""
        site, states = self._site, self._evaluator.states
        facts: dict[str, Param] = {"code": _codes([head.code for head in heads]), **_title(heads)}
        standings = {
            code: standing
            for head in heads
            for code in members(site.units, head)
            if (standing := states[code].standing) is not None and standing.colour in _TO_HANDLE
        }
        if not standings:
            return "digest_well", facts

        def urgency(code: str) -> tuple[int, float]:
            standing = standings[code]
            return _TO_HANDLE.index(standing.colour), 1.0 if standing.score is None else standing.score

        codes = sorted(standings, key=urgency)
        for colour in _TO_HANDLE:
            facts[colour.value] = sum(standing.colour is colour for standing in standings.values())
        unit = site.units[codes[0]]
        rules = site.ruleset.criteria(site.calendar.local(now).date(), unit)
        told = why(unit, states[unit.code], site.ruleset, site.calendar, now)
        worst = self._worst(told, states[unit.code], rules, now)
        return "digest_why", {**worst, **facts, "codes": ", ".join(codes), "more": None, "worst": unit.code}

    # who is meant, and by whom

    async def _meant(self, case: _Case) -> Incident | str:
        """The one incident that a code means among those told to the sender; otherwise what was answered."""
        open_now = called(case.said.code, self._mine(case))
        if len(open_now) > 1:
            units = _codes([one.unit for one in open_now])
            return await self._tell(case, "same_code", id=case.said.code, listed=units, count=len(open_now))
        if open_now:
            return open_now[0]
        for ref in readings(case.said.code):
            past = await self._store.incident(ref)
            if past is not None and told(past, case.ids) and past.unit in self._evaluator.states:
                return past
        near = alike(case.said.code, [one.ref for one in self._mine(case)])
        return await self._tell(case, "unknown", id=case.said.code, near=", ".join(near[:_NEAR]) or None)

    async def _only(self, case: _Case, among: Sequence[Incident], asked: str = "") -> Incident | str:
        """The one incident that is meant without a code; otherwise what was answered."""
        if len(among) == 1:
            return among[0]
        if not among:
            return await self._tell(case, f"nothing{asked}")
        return await self._tell(case, f"several{asked}", listed=_codes([one.ref for one in among]), count=len(among))

    def _mine(self, case: _Case) -> list[Incident]:
        """Open incidents that were told to the sender, the oldest first."""
        states = self._evaluator.states.values()
        mine = (one for state in states for one in state.incidents.values() if told(one, case.ids))
        return sorted(mine, key=lambda one: (one.opened_at, one.key))

    def _answerable(self, case: _Case) -> list[Incident]:
        """Those that await the sender; where none does, those whose answer can be made to count longer."""
        mine = self._mine(case)
        return [one for one in mine if awaits(one, _actor(one, case))] or [
            one for one in mine if one.renewable(_actor(one, case))
        ]

    # the answer

    async def _tell(self, case: _Case, text: str, incident: Incident | None = None, **facts: Param) -> str:
        notice = self._notice(case, text, incident, facts)
        subject = incident.key if incident else notice.unit
        entry = AuditEntry(case.now, case.people[0].id, f"reply {case.said.ask.value}", subject, f"{case.via}: {text}")
        await self._evaluator.tell(notice.unit, (notice,), entry)
        return text

    def _notice(self, case: _Case, text: str, incident: Incident | None, facts: Mapping[str, Param]) -> Notice:
        person, key, site = case.people[0], _key(case.message), self._site
        unit = site.units[incident.unit] if incident else next(iter(site.units))
        named: dict[str, Param] = {"id": incident.ref if incident else "", "now": case.now, **facts}
        if incident is not None:
            named |= {"code": unit.code, "unit_vi": unit.name_vi, "unit_en": unit.name_en, "unit_sms": unit.name_ascii}
        local = {
            name: site.calendar.local(value) if isinstance(value, datetime) else value for name, value in named.items()
        }
        said = render(text, local, person.locale, site.directory.texts)
        ref = incident.ref if incident else ""
        return Notice(
            key, key, ref, unit.code, REPLY, person.id, case.message.channel,
            case.now, said.subject, said.body, said.sms, urgent=True,
        )  # fmt: skip


def _title(heads: Sequence[Unit]) -> dict[str, Param]:
    """The name of the unit that a digest is about; of several digests their number."""
    if len(heads) > 1:
        return {"unit_vi": f"{len(heads)} bản tin", "unit_en": f"{len(heads)} digests"}
    return {"unit_vi": heads[0].name_vi, "unit_en": heads[0].name_en, "unit_sms": heads[0].name_ascii}


def _by_address(site: Site) -> dict[tuple[str, str], tuple[Recipient, ...]]:
    found: dict[tuple[str, str], tuple[Recipient, ...]] = {}
    for (who, channel), secret in site.addresses.items():
        spec, person = site.channels.get(channel), site.directory.person(who)
        if spec is not None and spec.replies is not None and person is not None:
            place = (channel, _spelling(secret.reveal()))
            found[place] = (*found.get(place, ()), person)
    return found


def _spelling(address: str) -> str:
    try:
        return normal_phone(address)
    except ValueError:
        return address.strip().casefold()


def _actor(incident: Incident, case: _Case) -> str:
    """As which of their posts the sender answers: one whose answer is news, if there is any."""
    reached = [person for person in case.ids if told(incident, (person,))]
    return next((person for person in reached if awaits(incident, person)), reached[0] if reached else case.ids[0])


def _owed_to(case: _Case, incident: Incident) -> list[str]:
    return [key for key in incident.owed if address_in(key).recipient in case.ids]


def _confirmed(answered: Incident, case: _Case) -> str:
    """Which text confirms an answer: others are still called, it counts longer now, or the calls stop."""
    if answered.missing:
        return "acked_part"
    return "renewed" if answered.acked_at is not None and answered.acked_at < case.now else "acked"


def _times(answered: Incident) -> dict[str, Param]:
    """Since when it is, and until when the answer counts, for the texts."""
    return {"when": answered.facts.get("since"), "due": answered.acked_until}


def _key(message: Message) -> str:
    """Of the answer to one message."""
    digest = blake2b(message.id.encode(errors="surrogatepass"), digest_size=16).hexdigest()
    return f"reply/{message.channel}/{digest}"


def _codes(names: Sequence[str]) -> str:
    more = f" +{len(names) - NAMED}" if len(names) > NAMED else ""
    return ", ".join(names[:NAMED]) + more


def _masked(message: Message) -> str:
    return f"...{clean(message.sender, 40)[-3:]}"
