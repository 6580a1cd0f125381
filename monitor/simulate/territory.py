"""Which province is simulated: its code, its communes, and the codes the portal knows them by."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from monitor.registry import Registry


@dataclass(frozen=True, slots=True)
class Commune:
    """A commune, ward or special zone: five-digit code (a string) and full name."""

    code: str
    name: str


@dataclass(frozen=True, slots=True)
class Territory:
    """A province with its communes by code; `portal_codes` maps a unit's code to the portal's department code."""

    code: str
    name: str
    communes: tuple[Commune, ...]
    portal_codes: Mapping[str, str]

    @property
    def root(self) -> str:
        """The department code of the province itself, such as `H19`."""
        return self.portal_codes.get(self.code, f"H{self.code}")


def build_territory(
    code: str, name: str, communes: Sequence[Commune], mapping: Mapping[str, str] | None = None
) -> Territory:
    """A territory whose communes are in the order of their codes.

    `mapping` is unit code by portal code, as the site's mapping file has it; communes it leaves out get
    the next free `H<province>.<nn>`.
    """
    ordered = tuple(sorted(communes, key=lambda commune: commune.code))
    codes = {unit: portal for portal, unit in (mapping or {}).items()}
    taken = set(codes.values())
    numbers = (f"H{code}.{number:02d}" for number in range(1, 10_000))
    free = (portal for portal in numbers if portal not in taken)
    for commune in ordered:
        if commune.code not in codes:
            codes[commune.code] = next(free)
    return Territory(code, name, ordered, codes)


def registered_territory(registry: Registry, code: str, mapping: Mapping[str, str] | None = None) -> Territory:
    """A province of the registry with all its communes. Raises LookupError for a code that is no province."""
    province = registry.get(code)
    communes = [Commune(place.code, place.name_vi) for place in registry.communes(code)]
    if province is None or not communes:
        raise LookupError(f"{code!r} is no province of the registry")
    return build_territory(code, province.name_vi, communes, mapping)
