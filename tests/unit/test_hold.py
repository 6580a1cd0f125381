"""Holds: how much a new colour must show before it counts."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.engine import hold as holds
from monitor.engine import reasons
from monitor.engine.book import Flap, Need
from monitor.engine.explain import sentence
from monitor.engine.flapping import Swing, greatest, pinned, remembered, share, swing
from monitor.engine.hold import hold, rest
from monitor.model.colour import Colour
from monitor.model.unit import Level
from monitor.model.verdict import CriterionState, Reason, Verdict
from tests.unit.engine_scene import DAY, GREEN, HOUR, MINUTE, NOON, RED, UNKNOWN, YELLOW, rule

LETTERS = {"G": GREEN, "Y": YELLOW, "R": RED, "?": UNKNOWN, "x": Colour.EXCLUDED}


def step(before, colour, now, criterion, received=None) -> CriterionState:
    verdict = Verdict(colour, (), 1.0, as_of=received or now, received_at=received or now)
    return hold(before, verdict, criterion, Level.COMMUNE, now)


def history(raws: str, criterion, before: CriterionState | None = None) -> list[CriterionState]:
    """One reading a minute, each of the colour that its letter says."""
    states = []
    for minute, letter in enumerate(raws):
        before = step(before, LETTERS[letter], NOON + minute * MINUTE, criterion)
        states.append(before)
    return states


def shown(raws: str, criterion) -> str:
    names = {colour: letter for letter, colour in LETTERS.items()}
    return "".join(names[state.colour] for state in history(raws, criterion))


TWICE_DOWN_THRICE_UP = rule(hold=Need(2), keep=Need(3))


@pytest.mark.parametrize(
    ("raws", "expected"),
    [
        ("GRRGGG", "GGRRRG"),  # two bad ones to get worse, three good ones to get better
        ("GRGRGR", "GGGGGG"),  # a single one never counts
        ("GRR?RGG?G", "GGR?RRR?R"),  # silence is shown at once; it breaks the run, it improves nothing
        ("RRR", "?RR"),  # the first bad one of an unknown unit waits as well
        ("GG", "GG"),
        ("YY", "YY"),
        ("?G", "?G"),
        ("GxG", "GxG"),
        ("RRG?GGG", "?RR?RRG"),
        ("GYYRR", "GGYYR"),
        ("RRYYYGGG", "?RRRYYYG"),
    ],
)
def test_a_colour_counts_after_enough_readings_in_a_row(raws, expected):
    assert shown(raws, TWICE_DOWN_THRICE_UP) == expected


@pytest.mark.parametrize(
    ("raws", "expected"),
    [
        ("GYRYRYR", "GGYYYYY"),  # bad in every reading: not green, though neither yellow nor red came twice in a row
        ("GRYRY", "GGYYY"),
        ("GRYRR", "GGYYR"),
        ("RRGYGYGY", "?RRRYYYY"),
        ("RRGGYGGG", "?RRRYYYG"),
    ],
)
def test_what_is_never_fine_is_not_called_fine_because_it_changes_between_yellow_and_red(raws, expected):
    assert shown(raws, TWICE_DOWN_THRICE_UP) == expected


def test_sc_41_three_attempts_until_a_problem_is_hard_and_one_good_one_ends_it():
    """SC-41."""
    assert shown("GRRRG", rule(hold=Need(3))) == "GGGRG"


def test_sc_31_for_one_minute_keep_one_minute():
    """SC-31: pending at 0, firing 1 to 4 (kept one minute after it cleared), gone at 5."""
    criterion = rule(hold=Need(1, 60), keep=Need(1, 60))
    calm = step(None, GREEN, NOON - MINUTE, criterion)
    assert [state.colour for state in history("RRRRGGG", criterion, calm)] == [GREEN, RED, RED, RED, RED, GREEN, GREEN]


def test_sc_32_what_clears_while_it_waits_was_never_there():
    """SC-32: `keep` applies only to what had become real."""
    criterion = rule(hold=Need(1, 60), keep=Need(1, 600))
    calm = step(None, GREEN, NOON - MINUTE, criterion)
    assert [state.colour for state in history("RGGG", criterion, calm)] == [GREEN] * 4


def test_sc_56_ten_minutes_of_red_are_red_and_five_are_waiting_not_nothing():
    """SC-56: not yet due is not the same as nobody covers this."""
    criterion = rule(hold=Need(1, 600))
    states = history("G" + "R" * 16, criterion)
    assert states[6].colour is GREEN
    assert states[6].reasons[-1].code == reasons.PENDING
    assert states[6].raw is RED
    assert states[11].colour is RED
    assert states[16].reasons == ()


def test_what_waits_for_time_is_looked_at_when_it_ripens():
    criterion = rule(hold=Need(1, 600))
    calm = step(None, GREEN, NOON, criterion)
    waiting = step(calm, RED, NOON + MINUTE, criterion)
    assert waiting.verdict.recheck_at == NOON + 11 * MINUTE
    ripe = step(waiting, RED, NOON + 11 * MINUTE, criterion, received=NOON + MINUTE)
    assert (ripe.colour, ripe.level, ripe.level_since) == (RED, RED, NOON + 11 * MINUTE)


def test_looking_again_at_the_same_reading_is_not_another_reading():
    calm = step(None, GREEN, NOON, TWICE_DOWN_THRICE_UP)
    state = step(calm, RED, NOON + MINUTE, TWICE_DOWN_THRICE_UP)
    for minute in range(2, 10):
        state = step(state, RED, NOON + minute * MINUTE, TWICE_DOWN_THRICE_UP, received=NOON + MINUTE)
    assert (state.colour, state.raw_count) == (GREEN, 1)


def test_both_needs_must_be_met():
    criterion = rule(hold=Need(3, 600))
    assert shown("G" + "R" * 11, criterion) == "G" * 11 + "R"
    calm = step(None, GREEN, NOON, criterion)
    two = step(step(calm, RED, NOON + HOUR, criterion), RED, NOON + 2 * HOUR, criterion)
    assert two.colour is GREEN


def test_a_run_that_a_deadline_starts_begins_now_and_not_at_the_old_reading():
    criterion = rule(hold=Need(1, 600))
    early = step(None, YELLOW, NOON, criterion)
    late = step(early, RED, NOON + DAY, criterion, received=NOON)
    assert (late.colour, late.raw_since) == (YELLOW, NOON + DAY)


def test_silence_remembers_the_last_real_level_and_when_it_began():
    states = history("GRR??", TWICE_DOWN_THRICE_UP)
    assert (states[-1].colour, states[-1].level, states[-1].level_since) == (UNKNOWN, RED, NOON + 2 * MINUTE)
    assert states[-1].since == NOON + 3 * MINUTE


def test_after_silence_the_old_level_is_shown_at_once_when_it_is_still_true():
    assert shown("GRR?R", TWICE_DOWN_THRICE_UP) == "GGR?R"


def rolled(before, colour, now, criterion, cadence=0.0) -> CriterionState:
    return hold(before, Verdict(colour, (), 1.0, as_of=now, source="roll-up"), criterion, Level.PROVINCE, now, cadence)


def test_a_roll_up_has_no_readings_to_count_so_only_its_seconds_hold_it():
    criterion = rule(hold=Need(2, 60))
    waiting = rolled(rolled(None, GREEN, NOON, criterion), RED, NOON + MINUTE, criterion)
    assert (waiting.colour, waiting.verdict.recheck_at) == (GREEN, NOON + 2 * MINUTE)
    assert rolled(waiting, RED, NOON + 2 * MINUTE, criterion).colour is RED


@pytest.mark.parametrize(("minutes", "goes_on"), [(4, True), (5, False)])
def test_the_gap_of_a_roll_up_begins_when_it_falls_silent_and_not_at_its_last_change(minutes, goes_on):
    first = rolled(None, YELLOW, NOON, rule(), 60)
    red = rolled(first, RED, NOON + MINUTE, rule(), 60)
    silent = rolled(red, UNKNOWN, NOON + HOUR, rule(), 60)
    still = rolled(silent, UNKNOWN, NOON + HOUR + MINUTE, rule(), 60)
    back = rolled(still, RED, NOON + HOUR + minutes * MINUTE, rule(), 60)
    assert (first.seen, red.seen, silent.seen, still.seen, back.seen) == (None, None, NOON + HOUR, NOON + HOUR, None)
    assert back.episode_since == (NOON + MINUTE if goes_on else NOON + HOUR + minutes * MINUTE)


@given(st.text("GYR?x", max_size=30), st.integers(1, 4), st.integers(1, 4), st.sampled_from([0, 60, 150]))
def test_what_is_shown_was_seen(raws, worse, better, seconds):
    """Never a colour that no reading had, nothing remembered as level that was not real, `since` only with a change."""
    states = history(raws, rule(hold=Need(worse, seconds), keep=Need(better, seconds)))
    for number, state in enumerate(states):
        seen = {LETTERS[letter] for letter in raws[: number + 1]}
        assert state.colour in seen | {UNKNOWN, YELLOW}
        assert state.level.known or state.level is UNKNOWN
        assert state.colour is state.level or not state.colour.known
        if state.raw is GREEN and state.colour is not GREEN:
            assert state.level in (YELLOW, RED)
        if number and state.colour is states[number - 1].colour:
            assert state.since == states[number - 1].since
        elif number:
            assert state.since == NOON + number * MINUTE


@given(st.text("GYR", min_size=1, max_size=30))
def test_without_holds_the_raw_colour_is_shown(raws):
    assert shown(raws, rule()) == raws


@given(st.text("GYR?", max_size=25), st.integers(1, 3), st.sampled_from([0, 90, 300]))
def test_looking_only_when_told_to_sees_what_looking_every_second_sees(raws, readings, seconds):
    """Between two readings nothing changes before `recheck_at`."""
    criterion = rule(hold=Need(readings, seconds), keep=Need(readings, seconds))
    state: CriterionState | None = None
    for minute, letter in enumerate(raws):
        received = NOON + minute * MINUTE
        state = step(state, LETTERS[letter], received, criterion)
        for second in range(1, 60, 3):
            now = received + timedelta(seconds=second)
            again = step(state, LETTERS[letter], now, criterion, received=received)
            due = state.verdict.recheck_at
            assert again.colour is state.colour or (due is not None and due <= now)
            state = again if due is not None and due <= now else state


def test_a_restart_resets_no_run():
    """The state is all that a run needs: it may come from the store."""
    first = history("GR", TWICE_DOWN_THRICE_UP)[-1]
    assert step(first, RED, NOON + 5 * MINUTE, TWICE_DOWN_THRICE_UP).colour is RED


FLAPS = Flap(40, 20, 9)


@pytest.mark.parametrize(
    ("raws", "criterion", "said"),
    [
        ("GR", rule(hold=Need(3, 90)), "waiting to confirm red: 1 of 3 readings, 90 s"),
        (
            "GYRGR", rule(hold=Need(3, of=5), keep=Need(2)),
            "waiting to confirm red: 2 so far, 3 of the last 5 readings are needed",
        ),
        (
            "GR" * 5, rule(flap=Flap(30, 25)),
            "flapping: 49.5 % changes in 21 readings (over when below 25 %), shown at its worst, red",
        ),
    ],
)  # fmt: skip
def test_what_is_not_shown_as_it_was_read_says_why(raws, criterion, said):
    assert sentence(history(raws, criterion)[-1].reasons[-1], "en") == said


@pytest.mark.parametrize(
    ("raws", "criterion"),
    [
        ("GR", TWICE_DOWN_THRICE_UP),
        ("RGRGRGRGR" + "G" * 9 + "Y", rule(keep=Need(50), flap=FLAPS)),
        ("GRGRGRGRG", rule(keep=Need(1, 1800), flap=FLAPS)),  # no time ends a flapping before it is calm
    ],
)
def test_what_only_a_reading_can_end_is_not_looked_at_again_before_one_comes(raws, criterion):
    waiting = history(raws, criterion)[-1]
    assert waiting.raw is not waiting.colour and waiting.verdict.recheck_at is None


def test_flapping_goes_on_in_a_calm_until_the_colour_that_is_then_true_has_met_its_need():
    states = history("GRGRGRGRG" + "R" * 31, rule(hold=Need(1, 1800), flap=FLAPS))
    calm, last, over = states[18], states[38], states[39]
    assert calm.flapping_since == last.flapping_since is not None
    assert calm.verdict.recheck_at == last.verdict.recheck_at == NOON + 39 * MINUTE
    assert (over.flapping_since, over.colour) == (None, RED)


def test_a_run_begins_where_the_source_says_and_not_where_we_heard_of_it():
    told_late = Verdict(RED, (), 1.0, as_of=NOON - HOUR, received_at=NOON)
    calm = step(None, GREEN, NOON - DAY, rule(hold=Need(1, 3600)))
    assert hold(calm, told_late, rule(hold=Need(1, 3600)), Level.COMMUNE, NOON).colour is RED


@pytest.mark.parametrize(
    ("raws", "shown_last"),
    [
        ("RR", RED),  # the first reading of all counts among the last three
        ("G?RR", RED),  # and so does the first one after a gap
        ("G?R", GREEN),
        ("GRR?R", RED),
    ],
)
def test_two_of_three_count_every_reading_since_the_last_silence(raws, shown_last):
    assert history(raws, rule(hold=Need(2, of=3)))[-1].colour is shown_last


def test_what_was_yellow_and_then_green_is_not_called_green_for_two_readings_of_three():
    assert shown("RYGG", rule(keep=Need(2, of=3))) == "RRYG"


@pytest.mark.parametrize(
    ("raws", "criterion", "began"),
    [
        ("GYR", TWICE_DOWN_THRICE_UP, 1),  # yellow for both of them: the first one began it
        ("GRY", TWICE_DOWN_THRICE_UP, 1),  # whichever of them comes first: both were at least as bad as yellow
        ("RYGY", rule(keep=Need(3)), 1),  # no longer red: the same on the way back
        ("GYRRRRRRRRR", rule(hold=Need(1, 450)), 2),  # red: the yellow before it was another event
        ("GYR.......R", rule(hold=Need(1, 450)), 2),  # looked at too seldom for the yellow between to be shown
    ],
)
def test_an_event_begins_with_the_first_reading_that_made_its_level(raws, criterion, began):
    state: CriterionState | None = None
    for minute, letter in enumerate(raws):
        if letter != ".":
            state = step(state, LETTERS[letter], NOON + minute * MINUTE, criterion)
    assert state is not None and state.level is not GREEN
    assert state.episode_since == NOON + began * MINUTE


def test_the_event_of_a_state_that_was_stored_before_events_had_an_age_is_as_old_as_its_level():
    stored = replace(step(None, RED, NOON, rule()), episode_since=None)
    assert step(stored, RED, NOON + MINUTE, rule()).episode_since == NOON


def promised(letters: str, cadences: list[float]) -> CriterionState:
    """One reading or look in two minutes: `=` looks again at the reading before, `?` finds it too old."""
    state, received = None, NOON
    for number, (letter, cadence) in enumerate(zip(letters, cadences, strict=True)):
        now = NOON + 2 * number * MINUTE
        received = received if letter in "=?" else now
        colour = UNKNOWN if letter == "?" else RED
        verdict = Verdict(colour, (), 1.0, as_of=received, received_at=received)
        state = hold(state, verdict, rule(), Level.COMMUNE, now, cadence)
    assert state is not None
    return state


@pytest.mark.parametrize(
    ("letters", "cadences", "began", "back"),
    [
        ("R?R", [60, 60, 60], 0, None),
        ("R?R", [59, 60, 60], 2, 2),
        ("RR?R", [3600, 59, 60, 60], 3, 3),  # a reading brings a new promise with it
        ("R=?R", [59, 3600, 60, 60], 3, 3),  # looking again does not
        ("R?R?R", [59, 60, 59, 60, 60], 4, 4),  # each gap is judged by itself
        ("R?R?R", [59, 60, 60, 60, 60], 2, 2),  # a short gap goes back to the long one before it
        ("R?RR?", [59, 60, 60, 60, 60], 2, 2),
        ("?R", [3600, 3600], 1, 1),  # before the first reading nothing was promised
    ],
)
def test_the_age_of_an_event_reaches_back_to_the_last_long_gap(letters, cadences, began, back):
    state = promised(letters, cadences)
    assert state.episode_since == NOON + 2 * began * MINUTE
    assert state.back_since == (None if back is None else NOON + 2 * back * MINUTE)


def test_where_nothing_is_promised_every_gap_is_a_long_one():
    silent = step(step(None, RED, NOON, rule()), UNKNOWN, NOON + timedelta(seconds=1), rule(), received=NOON)
    back = NOON + timedelta(seconds=2)
    assert step(silent, RED, back, rule()).episode_since == back
    assert promised("?", [3600]).promise == 0


def test_readings_before_a_silence_are_none_of_the_last_three_even_where_the_gap_was_short():
    criterion, state = rule(hold=Need(2, of=3)), None
    for minute, letter in enumerate("GR?R"):
        now = NOON + minute * MINUTE
        heard = now - MINUTE if letter == "?" else now
        verdict = Verdict(LETTERS[letter], (), 1.0, as_of=heard, received_at=heard)
        state = hold(state, verdict, criterion, Level.COMMUNE, now, 60.0)
    assert state is not None and (state.colour, state.recent) == (GREEN, "GRR")


def test_a_criterion_has_the_weight_of_its_level_and_is_as_critical_as_its_rule():
    weights = {Level.COMMUNE: 7.0, Level.PROVINCE: 3.0}
    state = step(None, RED, NOON, rule(weight=weights, critical=True))
    assert (state.weight, state.critical) == (7.0, True)
    assert step(None, RED, NOON, rule(weight={})).weight == 0


def set_back(before: CriterionState, now: datetime) -> CriterionState:
    """Looked at once more, with the clock an hour behind the last reading."""
    return hold(before, before.verdict, TWICE_DOWN_THRICE_UP, Level.COMMUNE, now, 60.0)


def test_a_clock_that_is_set_back_brings_back_only_what_lies_ahead_of_it():
    long_ago, back = NOON - DAY, NOON - HOUR
    red = replace(
        step(None, RED, NOON, TWICE_DOWN_THRICE_UP), level=RED, raw_since=long_ago, raw_count=5, away_since=long_ago,
        episode_since=long_ago, back_since=long_ago,
    )  # fmt: skip
    seen = set_back(red, back)
    assert (seen.raw_since, seen.raw_count, seen.episode_since) == (long_ago, 5, long_ago)
    assert seen.back_since == long_ago
    ahead = set_back(replace(red, raw_since=NOON, away_since=NOON, episode_since=NOON, back_since=NOON), back)
    assert (ahead.raw_since, ahead.episode_since, ahead.back_since) == (back, back, back)


def test_what_is_on_its_way_when_the_clock_is_set_back_keeps_its_age_and_its_silence():
    waiting = history("GR", TWICE_DOWN_THRICE_UP)[-1]
    assert set_back(replace(waiting, away_since=NOON - DAY), NOON - HOUR).away_since == NOON - DAY
    assert set_back(waiting, NOON - HOUR).away_since == NOON - HOUR
    silent = history("G?", TWICE_DOWN_THRICE_UP)[-1]
    assert set_back(silent, NOON - HOUR).seen == NOON - HOUR


# -- flapping ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("recent", "window", "percent"),
    [
        ("", 21, 0.0), ("G", 21, 0.0), ("GGG", 3, 0.0),
        ("GRR", 3, 40.0), ("GGR", 3, 50.0), ("GRG", 3, 90.0),  # the older of two places weighs 0.8, the newer 1.0
        ("GR", 3, 50.0),  # what is not there yet was calm
        ("RGGG", 3, 0.0),  # what is out of the window is forgotten
        ("GGGR", 4, 35.6), ("GRG", 21, 11.7),
    ],
)  # fmt: skip
def test_the_share_of_changes_weighs_the_newest_most(recent, window, percent):
    assert share(recent, window) == percent


def test_the_greatest_share_is_that_of_readings_that_all_differ():
    assert [greatest(window) for window in (2, 3, 21)] == [80.0, 90.0, 99.0]


def flapping(since, settled, recent, flap):
    before = replace(step(None, GREEN, NOON, rule()), flapping_since=since)
    return swing(flap, recent, before, settled, NOON + HOUR)


@pytest.mark.parametrize(
    ("since", "settled", "recent", "now_since"),
    [
        (None, True, "GGR", NOON + HOUR),  # 50 per cent is enough to begin with
        (None, True, "GRR", None),
        (NOON, True, "GRR", NOON),  # 40 per cent is not yet less than 40
        (NOON, True, "GGG", None),
        (NOON, False, "GGG", NOON),  # calm, but the colour that is then true has still to be confirmed
        (NOON, False, "GRG", NOON), (NOON, True, "GRG", NOON),
    ],
)  # fmt: skip
def test_flapping_begins_at_its_start_and_ends_below_its_end_when_a_colour_is_settled(
    since, settled, recent, now_since
):
    found = flapping(since, settled, recent, Flap(50.0, 40.0, 3))
    assert (found.since, found.share, found.end, found.window) == (now_since, share(recent, 3), 40.0, 3)
    assert found.calm is (recent == "GGG")
    assert flapping(since, settled, recent, None).since is None


def test_the_first_reading_of_all_does_not_flap():
    assert swing(Flap(50.0, 40.0, 3), "G", None, True, NOON).since is None


def test_twenty_one_known_colours_are_remembered_and_the_worst_of_the_window_is_shown():
    recent = ""
    for colour in (RED, *[GREEN] * 19, YELLOW, UNKNOWN, Colour.EXCLUDED):
        recent = remembered(recent, colour)
    assert recent == "R" + "G" * 19 + "Y"
    assert remembered(recent, GREEN) == "G" * 19 + "YG"
    for window, base, worst in ((20, GREEN, YELLOW), (21, GREEN, RED), (20, RED, RED), (30, GREEN, RED)):
        assert pinned(Swing(NOON, 90.0, 25.0, window), recent, base) is worst


PLANNED = Verdict(Colour.MAINTENANCE, (Reason(reasons.UNDER_MAINTENANCE, {}),))


def resting(since: datetime, **changes) -> CriterionState:
    """What is committed of a criterion under maintenance."""
    state = CriterionState(
        "rate", Colour.MAINTENANCE, since, Colour.MAINTENANCE, since, Colour.MAINTENANCE, since, 0, PLANNED,
        weight=10.0, critical=True,
    )  # fmt: skip
    return replace(state, **changes)


@pytest.mark.parametrize("before", [None, *history("GR?RRRG", replace(TWICE_DOWN_THRICE_UP, critical=True))])
def test_maintenance_is_shown_at_once_and_nothing_before_it_is_remembered(before):
    criterion = replace(TWICE_DOWN_THRICE_UP, critical=True)
    now = NOON + HOUR
    assert rest(before, PLANNED, criterion, Level.COMMUNE, now) == resting(now)
    assert hold(before, PLANNED, criterion, Level.COMMUNE, now) == resting(now)
    inherited = rest(before, PLANNED, criterion, Level.COMMUNE, now, "HT")
    assert inherited == resting(now, caused_by="HT")


def test_maintenance_that_goes_on_keeps_its_age_and_weighs_nothing_where_the_criterion_has_no_weight():
    criterion = replace(TWICE_DOWN_THRICE_UP, critical=True, weight={Level.PROVINCE: 10.0})
    later = rest(resting(NOON), PLANNED, criterion, Level.COMMUNE, NOON + HOUR)
    assert later == resting(NOON, weight=0.0)
    assert hold(resting(NOON), PLANNED, criterion, Level.COMMUNE, NOON + HOUR) == later


def test_after_maintenance_a_run_begins_with_its_first_look_and_not_at_an_older_claim():
    after = step(resting(NOON), RED, NOON + HOUR, TWICE_DOWN_THRICE_UP, received=NOON + MINUTE)
    assert (after.raw_since, after.raw_count) == (NOON + HOUR, 1)
    assert after.colour is Colour.MAINTENANCE


# -- nearly all readings say again what is there -----------------------------------------------------------------------

STEPS = st.lists(
    st.tuples(
        st.sampled_from("GGGGGGGGRRRY?x"),
        st.sampled_from((15, 15, 60, 60, 600, 7200, -300)),  # seconds from the step before; the clock may be set back
        st.sampled_from((True, True, True, False)),  # whether it is a reading, or time alone
    ),
    min_size=1,
    max_size=50,
)
HELD = st.sampled_from((
    rule(hold=Need(2), keep=Need(3), flap=Flap(50.0, 25.0)),
    rule(hold=Need(1, 90), keep=Need(2, 300), flap=Flap(30.0, 20.0, 8)),
    rule(hold=Need(2, of=3), keep=Need(3, of=5)),
    rule(flap=Flap(0.0, 0.0)),
    rule(),
))  # fmt: skip


@given(steps=STEPS, criterion=HELD, rolled=st.booleans(), cadence=st.sampled_from((0.0, 60.0)))
def test_what_is_said_again_goes_on_as_the_table_would_have_it(steps, criterion, rolled, cadence):
    before, now, received = None, NOON, NOON
    for letter, seconds, is_news in steps:
        now += timedelta(seconds=seconds)
        received = now if is_news else received
        claimed = None if rolled else received
        verdict = Verdict(LETTERS[letter], (), 1.0, as_of=claimed, received_at=claimed)
        known = holds._not_after(now, before)
        after = hold(before, verdict, criterion, Level.COMMUNE, now, cadence)
        assert after == holds._by_table(known, verdict, criterion, Level.COMMUNE, now, cadence)
        before = after
