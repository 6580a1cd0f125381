"""Whether trouble reaches somebody: recipients, roles, channels and policies against the units of a site."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import date, datetime, timedelta

from monitor.alerting.coverage import uncovered
from monitor.alerting.escalate import choose
from monitor.alerting.plan import Directory, Policy, StepSpec
from monitor.config.findings import Findings
from monitor.config.models import SiteFile
from monitor.config.problems import Location, Problem
from monitor.config.rosters import said_spans
from monitor.config.spec import Site
from monitor.engine.book import Ruleset
from monitor.model.incident import Kind
from monitor.model.muting import Span
from monitor.model.unit import Level, Unit, Units

_POLICIES: Location = ("escalation", "policies")
AHEAD = timedelta(days=30)  # for which `denbao check` looks whom the plans reach


def check_routes(file: SiteFile, directory: Directory, units: Units, ruleset: Ruleset, findings: Findings) -> None:
    """Every mistake that would leave somebody untold; they go to `findings`."""
    _check_recipients(file, units, findings)
    if not directory.recipients and file.directory is None:
        findings.add(
            ("recipients",), "nobody can be told: the site has no recipients", "write recipients, or directory"
        )
    findings.once(_POLICIES, "policy", [policy.name for policy in directory.policies], key="name")
    for index, channel in enumerate(file.escalation.via):
        if channel not in file.channels:
            findings.unknown(("escalation", "via", index), "channel", channel, file.channels)
    for index, policy in enumerate(directory.policies):
        _check_criteria(policy, (*_POLICIES, index), ruleset, findings)
        _check_terms(policy, file, (*_POLICIES, index), findings)
        _check_use(policy, directory.policies[:index], (*_POLICIES, index), findings)
        for number, _ in enumerate(policy.steps):
            at = (*_POLICIES, index, "steps", number)
            if _check_names(policy.steps[number], at, file, findings):
                _check_order(policy.steps, number, at, findings)
                _check_holders(policy, number, at, directory, units, findings)
    _check_collapses(directory, ruleset, findings)
    _check_coverage(directory, units, findings)


def unreached(site: Site, now: datetime, findings: Findings) -> Iterator[Problem]:
    """Plans that call nobody at some time of the coming weeks, whatever holds today. Only `denbao check` asks this.

    Where the last holder goes and nobody follows yet, it is a warning; who has gone already is none.
    """
    if findings.units_in_doubt:
        return
    end = now + AHEAD
    by_plan: dict[tuple[int, tuple[Span, ...]], list[str]] = {}
    for gap in uncovered(site.units, site.directory, site.sessions, now, end):
        steps, unit = site.directory.policies[gap.policy].steps, site.units[gap.unit]
        if not any(_reached(step, unit, site.directory, site.units) for step in steps):
            continue  # whatever the time: `check_routes` has said so
        codes = by_plan.setdefault((gap.policy, gap.spans), [])
        codes += [] if gap.unit in codes[-1:] else [gap.unit]
    for (number, spans), codes in by_plan.items():
        more = f" and {len(codes) - 1} more" if len(codes) > 1 else ""
        name, when = site.directory.policies[number].name, said_spans(spans, site.calendar)
        text = f"the plan '{name}' reaches nobody for the unit '{codes[0]}'{more} {when}"
        later = len(spans) == 1 and now < spans[0].starts and spans[0].ends == end
        today, unit = (
            site.calendar.day(now),
            site.units[codes[0]],
        )  # a plan that waits for the office calls later anyway
        steps = site.directory.policies[number].steps
        held = any(_reached(step, unit, site.directory, site.units, today) for step in steps)
        problem = findings.document.problem(
            (*_POLICIES, number), text, "see valid_to and schedules: denbao directory coverage"
        )
        yield replace(problem, warning=later and held)


def _check_recipients(file: SiteFile, units: Units, findings: Findings) -> None:
    findings.once(("recipients",), "recipient", [recipient.id for recipient in file.recipients])
    for index, recipient in enumerate(file.recipients):
        at: Location = ("recipients", index)
        if recipient.role not in file.roles:
            findings.unknown((*at, "role"), "role", recipient.role, file.roles)
        if recipient.scope not in units:
            findings.unknown((*at, "scope"), "unit", recipient.scope, [unit.code for unit in units])
        if not recipient.channels:
            text = f"the recipient '{recipient.id}' has no channel and can never be told"
            findings.add((*at, "channels"), text, "write channels: [log]")
        for number, channel in recipient.names():
            if channel not in file.channels:
                findings.unknown((*at, "channels", number), "channel", channel, file.channels)


def _check_criteria(policy: Policy, at: Location, ruleset: Ruleset, findings: Findings) -> None:
    known = [criterion.id for book in ruleset.books for criterion in book.criteria]
    for name in sorted(policy.criteria - set(known)):
        findings.unknown((*at, "criteria"), "criterion", name, known)


def _check_terms(policy: Policy, file: SiteFile, at: Location, findings: Findings) -> None:
    """Whether everybody who must answer can, and whether reminders come before an answer lapses."""
    terms = policy.terms
    called = {role for step in policy.steps for role in step.to}
    for party, roles in terms.parties.items():
        for number, role in enumerate(roles):
            place = (*at, "answers", party, number)
            if role not in file.roles:
                findings.unknown(place, "role", role, file.roles)
            elif role not in called:
                text = f"'{role}' must answer for '{party}', but no step of '{policy.name}' tells it"
                findings.add(place, text, "add it to a step, or remove it here")
        if not roles:
            findings.add((*at, "answers", party), f"the party '{party}' has no role", "write the roles it consists of")
    if terms.ack_remind is not None and terms.ack_expires is None:
        text = f"'{policy.name}' reminds of an answer that never lapses"
        findings.add((*at, "ack_remind"), text, "write ack_expires: as well, or remove ack_remind")
    elif terms.ack_remind is not None and terms.ack_expires is not None and terms.ack_remind >= terms.ack_expires:
        text = f"'{policy.name}' reminds before somebody can have answered"
        findings.add((*at, "ack_remind"), text, f"write less than {_span(terms.ack_expires)}")


def _check_use(policy: Policy, earlier: Iterable[Policy], at: Location, findings: Findings) -> None:
    for other in earlier:
        levels = not other.levels or (policy.levels and policy.levels <= other.levels)
        criteria = not other.criteria or (policy.criteria and policy.criteria <= other.criteria)
        if policy.kinds <= other.kinds and levels and criteria:
            text = f"the policy '{policy.name}' is never used: '{other.name}' before it takes all it is for"
            findings.add(at, text, "put it before, or narrow the other one")
            return


def _check_names(step: StepSpec, at: Location, file: SiteFile, findings: Findings) -> bool:
    """Whether all roles and channels of a step are known."""
    roles = [(number, role) for number, role in enumerate(step.to) if role not in file.roles]
    given = file.escalation.via
    own = step.via if step.via != tuple(given) else ()
    channels = [(number, channel) for number, channel in enumerate(own) if channel not in file.channels]
    for number, role in roles:
        findings.unknown((*at, "to", number), "role", role, file.roles)
    for number, channel in channels:
        findings.unknown((*at, "via", number), "channel", channel, file.channels)
    return not roles and not channels


def _check_order(steps: tuple[StepSpec, ...], number: int, at: Location, findings: Findings) -> None:
    step, timed = steps[number], [earlier for earlier in steps[:number] if not earlier.reminders]
    if step.reminders:
        if step.after or step.repeat:
            findings.add(at, "a step of reminders has its own days", "remove after and repeat")
        return
    if timed and step.after < timed[-1].after:
        text = f"this step comes after {_span(step.after)}, but the step before it after {_span(timed[-1].after)}"
        findings.add((*at, "after"), text, "order the steps by time")
    for earlier in timed:
        same = set(step.to) <= set(earlier.to) and set(step.via) <= set(earlier.via)
        if same and earlier.repeat is not None:
            text = f"this step never adds anything: its roles are told every {_span(earlier.repeat)} by an earlier step"
            findings.add(at, text, "remove it, or tell somebody else")
            return
        if same and earlier.after == step.after:
            findings.add(at, f"this step tells the same roles at the same time as an earlier one ({_span(step.after)})")
            return


def _check_holders(
    policy: Policy, number: int, at: Location, directory: Directory, units: Units, findings: Findings
) -> None:
    if findings.people_in_doubt:
        return
    step, held = policy.steps[number], {recipient.role for recipient in directory.recipients}
    mute = {recipient.role for recipient in directory.recipients if not recipient.channels}  # named already
    for index, role in enumerate(step.to):
        if role not in held:
            findings.add((*at, "to", index), f"nobody holds the role '{role}'", "add a recipient with this role")
    if findings.units_in_doubt or mute.intersection(step.to) or not held.intersection(step.to):
        return
    concerned = [unit for unit in units if not policy.levels or unit.level in policy.levels]
    if unreached := [unit for unit in concerned if not _reached(step, unit, directory, units)]:
        text = f"this step of '{policy.name}' reaches nobody for the unit '{unreached[0].code}'"
        more = f" and {len(unreached) - 1} more" if len(unreached) > 1 else ""
        findings.add(at, text + more, f"add a recipient with one of its roles and the channel {' or '.join(step.via)}")


def _reached(step: StepSpec, unit: Unit, directory: Directory, units: Units, day: date | None = None) -> bool:
    where = units.answering(unit.code)
    holders = (holder for role in step.to for holder in directory.holders(role, where, day))
    return any(set(holder.channels) & set(step.via) for holder in holders)


def _check_collapses(directory: Directory, ruleset: Ruleset, findings: Findings) -> None:
    """Whether what is collapsed can be in trouble below that level, once for each."""
    known = {criterion.id: criterion for book in ruleset.books for criterion in book.criteria}
    seen: set[tuple[str, Level]] = set()
    for index, rule in enumerate(directory.collapses):
        at: Location = ("escalation", "collapse", index)
        criterion = known.get(rule.criterion)
        below = Level.COMMUNE if rule.at is Level.PROVINCE else Level.PROVINCE
        chained = any((other.criterion, other.at) == (rule.criterion, below) for other in directory.collapses)
        if criterion is None:
            findings.unknown((*at, "criterion"), "criterion", rule.criterion, known)
        elif below not in criterion.levels and not chained:
            text = f"no {below} has incidents of '{rule.criterion}', so none can be counted at the {rule.at}"
            nation = f"write at: province, or add a rule at: {below}"
            findings.add((*at, "at"), text, nation if rule.at is Level.NATION else "name a criterion of the communes")
        if (rule.criterion, rule.at) in seen:
            text = f"'{rule.criterion}' is collapsed at the {rule.at} twice"
            findings.add(at, text, "keep one of them")
        seen.add((rule.criterion, rule.at))


def unheard(site: Site, findings: Findings) -> Iterator[Problem]:
    """Posts that a mass outage spares at the children and tells nothing itself. Only `denbao check` asks this."""
    for index, rule in enumerate(site.directory.collapses):
        below = Level.COMMUNE if rule.at is Level.PROVINCE else Level.PROVINCE
        one, many = (
            choose(site.directory, kind, level, cause)
            for kind, level, cause in ((Kind.OUTAGE, below, rule.criterion), (Kind.MASS, rule.at, rule.cause))
        )
        if one is None or many is None:
            continue
        wide = {code for unit in site.units.at(rule.at) for code in site.units.lineage(unit.code)}
        called = {role: None for step in one.steps for role in step.to}
        told = {role for step in many.steps for role in step.to}
        for role in sorted(called.keys() - told):
            if posts := sorted({who.scope for who in site.directory.recipients if who.role == role} & wide):
                text = f"'{role}' of {posts[0]} is spared the single calls of a mass outage, and not told of it either"
                at: Location = ("escalation", "collapse", index)
                problem = findings.document.problem(at, text, f"add '{role}' to a step of '{many.name}'")
                yield replace(problem, warning=True)


def _check_coverage(directory: Directory, units: Units, findings: Findings) -> None:
    policies = directory.policies
    collapsed = {rule.at for rule in directory.collapses}
    for kind in Kind:
        asked = [level for level in Level if units.at(level) and (kind is not Kind.MASS or level in collapsed)]
        levels = [level for level in asked if not _covers(policies, kind, level)]
        if levels:
            text = f"no policy tells anybody of {kind} at the level {', '.join(levels)}"
            findings.add(_POLICIES, text, "add a policy without criteria for it")


def _covers(policies: tuple[Policy, ...], kind: Kind, level: Level) -> bool:
    return any(not policy.criteria and policy.matches(kind, level, "") for policy in policies)


def _span(seconds: float) -> str:
    for letter, length in (("d", 86400), ("h", 3600), ("m", 60)):
        if seconds and seconds % length == 0:
            return f"{seconds / length:g}{letter}"
    return f"{seconds:g}s"
