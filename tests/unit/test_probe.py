"""What all probes share: attempts are counted, figures become readings, secrets stay out of transcripts."""

from __future__ import annotations

from datetime import UTC, datetime

from monitor.adapters.clock import SystemClock
from monitor.adapters.probes.outcome import MAX_LINES, Outcome, Transcript
from monitor.adapters.probes.probe import Probe
from monitor.config.probespec import IcmpCheck, ProbeSpec, TcpCheck
from monitor.engine.rolling import Derived, What
from monitor.model.reading import Collected
from monitor.model.rolling import Answer

NOW = datetime(2026, 11, 21, 5, tzinfo=UTC)
CLOCK = SystemClock()
DOWN, WELL = Outcome("connection refused", transcript=("refused",)), Outcome("", transcript=("connected",))


DERIVES = (Derived("slow", What.P95, 3600.0),)


async def polled(
    *outcomes: Outcome, retries: int = 2, also: dict[str, str] | None = None, spec: ProbeSpec | None = None
) -> Collected:
    coming = iter(outcomes)

    async def ask(now: datetime) -> Outcome:
        assert now == NOW
        return next(coming)

    plain = ProbeSpec("line/19", "19", "up", 60.0, 5.0, TcpCheck("127.0.0.1", 1), retries, also or {})
    return await Probe(spec or plain, ask, CLOCK).collect(NOW)


async def test_a_target_that_is_well_is_asked_once():
    collected = await polled(WELL)
    [reading] = collected.readings
    assert (reading.unit, reading.indicator, reading.value, reading.note) == ("19", "up", True, "")
    assert collected.check is not None
    assert (collected.check.attempts, collected.check.transcript) == (1, ("connected",))


async def test_a_target_that_answers_when_asked_again_is_well_and_says_so():
    collected = await polled(DOWN, WELL)
    [reading] = collected.readings
    assert (reading.value, reading.note) == (True, "well at attempt 2; before: connection refused")
    assert collected.check is not None
    assert collected.check.attempts == 2
    assert collected.check.transcript == ("attempt 1", "refused", "attempt 2", "connected")


async def test_a_target_that_stays_down_is_asked_no_more_often_than_the_config_says():
    collected = await polled(DOWN, DOWN, DOWN)
    assert [(reading.value, reading.note) for reading in collected.readings] == [(False, "connection refused")]
    assert collected.check is not None and collected.check.attempts == 3


async def test_a_figure_becomes_a_reading_where_an_indicator_is_named_for_it():
    well = Outcome("", figures={"days_left": 12.5, "seconds": 0.2})
    collected = await polled(well, also={"days_left": "tls_days_left", "loss": "network_loss"})
    assert {reading.indicator: reading.value for reading in collected.readings} == {"up": True, "tls_days_left": 12.5}


def test_what_is_found_to_be_a_secret_later_is_masked_in_earlier_lines_too():
    said = Transcript(CLOCK)
    said.say("text/s3cret")
    said.hide(["s3cret"])
    assert said.lines[0].endswith("ms  text/***")


async def test_an_answer_is_kept_only_where_figures_are_derived_from_it():
    assert (await polled(WELL)).answer is None


async def test_every_attempt_counts_for_loss_and_only_the_last_one_for_being_up_and_for_latency():
    spec = ProbeSpec("line/19", "19", "up", 60.0, 5.0, TcpCheck("127.0.0.1", 1), 2, derives=DERIVES)
    slow, quick = (Outcome(problem, figures={"seconds": took}) for problem, took in (("HTTP 503", 4.0), ("", 0.2)))
    collected = await polled(slow, quick, spec=spec)
    assert collected.answer == Answer("19", "line/19", NOW, True, 0.2, sent=2, lost=1)
    collected = await polled(slow, slow, slow, spec=spec)
    assert collected.answer == Answer("19", "line/19", NOW, False, None, sent=3, lost=3)


async def test_packets_of_a_ping_count_one_by_one_and_its_latency_is_their_round_trip():
    spec = ProbeSpec("line/19", "19", "up", 60.0, 5.0, IcmpCheck("127.0.0.1", packets=4), 1, derives=DERIVES)
    lossy = Outcome("", figures={"loss": 25.0, "round_trip": 0.03})
    collected = await polled(Outcome("network is unreachable"), lossy, spec=spec)
    assert collected.answer == Answer("19", "line/19", NOW, True, 0.03, sent=8, lost=5)


def test_a_transcript_masks_secrets_and_control_characters_and_ends():
    said = Transcript(CLOCK, ["s3cret", "s3cret-long", ""])
    said.say("key s3cret-long\x00\r\n")
    assert said.lines[0].endswith("ms  key ***")
    for _ in range(100):
        said.say("x" * 1000)
    assert len(said.lines) == MAX_LINES
    assert max(map(len, said.lines)) < 220
