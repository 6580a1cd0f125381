"""The nation: all provinces side by side, and where most is amiss."""

from __future__ import annotations

from collections.abc import Iterator

from grafana_foundation_sdk.builders.dashboard import Dashboard

from grafana.boards import frame
from grafana.boards.frame import LABEL, colours, counted, named, of_provinces, selected, unit_links
from grafana.boards.language import Say
from grafana.boards.panels import (
    SHARE,
    About,
    AnyPanel,
    Column,
    colour_column,
    colours_over_time,
    counts,
    lines,
    rows,
    tiles,
)

_COMMUNES, _PROVINCES = 'level="commune"', 'level="province"'


def board(say: Say) -> Dashboard:
    """Made in one language."""
    about = say(
        "Toàn quốc: màu của từng tỉnh, số xã theo màu, sự cố đang mở.",
        "The nation: colour of each province, communes by colour, open incidents.",
    )
    made = frame.board(say, "nation", say("Đèn báo · Toàn quốc", "Denbao · Nation"), about)
    return frame.filled(frame.with_incidents(made, say), _now(say), _course(say), _ranks(say))


def _now(say: Say) -> Iterator[AnyPanel]:
    yield tiles(
        say,
        About(
            say("Toàn quốc", "The nation"),
            say("Màu của cả nước, tổng hợp từ các tỉnh.", "Colour of the country, rolled up from its provinces."),
            6,
            5,
        ),
        colours('level="nation"'),
        "{{name}}",
    )
    yield counts(
        say,
        About(
            say("Xã, phường, đặc khu theo màu", "Communes by colour"),
            say(
                "Số đơn vị cấp xã có mỗi màu; cộng lại bằng tổng số. Thiếu số liệu là chưa rõ, không bao giờ là xanh.",
                "Units of commune level by colour; they add up to all. Missing data is unknown, never green.",
            ),
            18,
            5,
        ),
        counted(_COMMUNES),
    )
    yield tiles(
        say,
        About(
            say("Các tỉnh, thành phố", "Provinces"),
            say("Màu của từng tỉnh, đỏ trước. Bấm để xem tỉnh.", "Colour of each province, red first. Click for more."),
            24,
            7,
            links=unit_links(say, LABEL, "province"),
        ),
        colours(_PROVINCES),
        "{{name}}",
    )


def _course(say: Say) -> Iterator[AnyPanel]:
    yield colours_over_time(
        say,
        About(
            say("Xã, phường theo màu qua thời gian", "Communes by colour over time"),
            say("Mỗi dải là số đơn vị có màu đó.", "Each band is the number of units of that colour."),
            12,
        ),
        counted(_COMMUNES),
    )
    yield colours_over_time(
        say,
        About(
            say("Sự cố đang mở theo màu", "Open incidents by colour"),
            say("Mọi sự cố chưa đóng, cả đã nhận.", "Every incident that is not closed, acknowledged ones too."),
            12,
        ),
        frame.incidents(),
    )


def _ranks(say: Say) -> Iterator[AnyPanel]:
    colour = named(selected("denbao_unit_colour", _PROVINCES), _PROVINCES)
    green = selected("denbao_units", f'{_COMMUNES},colour="green"')
    judged = selected("denbao_units", f'{_COMMUNES},colour!~"maintenance|excluded"')
    share = of_provinces(f"sum by (province) ({green}) / sum by (province) ({judged})")
    incidents = of_provinces(f"sum by (province) ({selected('denbao_incidents')})")
    score = named(selected("denbao_unit_score_ratio"), _PROVINCES)
    yield rows(
        About(
            say("Xếp hạng các tỉnh", "Ranking of provinces"),
            say(
                "Điểm, tỷ lệ xã xanh (không tính bảo trì) và sự cố đang mở của từng tỉnh.",
                "Score, share of green communes (without those in maintenance) and open incidents of each province.",
            ),
            12,
            9,
        ),
        frame.of_units(say, say("Tỉnh", "Province"), say("Điểm", "Score"), "province"),
        colour_column(say, colour),
        Column(say("Điểm", "Score"), score, "percentunit", 1),
        Column(say("Xã xanh", "Green communes"), share, "percentunit", 1, (), SHARE),
        Column(say("Sự cố", "Incidents"), incidents, "none", 0),
    )
    yield lines(
        About(
            say("Điểm của các tỉnh", "Scores of provinces"),
            say("Điểm có trọng số của các tiêu chí đã biết.", "Weighted score of the known criteria."),
            12,
            9,
            "percentunit",
            1,
        ),
        (score, "{{name}}"),
    )
