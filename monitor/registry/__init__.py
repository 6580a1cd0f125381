"""The units of Vietnam's two-tier local government: 34 provinces and 3,321 communes, wards and special zones.

Facts come as CSV beside this module and are loaded with the standard library. Codes are strings and stay; kinds and
names are facts with validity dates. Where the facts come from: docs/data-sources.md.
"""

from monitor.registry.loading import load_registry
from monitor.registry.lookup import Names, Registry
from monitor.registry.mapping import CodeMapping, foreign_code, read_mapping
from monitor.registry.records import NATION, Ambiguous, Former, Found, Match, NotFound, Place

__all__ = [
    "NATION",
    "Ambiguous",
    "CodeMapping",
    "Former",
    "Found",
    "Match",
    "Names",
    "NotFound",
    "Place",
    "Registry",
    "foreign_code",
    "load_registry",
    "read_mapping",
]
