"""Codes of the machine-readable reasons. Sentences for them are in monitor.engine.explain."""

from __future__ import annotations

from typing import Final

NO_DATA: Final = "no_data"  # nothing was ever received
STALE: Final = "stale"  # age, limit (seconds): too old to be believed
WRONG_TYPE: Final = "wrong_type"  # value: a word where a number is expected, or the other way round
NO_BAND: Final = "no_band"  # value: no band of the rule covers it
SMALL_SAMPLE: Final = "small_sample"  # sample, needed: too few cases to judge a rate
BAND: Final = "band"  # value, band
UNDECIDED: Final = "undecided"  # value, band: the source's "more than x" may or may not reach green
TARGET_MET: Final = "target_met"  # value, goal
NOT_YET: Final = "not_yet"  # value, goal, gap, days: unmet, and there is time
BELOW_FLOOR: Final = "below_floor"  # value, floor
OVERDUE: Final = "overdue"  # value, goal, days: the deadline passed unmet
EXPLAINED: Final = "explained"  # system, criterion: it is down, so nobody is called for this
AWAITED: Final = "awaited"  # system, criterion, until: its next answer is waited for before anybody is called
COLLAPSED: Final = "collapsed"  # unit: part of a mass outage there
INHERITED: Final = "inherited"  # system: taken over from the system the unit depends on
PENDING: Final = "pending"  # raw, readings, seconds: a hold has not ripened
CHILDREN: Final = "children"  # green, yellow, red, unknown, total
RED_SHARE: Final = "red_share"  # share, limit (per cent)
KNOWN_SHARE: Final = "known_share"  # known, needed (per cent): too little is known
EMPTY_GROUP: Final = "empty_group"  # no child that counts
CRITICAL_RED: Final = "critical_red"  # criterion
CRITICAL_UNKNOWN: Final = "critical_unknown"  # criterion
LOW_SCORE: Final = "low_score"  # score, limit (ratio)
CRITERION_RED: Final = "criterion_red"  # criterion: red but not critical, so yellow at best
CRITERION_YELLOW: Final = "criterion_yellow"  # criterion, weight
LAST_LEVEL: Final = "last_level"  # criterion, level: it fell silent at that level
ALL_GREEN: Final = "all_green"  # score
NO_CRITERIA: Final = "no_criteria"
BLIND: Final = "blind"  # error: the store has been away for a minute, so nothing new could be committed
SET_ASIDE: Final = "set_aside"  # error: judging this unit broke; it is tried again within a minute
RULE_BROKEN: Final = "rule_broken"  # error: this rule cannot be judged; the others go on
FORECAST_BROKEN: Final = "forecast_broken"  # error: the way to the goal cannot be told; the colour stands
WITHIN_MARGIN: Final = "within_margin"  # value, goal, days, margin: the deadline passed, missed by little
BEHIND_PACE: Final = "behind_pace"  # value, expected, tolerance: less than the curve asks for today
EXEMPTED: Final = "exempted"  # paper, old, new: the first instants that are too late, without and with the exemption
FORMULA: Final = "formula"  # expression: the free condition that is true
NO_FORMULA: Final = "no_formula"  # no free condition of the rule is true
INPUT_MISSING: Final = "input_missing"  # indicator: a free condition lacks it
INPUT_STALE: Final = "input_stale"  # indicator, age, limit (hours)
INPUT_INEXACT: Final = "input_inexact"  # indicator, sign, value: the source only says "more than"
FORMULA_ERROR: Final = "formula_error"  # expression, error
FLAPPING: Final = "flapping"  # share, end (per cent), readings, worst: it changes too often to be believed
PENDING_AMONG: Final = "pending_among"  # raw, count, readings, among: fewer than N of the last M readings say so
AGEING: Final = "ageing"  # age, limit (seconds): old, but still believed
WIDER_WINDOW: Final = "wider_window"  # window, months, of, sample, needed, month: judged by more than its month
WINDOWS_TRIED: Final = "windows_tried"  # quarter, year: cases in the wider windows, None where they cannot be summed
SOURCES_DISAGREE: Final = "sources_disagree"  # source, value, other, other_value, difference, limit
STAND_IN: Final = "stand_in"  # source, preferred: the preferred source is silent
POINTS: Final = "points"  # points, maximum, value, target: what a rate earns in its book's index
REPORTED_DIFFERS: Final = "reported_differs"  # reported, computed, source, as_of
NTH_BEST: Final = "nth_best"  # nth, reached, level: so many children are at least at that level
NTH_UNKNOWN: Final = "nth_unknown"  # nth: fewer children than that are known
CHILDREN_EXCLUDED: Final = "children_excluded"  # as CHILDREN, and excluded: children outside the total
CHILDREN_SILENT: Final = "children_silent"  # yellow, red: children that fell silent at that level and still count so
IN_THE_WAY: Final = "in_the_way"  # units (codes, nearest to green first), total, more: what keeps a group from its goal
SUMMED: Final = "summed"  # known, total, excluded: children whose figures make the sum
UNCLEAR_SUM: Final = "unclear_sum"  # value: "more than" and "less than" among the figures
INDEX_DIFFERS: Final = "index_differs"  # book, reported, computed
NOT_THERE_YET: Final = "not_there_yet"  # start: first instant at which the unit is there
UNDER_MAINTENANCE: Final = "under_maintenance"  # window, until, comment: planned work, so nothing is judged
AFTER_MAINTENANCE: Final = "after_maintenance"  # nothing was heard yet since it ended
NO_MORE: Final = "no_more"  # end: first instant at which the unit is there no more
