"""The one pure doorway: (state, evidence, rules, now) in, a Decision out. Nothing here knows a clock or a network.

`decide` is called for a unit when it has news or when its `recheck_at` has come; in between nothing can change. Its
order is that of `monitor.decide.unit`: what was heard (`engine`), the criteria, the sources that are silent, the
troubles and what shelters them, the standing of the unit, and the reaction of its incidents (`alerting`).
"""

from monitor.decide.answering import acknowledge, check_told, hand_on, holds_post
from monitor.decide.aside import darken, set_aside
from monitor.decide.listeners import listeners
from monitor.decide.policy import Policy, Watch
from monitor.decide.scenes import scene_of
from monitor.decide.silent import brings_nothing
from monitor.decide.unit import AGE_PART, CALM, decide, may_wait
from monitor.decide.view import View

__all__ = [
    "AGE_PART",
    "CALM",
    "Policy",
    "View",
    "Watch",
    "acknowledge",
    "brings_nothing",
    "check_told",
    "darken",
    "decide",
    "hand_on",
    "holds_post",
    "listeners",
    "may_wait",
    "scene_of",
    "set_aside",
]
