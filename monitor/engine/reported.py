"""What the national system says of a unit's colour, beside what the rules compute. It never enters the computed one."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

from monitor.engine import reasons
from monitor.engine.book import Indicator
from monitor.model.colour import Colour
from monitor.model.reading import Reading
from monitor.model.state import UnitState
from monitor.model.verdict import Reason

INDICATOR = "reported_colour"  # of the catalogue: a state of green, yellow, red


def reported(evidence: Mapping[str, Reading], indicators: Mapping[str, Indicator], now: datetime) -> Colour:
    """The reported colour at `now`: unknown when none was ever reported, or the report is too old to be believed."""
    ends = believed_until(evidence, indicators)
    if ends is None or now >= ends:
        return Colour.UNKNOWN
    return Colour(str(evidence[INDICATOR].value))


def believed_until(evidence: Mapping[str, Reading], indicators: Mapping[str, Indicator]) -> datetime | None:
    """The instant at which the report goes stale; None when there is none."""
    reading, indicator = evidence.get(INDICATOR), indicators.get(INDICATOR)
    if reading is None or indicator is None or reading.value not in indicator.states:
        return None
    return reading.as_of + timedelta(seconds=indicator.max_age)


def difference(state: UnitState) -> Reason | None:
    """Because of what the two colours of a committed unit differ; None when they agree, or one of them is unknown."""
    computed = Colour.UNKNOWN if state.standing is None else state.standing.colour
    reading = state.evidence.get(INDICATOR)
    if reading is None or not differs(state):
        return None
    said = {"reported": state.reported.value, "computed": computed.value}
    return Reason(reasons.REPORTED_DIFFERS, {**said, "source": reading.source, "as_of": reading.as_of})


def differs(state: UnitState) -> bool:
    """True when both colours of a committed unit are known and are not the same."""
    computed = Colour.UNKNOWN if state.standing is None else state.standing.colour
    return state.reported.known and computed.known and state.reported is not computed
