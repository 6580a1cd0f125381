"""The registry knows 34 provinces and 3,321 communes, and never guesses which one is meant."""

from __future__ import annotations

import csv
from collections import Counter
from datetime import date
from itertools import pairwise
from pathlib import Path

import pytest

from monitor.model.text import fold
from monitor.model.unit import Level
from monitor.registry import NATION, Ambiguous, Found, NotFound, Registry, load_registry, read_mapping

PORTAL_19 = Path(__file__).parents[2] / "rules" / "mappings" / "portal_19.csv"
ASCII_CLASHES = {
    ("19", "Xa Van Lang"): ("02143", "05665"),
    ("31", "Xa Cam Giang"): ("10888", "10903"),
    ("51", "Xa Son Ha"): ("21289", "21292"),
    ("51", "Xa Ba To"): ("21484", "21523"),
    ("75", "Xa Loc Thanh"): ("25280", "25294"),
    ("79", "Xa Thanh An"): ("25807", "27676"),
    ("80", "Xa Tan Thanh"): ("25534", "27826"),
    ("82", "Xa Tan Thanh"): ("29938", "30157"),
}


@pytest.fixture(scope="module")
def registry() -> Registry:
    return load_registry()


def codes(match: object) -> tuple[str, ...]:
    assert isinstance(match, Ambiguous)
    return tuple(place.code for place in match.places)


def test_the_counts_are_those_of_1_july_2025(registry: Registry) -> None:
    assert len(registry.provinces) == 34
    assert Counter(place.kind for place in registry.communes()) == {"xa": 2621, "phuong": 687, "dac_khu": 13}
    assert len(registry.communes()) == 3321
    assert Counter(place.kind for place in registry.communes("19")) == {"xa": 77, "phuong": 15}
    assert len(registry.communes("11")) == 45
    assert sum(len(registry.communes(province.code)) for province in registry.provinces) == 3321


def test_codes_are_unique_strings_that_keep_their_leading_zeros(registry: Registry) -> None:
    communes = registry.communes()
    assert len({place.code for place in communes}) == 3321
    assert all(len(place.code) == 5 and place.code.isdigit() for place in communes)
    assert all(len(place.code) == 2 and place.code.isdigit() for place in registry.provinces)
    first = registry.get("00004")
    assert first and (first.name_vi, first.province, first.level) == ("Phường Ba Đình", "01", Level.COMMUNE)


def test_the_one_corrected_code_is_ia_mo(registry: Registry) -> None:
    place = registry.get("23938")
    assert place and (place.name_vi, place.province) == ("Xã Ia Mơ", "52")
    assert registry.get("23737") is None


def test_unknown_codes_and_provinces_give_nothing(registry: Registry) -> None:
    assert registry.get("99999") is None
    assert registry.get("2143") is None
    assert registry.communes("99") == ()


def test_the_nation_is_a_place_too(registry: Registry) -> None:
    assert registry.get("VN") == NATION
    assert (NATION.level, NATION.province, NATION.bare_vi, NATION.name_en) == (
        Level.NATION,
        None,
        "Việt Nam",
        "Viet Nam",
    )


@pytest.mark.parametrize(
    ("code", "day", "kind"),
    [
        ("75", date(2026, 4, 29), "tinh"),
        ("75", date(2026, 4, 30), "thanh_pho"),
        ("22", date(2025, 7, 1), "tinh"),
        ("22", None, "thanh_pho"),
        ("24", None, "thanh_pho"),
        ("19", None, "tinh"),
    ],
)
def test_the_kind_of_a_province_is_a_fact_with_dates(
    registry: Registry, code: str, day: date | None, kind: str
) -> None:
    place = registry.get(code, on=day)
    assert place and place.kind == kind


def test_there_were_six_cities_and_there_are_nine(registry: Registry) -> None:
    then = [registry.get(province.code, on=date(2025, 7, 1)) for province in registry.provinces]
    assert Counter(place.kind for place in then if place) == {"thanh_pho": 6, "tinh": 28}
    assert Counter(place.kind for place in registry.provinces) == {"thanh_pho": 9, "tinh": 25}


def test_the_records_of_a_place_follow_each_other_without_gap_or_overlap(registry: Registry) -> None:
    for code, records in registry.history.items():
        assert records[-1].valid_to is None, code
        for earlier, later in pairwise(records):
            assert earlier.valid_to == later.valid_from, code


def test_before_the_two_tier_system_there_is_no_unit(registry: Registry) -> None:
    assert registry.get("02143", on=date(2025, 6, 30)) is None
    assert registry.communes("19", on=date(2025, 6, 30)) == ()
    assert len(registry.communes("19", on=date(2025, 7, 1))) == 92
    assert isinstance(registry.find("Văn Lang", "19", on=date(2025, 6, 30)), NotFound)


def test_inside_a_province_full_and_bare_names_are_unique(registry: Registry) -> None:
    for key in ("name_vi", "bare_vi"):
        names = Counter((place.province, fold(getattr(place, key))) for place in registry.communes())
        assert max(names.values()) == 1


def test_eight_pairs_look_alike_without_marks(registry: Registry) -> None:
    groups: dict[tuple[str, str], list[str]] = {}
    for place in registry.communes():
        groups.setdefault((place.province or "", place.name_ascii), []).append(place.code)
    assert {key: tuple(group) for key, group in groups.items() if len(group) > 1} == ASCII_CLASHES


@pytest.mark.parametrize(("scope", "pair"), ASCII_CLASHES.items())
def test_a_name_without_marks_that_two_units_share_is_refused(
    registry: Registry, scope: tuple[str, str], pair: tuple[str, str]
) -> None:
    province, name = scope
    assert codes(registry.find(name, province)) == pair
    assert codes(registry.find(name.removeprefix("Xa "), province)) == pair


def test_the_two_van_lang_of_thai_nguyen_stay_apart(registry: Registry) -> None:
    assert codes(registry.find("Van Lang", "19")) == ("02143", "05665")
    for name, code in {"Văn Lang": "02143", "Văn Lăng": "05665", "xã  văn lăng ": "05665"}.items():
        match = registry.find(name, "19")
        assert isinstance(match, Found) and match.place.code == code


def test_every_unit_is_found_by_its_names(registry: Registry) -> None:
    for place in registry.communes():
        assert registry.find(place.name_vi, place.province or "") == Found(place)
        if place.name_ascii not in {name for _, name in ASCII_CLASHES}:
            assert registry.find(place.name_ascii.upper(), place.province or "") == Found(place)


@pytest.mark.parametrize(
    ("name", "province", "code"),
    [
        ("Xã Điềm Thuỵ", "19", "05941"),
        ("XÃ ĐỊNH HOÁ", "19", "05569"),
        ("dinh hoa", "19", "05569"),
        ("Phan Đình Phùng", "19", "05443"),
        ("Ea H'Leo", "66", "24184"),
        ("Đặc khu Lý Sơn", "51", "21548"),
        ("Phường Văn Miếu–Quốc Tử Giám", "01", "00226"),
        ("Xa Dung", "11", "03208"),
    ],
)
def test_spellings_of_spreadsheets_find_their_unit(registry: Registry, name: str, province: str, code: str) -> None:
    match = registry.find(name, province)
    assert isinstance(match, Found) and match.place.code == code


@pytest.mark.parametrize("name", ["Phường Văn Lang", "Van Lăng", "Xã Văn Lắng"])
def test_a_near_miss_is_not_found_but_suggests_what_may_be_meant(registry: Registry, name: str) -> None:
    match = registry.find(name, "19")
    assert isinstance(match, NotFound) and match.name == name
    assert {"02143", "05665"} <= {place.code for place in match.suggestions}
    assert len(match.suggestions) <= 3


@pytest.mark.parametrize("name", ["", "Xã", "19", "qwertyuiop", "\x00", "\ud800", "x" * 100_000])
def test_nonsense_is_not_found_and_suggests_nothing(registry: Registry, name: str) -> None:
    match = registry.find(name, "19")
    assert isinstance(match, NotFound) and match.suggestions == ()


def test_a_name_counts_only_inside_its_province(registry: Registry) -> None:
    assert isinstance(registry.find("Văn Lang", "11"), NotFound)
    assert registry.find("Văn Lang", "99") == NotFound("Văn Lang")
    assert registry.find("Văn Lang", "") == NotFound("Văn Lang")


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("Thái Nguyên", "19"),
        ("tinh thai nguyen", "19"),
        ("TP. Hồ Chí Minh", "79"),
        ("Thành phố Huế", "46"),
        ("Tỉnh Đồng Nai", "75"),
        ("Thành phố Đồng Nai", "75"),
        ("Khánh Hoà", "56"),
    ],
)
def test_provinces_are_found_by_old_and_new_kinds(registry: Registry, name: str, code: str) -> None:
    match = registry.find_province(name)
    assert isinstance(match, Found) and match.place.code == code


def test_a_merged_province_is_named_with_its_successor_first(registry: Registry) -> None:
    for name, code, successor in (("Đắk Nông", "67", "68"), ("Tỉnh Trà Vinh", "84", "86")):
        match = registry.find_province(name)
        assert isinstance(match, NotFound) and match.former
        assert (match.former.code, match.former.successor, match.suggestions[0].code) == (code, successor, successor)


def test_the_two_communes_of_dien_bien_that_ceased_are_marked_to_verify(registry: Registry) -> None:
    for code, name, successor in (("03247", "Mường Đun", "03244"), ("03198", "Xa Phin Ho", "03199")):
        former, match = registry.ceased(code), registry.find(name, "11")
        assert former and (former.successor, former.status) == (successor, "to verify")
        assert isinstance(match, NotFound) and match.former == former
        assert match.suggestions[0].code == successor
    assert registry.ceased("02143") is None


def test_63_former_provinces_lead_to_the_34(registry: Registry) -> None:
    former = [unit for unit in registry.former if unit.level is Level.PROVINCE]
    assert len(former) == len({unit.name_vi for unit in former}) == 63
    assert {unit.successor for unit in former} == {province.code for province in registry.provinces}
    assert {unit.name_vi for unit in former if unit.successor == "19"} == {"Bắc Kạn", "Thái Nguyên"}


def test_names_for_english_texts_keep_the_numbers_and_name_the_kind(registry: Registry) -> None:
    expected = {
        "02143": "Van Lang commune",
        "05443": "Phan Dinh Phung ward",
        "21548": "Ly Son special zone",
        "19": "Thai Nguyen province",
        "79": "Ho Chi Minh city",
    }
    for code, name in expected.items():
        place = registry.get(code)
        assert place and place.name_en == name


def test_other_systems_codes_lead_to_units(registry: Registry) -> None:
    gia_lai = registry.alias("portal", "H21")
    assert gia_lai and gia_lai.code == "52"
    assert registry.alias("portal", "H99") is None
    assert all(registry.get(unit) for unit in registry.aliases.values())


def test_the_simulated_portal_maps_the_province_and_its_92_units_once_each(registry: Registry) -> None:
    mapping = read_mapping(PORTAL_19, registry)
    assert mapping.problems == ()
    assert mapping.units["H19"] == "19"
    numbered = [mapping.units[f"H19.{number:02d}"] for number in range(1, 93)]
    assert numbered == [place.code for place in registry.communes("19")]
    assert len(mapping.units) == 93


def test_a_mapping_names_file_line_and_reason_of_each_bad_row_and_keeps_the_good_ones(
    registry: Registry, tmp_path: Path
) -> None:
    path = tmp_path / "portal.csv"
    path.write_text("\ufeffportal_code,unit\nA.1,02143\nA.1,05665\nA.2,2143\n,02143\nA.3\nA.4,05665\n", "utf-8")
    mapping = read_mapping(path, registry)
    assert mapping.units == {"A.1": "02143", "A.4": "05665"}
    assert mapping.problems == (
        f"{path}:3: code 'A.1' is mapped twice; the first one counts",
        f"{path}:4: unit '2143' is not in the registry; did you mean '02143'? Spreadsheets lose leading zeros",
        f"{path}:5: a row needs a code of at most 1000 characters and a unit",
        f"{path}:6: a row needs a code of at most 1000 characters and a unit",
    )


@pytest.mark.parametrize("content", [b"code,unit\nA,19\n", b"", b"\xff\xfe\x00", None])
def test_an_unusable_mapping_file_is_a_problem_and_not_an_exception(
    registry: Registry, tmp_path: Path, content: bytes | None
) -> None:
    path = tmp_path / "portal.csv"
    if content is not None:
        path.write_bytes(content)
    mapping = read_mapping(path, registry)
    assert mapping.units == {}
    assert len(mapping.problems) == 1 and mapping.problems[0].startswith(str(path))


def test_the_data_files_are_plain_utf8_with_unix_line_ends() -> None:
    folder = Path(load_registry.__wrapped__.__code__.co_filename).parent
    for path in folder.glob("*.csv"):
        content = path.read_bytes()
        assert not content.startswith(b"\xef\xbb\xbf") and b"\r" not in content, path.name
        rows = list(csv.reader(content.decode("utf-8").splitlines()))
        assert len({len(row) for row in rows}) == 1, path.name
