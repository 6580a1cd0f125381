"""A kind of trouble has its words everywhere it is shown; a new one that forgets a place fails here."""

from __future__ import annotations

import pytest

from monitor.alerting.notices import RECOVERY_TEXTS
from monitor.alerting.texts import TEXTS
from monitor.model.incident import Kind
from monitor.reporting.incidents import kind_words
from monitor.web.texts import WORDS


@pytest.mark.parametrize("kind", Kind)
def test_every_kind_has_a_text_one_for_its_end_and_words_on_the_board_and_in_reports(kind: Kind):
    assert all({kind.value, RECOVERY_TEXTS[kind]} <= texts.keys() for texts in TEXTS.values())
    assert kind.value in WORDS
    assert all(kind_words(kind))
