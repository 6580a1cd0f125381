"""While the monitor itself is cut off, nobody is blamed: bad news of probes is no reading then."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta

import pytest

from monitor.model.reading import Collected, Reading
from monitor.ports import Resting
from monitor.service.ownline import FRESH, SETTLE, OwnLine, behind
from monitor.testing import run
from tests.unit.web_site import NOW, ManualClock


@dataclass
class Target:
    """A probe that says what the test wants, and counts how often it is asked."""

    id: str
    up: bool = True
    failure: str = ""
    broken: bool = False
    asked: int = 0
    period: float = 30.0
    owner: str = "19"

    async def collect(self, now: datetime) -> Collected:
        """Answer."""
        self.asked += 1
        if self.broken:
            raise ExceptionGroup("within a ping", [OSError(1, "Operation not permitted")])
        if self.failure:
            return Collected(self.id, now, failure=self.failure)
        return Collected(self.id, now, (Reading("19", "up", self.up, now, now, self.id, note="" if self.up else "no"),))


@dataclass
class Scene:
    """Two centres behind an own line of a gateway and a name server."""

    clock: ManualClock = field(default_factory=ManualClock)
    gateway: Target = field(default_factory=lambda: Target("gateway/VN"))
    names: Target = field(default_factory=lambda: Target("names/VN"))
    one: Target = field(default_factory=lambda: Target("centre/1"))
    two: Target = field(default_factory=lambda: Target("centre/2"))
    portal: Target = field(default_factory=lambda: Target("portal"))  # a feed

    def __post_init__(self) -> None:
        sources = (self.gateway, self.names, self.one, self.two, self.portal)
        ids = {source.id for source in sources} - {"portal"}
        line = OwnLine([self.gateway, self.names], self.clock)
        self.sources = behind(sources, ids, {"portal"}, {"gateway/VN", "names/VN"}, line)

    def polled(self, number: int = 2) -> Collected:
        """The answer of one source, the first centre unless told otherwise."""
        return run(self.sources[number].collect(NOW))

    def cut(self, *, off: bool = True) -> None:
        """The monitor loses its line, or has it again."""
        self.gateway.up = self.names.up = not off


def test_good_news_asks_nobody_else():
    scene = Scene()
    assert scene.polled().readings[0].value is True
    assert (scene.gateway.asked, scene.names.asked) == (0, 0)


def test_bad_news_counts_while_one_of_the_own_probes_answers():
    scene = Scene(one=Target("centre/1", up=False), names=Target("names/VN", up=False))
    assert scene.polled().readings[0].value is False


@pytest.mark.parametrize("how", ["no", "one cannot ask"])
def test_bad_news_is_a_failure_and_no_reading_while_the_monitor_is_cut_off(how):
    scene = Scene(one=Target("centre/1", up=False))
    scene.cut()
    if how == "one cannot ask":
        scene.gateway.failure = "may not ping"
    answer = scene.polled()
    assert answer.readings == ()
    assert answer.failure == "probe centre/1: not believed, denbao itself is cut off"


def test_own_probes_that_cannot_ask_say_nothing_of_the_line_and_mute_no_outage():
    scene = Scene(one=Target("centre/1", up=False), gateway=Target("gateway/VN", failure="may not ping"))
    scene.names.broken = True
    assert scene.polled().readings[0].value is False


def test_an_own_probe_that_breaks_says_nothing_of_the_line_and_swallows_nobodys_news():
    scene = Scene(one=Target("centre/1", up=False), gateway=Target("gateway/VN", broken=True))
    assert scene.polled().readings[0].value is False
    scene.cut()
    scene.clock.move(FRESH)
    assert scene.polled().failure == "probe centre/1: not believed, denbao itself is cut off"


def test_the_own_probes_say_of_themselves_what_is_true():
    scene = Scene()
    scene.cut()
    assert scene.polled(0).readings[0].value is False


def test_many_probes_with_bad_news_ask_the_own_line_once():
    scene = Scene(one=Target("centre/1", up=False), two=Target("centre/2", up=False))
    scene.polled(2)
    scene.polled(3)
    assert scene.gateway.asked == 1
    scene.clock.move(FRESH)
    scene.polled(2)
    assert scene.gateway.asked == 2


def test_bad_news_may_still_stem_from_a_cut_that_has_just_ended():
    scene = Scene(one=Target("centre/1", up=False))
    scene.cut()
    scene.polled()
    scene.cut(off=False)
    scene.clock.move(SETTLE - 1)
    assert scene.polled().failure
    scene.clock.move(1)
    assert scene.polled().readings[0].value is False


def test_a_probe_that_cannot_ask_keeps_its_own_reason():
    scene = Scene(one=Target("centre/1", failure="may not ping"))
    scene.cut()
    assert scene.polled().failure == "may not ping"


@pytest.mark.parametrize("how", ["no table", "a login page"])
def test_a_feed_that_failed_while_the_monitor_is_cut_off_is_excused(how):
    scene = Scene(portal=Target("portal", failure=f"feed portal: {how}"))
    assert scene.polled(4).failure == f"feed portal: {how}" and not scene.polled(4).cut
    scene.cut()
    scene.clock.move(FRESH)
    answer = scene.polled(4)
    assert answer.failure == "feed portal: not believed, denbao itself is cut off" and answer.cut


def test_what_a_feed_brings_asks_nobody_else():
    scene = Scene(portal=Target("portal", up=False))  # a No in a table is what the table says
    scene.cut()
    assert scene.polled(4).readings[0].value is False
    assert scene.gateway.asked == 0


def test_a_feed_that_rests_at_times_rests_behind_the_own_line_too():
    class Nightly(Target):
        def rests(self, now: datetime) -> bool:
            return now < NOW + timedelta(hours=9)

    [one] = behind((Nightly("portal"),), (), {"portal"}, {"gateway/VN"}, OwnLine((), ManualClock()))
    assert isinstance(one, Resting)
    assert one.rests(NOW) and not one.rests(NOW + timedelta(hours=9))


def test_without_an_own_line_all_sources_are_as_they_were():
    one = Target("centre/1", up=False)
    assert behind((one,), {"centre/1"}, (), (), OwnLine((), ManualClock())) == [one]
