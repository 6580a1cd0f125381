"""Virtual time, scripted neighbours, and the seeded simulation of a whole service."""

from monitor.testing.clock import Deadlock, HandClock, LoopClock, StillClock, VirtualLoop, VirtualTimetable, run
from monitor.testing.doubles import RecordingTransport, Reply, Ring, ScriptedSource

__all__ = [
    "Deadlock",
    "HandClock",
    "LoopClock",
    "RecordingTransport",
    "Reply",
    "Ring",
    "ScriptedSource",
    "StillClock",
    "VirtualLoop",
    "VirtualTimetable",
    "run",
]
