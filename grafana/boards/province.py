"""One province: its communes as tiles, its targets with the days left, the ranking with what changed."""

from __future__ import annotations

from collections.abc import Iterator

from grafana_foundation_sdk.builders.dashboard import Dashboard

from grafana.boards import frame
from grafana.boards.frame import COMMUNES, HERE, LABEL, colours, counted, days_left, named, selected, unit_links
from grafana.boards.language import Say
from grafana.boards.palette import BLUE, assumed_mappings, grade_mappings
from grafana.boards.panels import (
    DAYS_LEFT,
    SCORED,
    TROUBLE,
    About,
    AnyPanel,
    Column,
    Frame,
    bars,
    colour_column,
    colours_over_time,
    counts,
    figure,
    rows,
    score,
    tiles,
)

_OWN = 'unit="$province"'
_INDEX = 'index="$index"'


def board(say: Say) -> Dashboard:
    """Made in one language."""
    about = say(
        "Một tỉnh: các xã, phường theo màu, chỉ tiêu và số ngày còn lại, xếp hạng và thay đổi.",
        "One province: communes by colour, targets with the days left, ranking and what changed.",
    )
    made = frame.board(say, "province", say("Đèn báo · Tỉnh", "Denbao · Province"), about)
    made = frame.with_incidents(made.with_variable(frame.province(say)), say, HERE)
    made = made.with_variable(frame.index(say))
    return frame.filled(made, _now(say), _tiles(say), _targets(say), _ranking(say), _index(say))


def _now(say: Say) -> Iterator[AnyPanel]:
    own = About(say("Tỉnh", "Province"), say("Màu của tỉnh.", "Colour of the province."), 5, 5)
    yield tiles(say, own, colours(_OWN), "{{name}}")
    yield counts(
        say,
        About(
            say("Xã, phường theo màu", "Communes by colour"),
            say("Cộng lại bằng tổng số xã, phường của tỉnh.", "They add up to all communes of the province."),
            11,
            5,
        ),
        counted('level="commune"', HERE),
    )
    yield score(say, say("Điểm của tỉnh", "Score of the province"), selected("denbao_unit_score_ratio", _OWN))
    yield figure(
        About(
            say("Sự cố đang mở", "Open incidents"),
            say("Mọi sự cố chưa đóng ở tỉnh và các xã, phường.", "Every incident of the province that is not closed."),
            4,
            5,
            "none",
            0,
        ),
        f"sum({selected('denbao_incidents', '', HERE)})",
        say("Sự cố", "Incidents"),
        bounds=TROUBLE,
    )


def _tiles(say: Say) -> Iterator[AnyPanel]:
    yield tiles(
        say,
        About(
            say("Xã, phường, đặc khu", "Communes, wards, special zones"),
            say("Đỏ trước, rồi vàng, xanh, chưa rõ. Bấm để xem xã.", "Red first, then yellow, green, unknown."),
            24,
            14,
            links=unit_links(say, LABEL),
        ),
        colours('level="commune"', HERE),
        "{{name}}",
    )
    yield colours_over_time(
        say,
        About(
            say("Xã, phường theo màu qua thời gian", "Communes by colour over time"),
            say("Mỗi dải là số đơn vị có màu đó.", "Each band is the number of units of that colour."),
            24,
            7,
        ),
        counted('level="commune"', HERE),
    )


def _targets(say: Say) -> Iterator[AnyPanel]:
    met, yellow, red, unknown = (frame.communes_by_criterion(f"== {number}") for number in (0, 1, 2, -1))
    yield rows(
        About(
            say("Chỉ tiêu và số ngày còn lại", "Targets with days left"),
            say(
                "Ngày dương lịch đến thời điểm đầu tiên bị muộn; bao nhiêu xã đạt, chưa đạt, quá hạn, chưa rõ.",
                "Calendar days until it is first too late; how many communes met it, have not yet, are late, unknown.",
            ),
            24,
            9,
        ),
        Frame({"criterion": say("Tiêu chí", "Criterion")}, (), say("Còn (ngày)", "Days left"), descending=False),
        Column(say("Còn (ngày)", "Days left"), days_left(), "none", 0, (), DAYS_LEFT),
        Column(say("Xanh", "Green"), met, "none", 0),
        Column(say("Vàng", "Yellow"), yellow, "none", 0),
        Column(say("Đỏ", "Red"), red, "none", 0),
        Column(say("Chưa rõ", "Unknown"), unknown, "none", 0),
    )


def _ranking(say: Say) -> Iterator[AnyPanel]:
    rank = selected("denbao_unit_rank", 'indicator="score"')
    before = f"{frame.per_unit(f'{rank} offset 1d')} - {frame.per_unit(rank)}"
    here = 'level="commune"'
    yield rows(
        About(
            say("Xếp hạng xã, phường", "Ranking of communes"),
            say(
                "Hạng theo điểm, bằng nhau thì cùng hạng; dương là lên so với một ngày trước.",
                "Place by score, ties share it; above zero is up since a day ago.",
            ),
            24,
            12,
        ),
        frame.of_units(say, say("Xã, phường", "Commune"), say("Hạng", "Place"), descending=False),
        Column(say("Hạng", "Place"), named(rank, here, HERE), "none", 0),
        Column(say("Thay đổi", "Change"), named(before, here, HERE), "none", 0),
        Column(say("Điểm", "Score"), named(selected("denbao_unit_score_ratio"), here, HERE), "percentunit", 1),
        colour_column(say, named(f"{selected('denbao_unit_colour', '', COMMUNES)}", here, HERE)),
    )


def _index(say: Say) -> Iterator[AnyPanel]:
    own = selected("denbao_unit_index_points", f"{_OWN},{_INDEX}")
    yield figure(
        About(
            say("Điểm bộ chỉ số của tỉnh", "Points of the province"),
            say(
                "Trên 100; phần chưa biết không có điểm. Xếp loại: xem bảng trực tiếp.",
                "Of 100; what is unknown earns nothing. The grade is on the live board.",
            ),
            5,
            8,
            "none",
            2,
        ),
        f"max({own})",
        say("Điểm", "Points"),
        bounds=SCORED,
    )
    yield bars(
        About(
            say("Điểm của tỉnh theo nhóm", "Points of the province by group"),
            say(
                "Mỗi nhóm có điểm tối đa riêng; nhóm chưa biết gì thì không hiện.",
                "Each group has a maximum of its own; one of which nothing is known is not shown.",
            ),
            19,
            8,
            "none",
            2,
        ),
        f"max by (group) ({selected('denbao_unit_index_group_points', f'{_OWN},{_INDEX}')})",
        "{{group}}",
        bounds=((None, BLUE),),
    )
    yield _by_index(say)
    yield _by_group(say)


def _by_index(say: Say) -> AnyPanel:
    rank = selected("denbao_unit_rank", 'indicator="$index"')
    before = f"{frame.per_unit(f'{rank} offset 1d')} - {frame.per_unit(rank)}"
    points = frame.per_unit(selected("denbao_unit_index_points", _INDEX))
    graded = f"max by (unit, grade, assumed) ({selected('denbao_unit_index_grade_info', _INDEX)})"
    known = selected("denbao_unit_index_known_points", _INDEX)
    here, name = 'level="commune"', say("Xã, phường", "Commune")
    heads = {
        "unit": say("Mã", "Code"),
        "name": name,
        "grade": say("Xếp loại", "Grade"),
        "assumed": say("Ngưỡng", "Bounds"),
    }
    return rows(
        About(
            say("Xếp hạng theo bộ chỉ số", "Ranking by the index"),
            say(
                "Hạng theo điểm, bằng nhau thì cùng hạng; dương là lên so với một ngày trước; đã biết: trên 100 điểm.",
                "Place by points, ties share it; above zero is up since a day ago; of 100 points so many are known.",
            ),
            24,
            12,
        ),
        Frame(
            heads,
            unit_links(say, frame.CELL),
            say("Hạng", "Place"),
            descending=False,
            words={"grade": grade_mappings(say), "assumed": assumed_mappings(say)},
        ),
        Column(say("Hạng", "Place"), named(rank, here, HERE), "none", 0),
        Column(say("Thay đổi", "Change"), named(before, here, HERE), "none", 0),
        Column(
            say("Điểm", "Points"),
            f"({graded} * on (unit) group_left () {points} or on (unit) {points})"
            f" * on (unit) group_left (name) {frame.info(here, HERE)}",
            "none",
            2,
        ),
        Column(say("Đã biết", "Known"), named(known, here, HERE), "none", 2),
    )


def _by_group(say: Say) -> AnyPanel:
    rank = selected("denbao_unit_rank", 'indicator=~"$index:.+"')
    place, before = (
        f'max by (unit, group) (label_replace({one}, "group", "$1", "indicator", ".+:(.+)"))'
        for one in (rank, f"{rank} offset 1d")
    )
    points = f"max by (unit, group) ({selected('denbao_unit_index_group_points', _INDEX)})"
    info = frame.info('level="commune"', HERE)
    commune = f"* on (unit) group_left (name) {info}"
    heads = {"group": say("Nhóm", "Group"), "unit": say("Mã", "Code"), "name": say("Xã, phường", "Commune")}
    return rows(
        About(
            say("Xếp hạng theo nhóm", "Ranking by group"),
            say(
                "Lọc một nhóm ở tiêu đề cột; dương là lên so với một ngày trước.",
                "Filter for one group at the column's head; above zero is up since a day ago.",
            ),
            24,
            12,
        ),
        Frame(heads, unit_links(say, frame.CELL), say("Hạng", "Place"), descending=False),
        Column(say("Hạng", "Place"), f"{place} {commune}", "none", 0),
        Column(say("Thay đổi", "Change"), f"({before} - {place}) {commune}", "none", 0),
        Column(say("Điểm", "Points"), f"{points} {commune}", "none", 2),
    )
