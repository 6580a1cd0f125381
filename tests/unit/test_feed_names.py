"""Tables that name their units by name: within one province, in any spelling of one name, and never by a guess."""

from __future__ import annotations

import unicodedata
from datetime import date

import pytest

from monitor.adapters.feeds import KINDS
from monitor.adapters.feeds.rows import Frame
from monitor.model.reading import Collected
from monitor.registry import Names, load_registry, read_mapping
from tests.unit.feed_frames import CALENDAR, INDICATORS, NOW, feed_spec, parsed, values
from tests.unit.sites import make_site, problems_of

REGISTRY = load_registry()
CODES = frozenset([*(place.code for place in REGISTRY.communes("19")), "19"])


def collect(*names: str) -> Collected:
    body = "code,ratio\n" + "".join(f'"{name}",{number}\n' for number, name in enumerate(names, start=1))
    spec = feed_spec("csv", names=Names(REGISTRY, "19"))
    return KINDS["csv"](spec, body.encode(), {}, NOW, Frame(CALENDAR, INDICATORS, CODES))


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("Xã Văn Lang", "02143"), ("  văn   lang ", "02143"), ("XÃ VĂN LĂNG", "05665"),
        (unicodedata.normalize("NFD", "Xã Văn Lăng"), "05665"), ("phường Đức Xuân", "01840"),
        ("Thái Nguyên", "19"), ("Tỉnh Thái Nguyên", "19"),
    ],
)  # fmt: skip
def test_a_name_in_any_spelling_is_the_unit(name, code):
    found = collect(name)
    assert ([reading.unit for reading in found.readings], found.rejected) == ([code], ())


@pytest.mark.parametrize(
    ("name", "reason", "said"),
    [
        ("Xa Van Lang", "ambiguous-unit",
         "'Xa Van Lang' may be Xã Văn Lang (02143) or Xã Văn Lăng (05665); write its marks, or its code"),
        ("Xã Văn Lag", "unknown-unit", "no unit is called 'Xã Văn Lag' here; did you mean"),
        ("Phường Văn Lang", "unknown-unit",
         "no unit is called 'Phường Văn Lang' here; did you mean Xã Văn Lang (02143)"),
        ("Tỉnh Điện Biên", "unknown-unit", "no unit is called 'Tỉnh Điện Biên' here"),
        ("Xã Mường Đun", "unknown-unit", "no unit is called 'Xã Mường Đun' here"),
    ],
)  # fmt: skip
def test_what_is_not_one_unit_is_refused_with_the_nearest(name, reason, said):
    [refused] = collect(name).rejected
    assert (refused.reason, refused.detail.startswith(said)) == (reason, True), refused.detail
    assert refused.unit == name


def test_a_unit_that_was_merged_is_told_with_its_day_and_successor():
    body = "code,ratio\nXã Mường Đun,5\n"
    spec = feed_spec("csv", names=Names(REGISTRY, "11"))
    [refused] = KINDS["csv"](spec, body.encode(), {}, NOW, Frame(CALENDAR, INDICATORS, CODES)).rejected
    assert refused.detail.startswith("Xã Mường Đun is no unit since 2025-07-01; did you mean")
    assert "(03244)" in refused.detail


WIDE = """unit,portal_code,portal_uuid,portal_v1
02143,H19.43,AA-1,1001
01840,,AA-2,1002
2143,H19.44,,
03247,H19.45,,
"""


def test_one_table_holds_the_codes_of_several_systems(tmp_path):
    (tmp_path / "wide.csv").write_text(WIDE)
    by = {
        name: read_mapping(tmp_path / "wide.csv", REGISTRY, name)
        for name in ("portal_code", "portal_uuid", "portal_v1")
    }
    assert by["portal_code"].units == {"H19.43": "02143"}
    assert by["portal_uuid"].units == {"AA-1": "02143", "AA-2": "01840"}
    assert by["portal_v1"].units == {"1001": "02143", "1002": "01840"}
    assert [said.partition("wide.csv:")[2] for said in by["portal_code"].problems] == [
        "4: unit '2143' is not in the registry; did you mean '02143'? Spreadsheets lose leading zeros",
        "5: unit '03247', Xã Mường Đun, is none since 2025-07-01: it is part of '03244'",
    ]


def test_a_uuid_is_the_same_in_whatever_case_it_is_written(tmp_path):
    (tmp_path / "map.csv").write_text("unit,portal_uuid\n02143,0F0E0D0C-0B0A-0908-0706-05040302010A\n")
    spec = feed_spec("csv", mapping=read_mapping(tmp_path / "map.csv", REGISTRY, "portal_uuid").units)
    for said in ("0f0e0d0c-0b0a-0908-0706-05040302010a", "0F0E0D0C-0B0A-0908-0706-05040302010A"):
        assert values(parsed(spec, f"code,ratio\n{said},50\n")) == {("02143", "rate"): 50}


def test_a_mapping_names_the_sites_own_systems_too(tmp_path):
    (tmp_path / "map.csv").write_text("unit,other_code\ntthc,https://dichvucong.example.vn/\ntthd,x\n")
    mapping = read_mapping(tmp_path / "map.csv", REGISTRY, "other_code", ["tthc"])
    assert mapping.units == {"https://dichvucong.example.vn/": "tthc"}
    assert [said.partition("map.csv:")[2] for said in mapping.problems] == ["3: unit 'tthd' is not in the registry"]


def test_check_takes_a_mapping_to_a_system_of_the_site(tmp_path):
    root = make_site(
        tmp_path, "    unit: code\n    expects: {level: commune}\n", "    unit: code\n    mapping: rules/map.csv\n"
    )
    (root / "rules" / "map.csv").write_text("unit,portal_code\ntthc,T1\n01840,H1\n01843,H2\n")
    assert problems_of(root) == []


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ('names: "99"', 'unknown province \'99\''),
        ("codes: portal_uuid", "feeds[0] has codes, but no mapping that holds them"),
        ('names: "19"\n    mapping: rules/a.csv',
         "feeds[0] names units by names and by codes; take out names, or mapping"),
    ],
)  # fmt: skip
def test_check_names_what_does_not_fit_together(line, said, tmp_path):
    problems = problems_of(make_site(tmp_path, "    rows: data\n", f"    rows: data\n    {line}\n"))
    assert len(problems) == 1 and problems[0].startswith("config.yaml:") and said in problems[0], problems


def test_a_feed_of_names_still_takes_no_code():
    assert parsed(feed_spec("csv", names=Names(REGISTRY, "19")), "code,ratio\n02143,5\n").readings == ()


def test_a_unit_that_has_ended_is_refused_by_its_name_as_by_its_code():
    spec = feed_spec("csv", names=Names(REGISTRY, "19"))
    frame = Frame(CALENDAR, INDICATORS, CODES, ended={"02143": date(2026, 1, 1), "05665": date(2027, 1, 1)})
    found = KINDS["csv"](spec, "code,ratio\nXã Văn Lang,50\nXã Văn Lăng,60\n".encode(), {}, NOW, frame)
    assert [reading.unit for reading in found.readings] == ["05665"]
    assert [(one.reason, one.unit) for one in found.rejected] == [("former-unit", "Xã Văn Lang")]
