"""The evidence pack of a span: all that was received, judged, told and answered, with the rules and a manifest."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import IO

from monitor.adapters.render.pack import Pack
from monitor.config.spec import Site
from monitor.model.hours import Calendar
from monitor.model.muting import Span
from monitor.model.reading import Reading
from monitor.model.state import AuditEntry, Transition
from monitor.reporting.deliveries import due
from monitor.reporting.evidence import (
    ANSWERS,
    COLOURS,
    DELIVERIES,
    INCIDENTS,
    VALUES,
    VERSIONS,
    answer_row,
    colour_row,
    delivery_row,
    incident_row,
    value_row,
    version_row,
)
from monitor.reporting.incidents import during
from monitor.reporting.scene import Scene
from monitor.service.reports import MOST, Progress, Records, audit, in_silence

_SORTS = ("readings", "transitions", "incidents", "notices")  # of the record, see `ports.Store.prune`
_ABOUT = """\
Bằng chứng của {vi} từ {start} đến {end}.
Evidence of {en} from {start} to {end}.

values.csv            số liệu đã nhận / what was received
colours.csv           màu đã đánh giá, với lý do / what was judged, with reasons
incidents.csv         sự cố / incidents
deliveries.csv        tin đã gửi / messages and what became of them
acknowledgements.csv  xác nhận / who answered
versions.csv          phiên bản quy tắc / which version of site and rules judged from when on
rules/                quy tắc / the rules as they were on disk when this was made

Cá nhân không được nêu tên / nobody is named: one letter and four digits stand for a person, the same in every file.
Kiểm tra / to check: sha256sum -c SHA256SUMS
"""


async def write_evidence(
    file: IO[bytes], site: Site, scene: Scene, store: Records, span: Span, progress: Progress = in_silence
) -> int:
    """Write the pack; returns how many values and changes of colour it holds. Raises StoreError and OSError."""
    pack, calendar = Pack(file), scene.calendar
    start, end = (calendar.local(at).isoformat() for at in (span.starts, span.ends))
    pack.text("README.txt", _ABOUT.format(vi=site.name_vi, en=site.name_en, start=start, end=end).encode())
    number = await _history(pack, scene, store, span, progress)
    incidents = during(await store.incidents(open_only=False, limit=MOST), scene, span)
    with pack.table(INCIDENTS.name, INCIDENTS.columns) as table:
        table.add(incident_row(one, calendar) for one in incidents)
    messages = due(await store.deliveries(limit=MOST), scene, span)
    with pack.table(DELIVERIES.name, DELIVERIES.columns) as table:
        table.add(delivery_row(one, scene.roles, calendar) for one in messages)
    entries = await audit(store, span.ends, progress)
    with pack.table(ANSWERS.name, ANSWERS.columns) as table:
        answers = [one for one in entries if one.action == "acknowledge" and one.at >= span.starts]
        table.add(answer_row(one, calendar) for one in answers if scene.about(one.subject.partition("/")[0]))
    versions = _versions(entries, span)
    with pack.table(VERSIONS.name, VERSIONS.columns) as table:
        table.add(version_row(one, calendar) for one in versions)
    for path in _rules(site.root):
        pack.text(path.relative_to(site.root).as_posix(), path.read_bytes())
    since = {what: await store.kept_since(what) for what in _SORTS}
    missing = {what: at for what, at in since.items() if at is not None and at > span.starts}
    judged = list(dict.fromkeys(one.subject for one in versions if one.action == "start"))
    about = {
        "version": 1,
        "site": {"vi": site.name_vi, "en": site.name_en},
        "from": start,
        "to": end,
        "rules_version": site.version,
        "rules_versions_that_judged": judged,
        "rules_are_those_that_judged": judged in ([], [site.version]),
        "not_kept_before": {what: _told_of(at, calendar) for what, at in missing.items()},
        "books": [{"id": book.id, "version": book.version} for book in site.ruleset.books],
    }
    pack.close(about)
    return number


async def _history(pack: Pack, scene: Scene, store: Records, span: Span, progress: Progress) -> int:
    """Values and colours, stretch by stretch."""
    number = 0
    for what, sheet in (("readings", VALUES), ("transitions", COLOURS)):
        with pack.table(sheet.name, sheet.columns) as table:
            mark: int | None = 0
            while mark is not None:
                stretch = await store.recorded(what, after=mark)
                mark = stretch.mark
                for fact in stretch.facts:
                    if isinstance(fact, Reading) and span.starts <= fact.received_at < span.ends:
                        kept = scene.about(fact.unit) and [value_row(fact, scene.calendar)]
                    elif isinstance(fact, Transition) and span.starts <= fact.at < span.ends:
                        kept = scene.about(fact.unit) and [colour_row(fact, scene.calendar)]
                    else:
                        continue
                    table.add(kept or ())
                progress(what, table.rows - 1)
            number += table.rows - 1
    return number


def _told_of(at: datetime, calendar: Calendar) -> str:
    return calendar.local(at).isoformat()


def _versions(entries: Sequence[AuditEntry], span: Span) -> list[AuditEntry]:
    """Starts and stops within the span, and the last start before it: that version judged at its begin."""
    told = [one for one in entries if one.actor == "denbao" and one.action in ("start", "stop")]
    before = [one for one in told if one.at < span.starts and one.action == "start"][-1:]
    return [*before, *(one for one in told if one.at >= span.starts)]


def _rules(root: Path) -> list[Path]:
    """The rule files, without tables of people, which may lie beside them."""
    return sorted(path for path in (root / "rules").glob("*.yaml") if path.is_file())
