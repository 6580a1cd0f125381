"""Answers: for whom they count, until when, and what is left when one of them ends.

A party is a post: whoever holds one of its roles on the day answers for it. Each answer has its own end. Where several
must answer, the end of one leaves those of the others as they are (`Event.EXPIRED`); with the last one everybody is
called anew (`Event.LAPSED`).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta

from monitor.alerting.escalate import SPARED
from monitor.alerting.lifecycle import Event
from monitor.alerting.plan import Policy
from monitor.alerting.scene import Scene
from monitor.model.incident import Answer, Incident, Party, Step, Terms
from monitor.model.text import clean


def terms_of(policy: Policy, steps: Iterable[Step], scene: Scene, now: datetime) -> Terms:
    """What a policy says of answering and ending, with the parties that its steps call.

    A party that nobody holds, or that nobody calls for this trouble, is left out: it is not waited for.
    """
    spec = policy.terms
    called = {role for step in steps if step.skipped != SPARED for role in step.role.split(",")}
    parties = (Party(name, _holders(roles, scene, now), tuple(roles)) for name, roles in spec.parties.items())
    kept = tuple(party for party in parties if party.recipients and not called.isdisjoint(party.roles))
    return Terms(spec.close_after, spec.review, spec.ack_expires, spec.ack_remind, kept)


def posted(incident: Incident, scene: Scene, now: datetime) -> Incident:
    """The incident with those who hold the posts of its parties today; of a vacant one, who held it last."""
    if not incident.terms.parties:
        return incident
    parties = tuple(
        replace(party, recipients=_holders(party.roles, scene, now) or party.recipients)
        for party in incident.terms.parties
    )
    return incident if parties == incident.terms.parties else _with_parties(incident, parties)


def _with_parties(incident: Incident, parties: tuple[Party, ...]) -> Incident:
    return replace(incident, terms=replace(incident.terms, parties=parties))


def _holders(roles: Iterable[str], scene: Scene, now: datetime) -> tuple[str, ...]:
    day = scene.calendar.day(now)
    people = (person.id for role in roles for person in scene.directory.holders(role, scene.lineage, day))
    return tuple(dict.fromkeys(people))


def dated(incident: Incident, now: datetime) -> Incident:
    """The incident with an end of each answer that has one: versions before 27 November 2026 knew one for all of them,
    and none while a party was missing; and an answer may have been given under a policy that asked for none."""
    if all(answer.until is not None for answer in incident.answers):
        return incident
    until, lasts = incident.acked_until, incident.terms.ack_expires
    if until is not None and all(answer.until is None for answer in incident.answers):
        return replace(incident, answers=tuple(replace(answer, until=until) for answer in incident.answers))
    if lasts is None:
        return incident
    ends = (answer.until or answer.at + timedelta(seconds=lasts) for answer in incident.answers)
    answers = tuple(replace(answer, until=end) for answer, end in zip(incident.answers, ends, strict=True))
    return counting(replace(incident, answers=answers), now)


def answered(
    incident: Incident, actor: str, note: str, now: datetime, party: str = "", until: datetime | None = None
) -> Incident:
    """The incident with an answer for `party`, or for those the actor belongs to; of each the first one stays.

    To answer again makes it count longer, and shorter only who says until when. Raises ValueError as `acknowledge`.
    """
    incident = dated(incident, now)
    answers = {answer.party: answer for answer in incident.answers}
    for name in _meant(incident, actor, party):
        known = answers.get(name)
        ends = _ends(incident.terms, known, now, until)
        if known is None:
            answers[name] = Answer(clean(actor), now, clean(note, 1000), name, ends)
        else:
            answers[name] = replace(known, until=ends)
    return counting(replace(incident, answers=tuple(answers.values())), now)


def suffices(incident: Incident) -> bool:
    """Whether everybody has answered who must."""
    return bool(incident.answers) and not incident.missing


def acknowledged(incident: Incident, now: datetime) -> Incident:
    """The incident as those have acknowledged it who answered; who did before stay."""
    if incident.acked_by is not None:
        return incident
    return replace(
        incident,
        acked_by=", ".join(dict.fromkeys(answer.by for answer in incident.answers)),
        acked_at=now,
        ack_note="; ".join(answer.note for answer in incident.answers if answer.note),
    )


def _meant(incident: Incident, actor: str, party: str) -> tuple[str, ...]:
    """The names of the parties that an answer is for; an empty one where there are none."""
    parties = {each.name: each for each in incident.terms.parties}
    if party and party not in parties:
        raise ValueError(f"incident {incident.ref} has no party {party!r}; it has {', '.join(parties) or 'none'}")
    if not parties:
        return ("",)
    mine = (party,) if party else tuple(name for name, each in parties.items() if actor in each.recipients)
    if not mine:
        raise ValueError(f"say for whom you answer: {', '.join(parties)}")
    return mine


def _ends(terms: Terms, known: Answer | None, now: datetime, until: datetime | None) -> datetime | None:
    if until is not None or terms.ack_expires is None:
        return until
    ends = now + timedelta(seconds=terms.ack_expires)
    return ends if known is None or known.until is None else max(ends, known.until)


def counting(incident: Incident, now: datetime) -> Incident:
    """With when the first of its answers ends, and when the end of one is said before the next time."""
    until = min((answer.until for answer in incident.answers if answer.until is not None), default=None)
    ahead = (at for answer in incident.answers if (at := _said_before(answer, incident.terms)) is not None and at > now)
    return replace(incident, acked_until=until, remind_at=min(ahead, default=None))


def _said_before(answer: Answer, terms: Terms) -> datetime | None:
    if answer.until is None or terms.ack_remind is None:
        return None
    return answer.until - timedelta(seconds=terms.ack_remind)


def ending(incident: Incident, now: datetime) -> tuple[Answer, ...]:
    """The answers of which the end is to be said now, and was not said before."""
    since = incident.remind_at or now
    said = ((answer, _said_before(answer, incident.terms)) for answer in standing(incident, now))
    return tuple(answer for answer, at in said if at is not None and since <= at <= now)


def standing(incident: Incident, now: datetime) -> tuple[Answer, ...]:
    """The answers that still count."""
    return tuple(answer for answer in incident.answers if answer.until is None or now < answer.until)


def due(incident: Incident, now: datetime) -> Event | None:
    """What time alone has made of the answers: one of several has ended, all have, or one is about to."""
    if incident.acked_until is not None and now >= incident.acked_until:
        left = standing(incident, now)
        others_count = incident.acked_by is None or 0 < len(left) < len(incident.answers)
        return Event.EXPIRED if others_count else Event.LAPSED
    return Event.REMINDED if incident.remind_at is not None and now >= incident.remind_at else None
