"""A simulated province to poll: a seeded, reproducible HTTP server on loopback that behaves like the world.

It serves every centre's health, the shared systems, a KPI feed in the shape of the national portal's
2026 API, a hand-kept CSV and a Prometheus page; commands over HTTP break and mend each of them.
"""

from monitor.simulate.controls import ControlError as ControlError
from monitor.simulate.serve import SimulateOptions as SimulateOptions
from monitor.simulate.serve import serve as serve
from monitor.simulate.server import SimulatedProvince as SimulatedProvince
from monitor.simulate.territory import Commune as Commune
from monitor.simulate.territory import Territory as Territory
from monitor.simulate.territory import build_territory as build_territory
from monitor.simulate.territory import registered_territory as registered_territory
from monitor.simulate.world import World as World
