"""The `units:` section as units with their edges."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

from monitor.config.asked import Selector
from monitor.config.findings import Findings
from monitor.config.models import OwnUnit, ProvinceUnits, SystemUnit, UnitsSection
from monitor.config.problems import Location
from monitor.model.text import unaccent
from monitor.model.unit import Level, Unit, Units
from monitor.registry import NATION, Place, Registry

_AT: Location = ("units",)


def build_units(section: UnitsSection, registry: Registry, findings: Findings) -> Units:
    """All units in the order nation, provinces with their communes, others, systems. Mistakes go to `findings`."""
    units: dict[str, Unit] = {}
    places: dict[str, Location] = {}
    for unit, at in _declared(section, registry, findings):
        if unit.code in units:
            first = findings.document.line(places[unit.code])
            findings.add(at, f"the unit '{unit.code}' is there twice", f"the first one is in line {first}")
        else:
            units[unit.code], places[unit.code] = unit, at
    if not units:
        findings.add(_AT, "units names no units", 'write provinces: [{code: "19"}]')
    findings.units_in_doubt = bool(findings.problems)
    for code, at in places.items():
        _check_edges(units[code], at, units, findings)
    _check_cycles(units, places, findings)
    findings.units_in_doubt = bool(findings.problems)
    return Units(tuple(_anchored(unit, units) for unit in units.values()))


def _anchored(unit: Unit, units: Mapping[str, Unit]) -> Unit:
    # Without edges that lead nowhere, so that the rest of the site can be checked.
    parent = unit.parent if unit.parent in units else None
    return replace(unit, parent=parent, depends_on=tuple(code for code in unit.depends_on if code in units))


def select(selector: Selector, units: Units, findings: Findings, at: Location) -> tuple[str, ...]:
    """Codes of the units that a selector chooses, in site order."""
    known = [unit.code for unit in units]
    for index, code in enumerate(selector.codes):
        if code not in units:
            findings.unknown((*at, "codes", index), "unit", code, known)
    if selector.province is not None and selector.province not in units:
        findings.unknown((*at, "province"), "unit", selector.province, known)
        return ()
    chosen = tuple(unit.code for unit in units if _chosen(selector, unit))
    if not chosen and not selector.codes and not findings.units_in_doubt:
        findings.add(at, "no unit of this site is chosen here")
    return chosen


def _chosen(selector: Selector, unit: Unit) -> bool:
    if selector.codes:
        return unit.code in selector.codes
    level = selector.level is None or unit.level == selector.level
    return level and (selector.province is None or unit.province == selector.province)


def _declared(section: UnitsSection, registry: Registry, findings: Findings) -> Iterator[tuple[Unit, Location]]:
    top = NATION.code if section.nation else None
    if section.nation:
        yield _from_registry(NATION, None), (*_AT, "nation")
    for index, province in enumerate(section.provinces):
        at: Location = (*_AT, "provinces", index)
        place = registry.get(province.code)
        if place is None or place.level is not Level.PROVINCE:
            findings.unknown((*at, "code"), "province", province.code, [known.code for known in registry.provinces])
            continue
        unit = _from_registry(place, top, tuple(province.depends_on))
        yield _dated(replace(unit, weight=province.weight), registry), (*at, "code")
        yield from _communes(province, registry, at, findings)
    for index, other in enumerate(section.others):
        yield _own(other, Level(other.level), other.kind), (*_AT, "others", index, "code")
    for index, system in enumerate(section.systems):
        yield _own(system, Level.SYSTEM, "system"), (*_AT, "systems", index, "code")


def _communes(
    province: ProvinceUnits, registry: Registry, at: Location, findings: Findings
) -> Iterator[tuple[Unit, Location]]:
    all_of_it = {place.code: place for place in registry.communes(province.code)}
    chosen = list(all_of_it) if province.communes is None else province.communes
    for code in province.commune_weights:
        if code not in chosen:
            findings.unknown((*at, "commune_weights", code), f"commune of province {province.code}", code, chosen)
    if province.communes is None:
        for place in all_of_it.values():
            yield _commune(place, province, registry), (*at, "code")
        return
    for index, code in enumerate(province.communes):
        if code in all_of_it:
            yield _commune(all_of_it[code], province, registry), (*at, "communes", index)
        else:
            findings.unknown((*at, "communes", index), f"commune of province {province.code}", code, all_of_it)


def _commune(place: Place, province: ProvinceUnits, registry: Registry) -> Unit:
    unit = _from_registry(place, province.code, tuple(province.communes_depend_on))
    return _dated(replace(unit, weight=province.commune_weights.get(unit.code, 1.0)), registry)


def _dated(unit: Unit, registry: Registry) -> Unit:
    """With the days of its code: a new kind or name is a new record of the same unit."""
    records = registry.history[unit.code]
    return replace(unit, valid_from=records[0].valid_from, valid_to=records[-1].valid_to)


def _from_registry(place: Place, parent: str | None, depends_on: tuple[str, ...] = ()) -> Unit:
    return Unit(
        code=place.code,
        level=place.level,
        kind=place.kind,
        name_vi=place.name_vi,
        name_en=place.name_en,
        name_ascii=place.name_ascii,
        parent=parent,
        province=place.province,
        depends_on=depends_on,
    )


def _own(section: OwnUnit | SystemUnit, level: Level, kind: str) -> Unit:
    return Unit(
        code=section.code,
        level=level,
        kind=kind,
        name_vi=section.name.vi,
        name_en=section.name.en,
        name_ascii=unaccent(section.name.vi),
        parent=section.parent,
        province=section.province,
        depends_on=tuple(section.depends_on),
        weight=section.weight if isinstance(section, OwnUnit) else 1.0,
        valid_from=section.valid_from,
        valid_to=section.valid_to,
    )


def _check_edges(unit: Unit, at: Location, units: Mapping[str, Unit], findings: Findings) -> None:
    around = at[:-1] if at[-1] == "code" else at
    if unit.parent is not None and unit.parent not in units:
        findings.unknown((*around, "parent"), "parent", unit.parent, units)
    if unit.level is Level.SYSTEM and unit.province is not None and unit.province not in units:
        findings.unknown((*around, "province"), "unit", unit.province, units)
    for system in unit.depends_on:
        key = "communes_depend_on" if "provinces" in at and unit.level is Level.COMMUNE else "depends_on"
        if system not in units or units[system].level is not Level.SYSTEM:
            known = [code for code, other in units.items() if other.level is Level.SYSTEM]
            _once(findings, (*at[:3], key), f"unknown system '{system}'", system, known)


def _once(findings: Findings, at: Location, what: str, name: str, known: list[str]) -> None:
    # All communes of a province share one list of systems: one mistake there is one problem.
    if not any(problem.what == what for problem in findings.problems):
        findings.unknown(at, "system", name, known)


def _check_cycles(units: Mapping[str, Unit], places: Mapping[str, Location], findings: Findings) -> None:
    parents = {code: (unit.parent,) if unit.parent else () for code, unit in units.items()}
    systems = {code: unit.depends_on for code, unit in units.items()}
    for words, edges in (("rolls up into", parents), ("depends on", systems)):
        if ring := _ring(edges):
            chain = f" {words} ".join(f"'{code}'" for code in (*ring, ring[0]))
            findings.add(places[ring[0]], f"units go round in a circle: {chain}")


def _ring(edges: Mapping[str, tuple[str, ...]]) -> tuple[str, ...]:
    """The codes of one circle, or nothing. Leaves are taken away until only circles and what leads to them remain."""
    left = {code: [to for to in ends if to in edges] for code, ends in edges.items()}
    while leaves := [code for code, ends in left.items() if not any(to in left for to in ends)]:
        for code in leaves:
            del left[code]
    if not left:
        return ()
    walk = [next(iter(left))]
    while (step := next(to for to in left[walk[-1]] if to in left)) not in walk:
        walk.append(step)
    return tuple(walk[walk.index(step) :])
