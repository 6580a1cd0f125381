from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.config.rulebands import conditions, flaws
from monitor.config.rulebooks import load_rules
from monitor.engine.book import Band, Condition, Indicator, Measure, Need, Period, RollUp
from monitor.engine.compare import all_hold
from monitor.model.colour import Colour
from monitor.model.unit import Level, Unit

ROOT = Path(__file__).parents[2]
BOOKS = ("service_health", "recurring_targets", "two_tier_readiness", "d766")

CATALOGUE = """
indicators:
  rate:
    {name: {vi: Tỷ lệ, en: Rate}, sms: Ty le, unit: "%", group: services, cadence: daily, source: a paper}
  reachable:
    {name: {vi: Có kết nối, en: Reachable}, sms: Ket noi, unit: bool, states: [partly], group: infrastructure,
     cadence: 60s, source: a paper}
  yes: {name: {vi: Có, en: Yes}, sms: Co, unit: bool, group: services, cadence: daily, source: a paper}
  outage:
    {name: {vi: Gián đoạn, en: Outage}, sms: Gian doan, unit: minutes, group: infrastructure, cadence: 60s,
     measure: elapsed, of: reachable, minimum: 0, source: a paper}
  late:
    {name: {vi: Quá hạn, en: Overdue}, sms: Qua han, unit: count, group: services, cadence: weekly, minimum: 0,
     source: a paper}
"""
HEADER = """
book: small
version: "1"
title: {vi: Nhỏ, en: Small}
"""


def site(root: Path, criteria: str, catalogue: str = CATALOGUE, header: str = HEADER) -> Path:
    (root / "rules").mkdir(exist_ok=True)
    (root / "rules/indicators.yaml").write_text(catalogue, "utf-8")
    (root / "rules/small.yaml").write_text(f"{header}criteria:\n{criteria}", "utf-8")
    return root


def sentences(root: Path, criteria: str, **kwargs: str) -> list[str]:
    ruleset, problems = load_rules(site(root, criteria, **kwargs), ["small"])
    assert (ruleset is None) == bool(problems)
    return [str(problem) for problem in problems]


def rule(body: str, identity: str = "rate", levels: str = "[commune]") -> str:
    return f"  - {{id: {identity}, applies_to: {{levels: {levels}}}, source: a paper, {body}}}\n"


# -- what a site gets -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("names", [BOOKS[:2], BOOKS[2:]])
def test_the_shipped_books_have_no_mistake(names):
    assert load_rules(ROOT, names)[1] == []


def test_every_shipped_criterion_names_its_source_and_both_languages():
    for name in BOOKS:
        ruleset, _ = load_rules(ROOT, [name])
        assert ruleset is not None
        for criterion in ruleset.books[0].criteria:
            assert criterion.source
            assert criterion.title_vi != criterion.title_en
            assert criterion.where.file == f"rules/{name}.yaml"


def test_short_names_of_the_shipped_catalogue_fit_an_sms_and_are_all_different():
    ruleset, _ = load_rules(ROOT, [])
    assert ruleset is not None
    names = [indicator.sms for indicator in ruleset.indicators.values()]
    assert [name for name in names if len(name) > 13 or not name.isascii()] == []
    assert len(set(names)) == len(names) >= 41


def test_only_outages_critical_things_and_dated_goals_wake_somebody_by_default():
    ruleset, _ = load_rules(ROOT, BOOKS[:2])
    assert ruleset is not None
    waking = {criterion.id for book in ruleset.books for criterion in book.criteria if criterion.alert}
    outages = {criterion.id for book in ruleset.books for criterion in book.criteria if criterion.outage}
    assert waking == outages | {"tls_days_left", "backup_age_hours"}
    assert outages == {"centre_reachable", "system_outage_minutes", "line_outage_minutes", "population_db_link_ok"}


def test_a_written_criterion_becomes_the_engines_type(tmp_path):
    text = """
  - id: rate
    title: {vi: Tên, en: Name}
    applies_to: {levels: [system], units: [box], provinces: [19, "01"], kinds: [xa]}
    inherit: [commune]
    target: {value: ">= 80", before: 2025-08-20, floor: 60, remind: [1, 5, 5]}
    weight: {system: 8, commune: 2.5}
    for: 2x
    keep: 3x 60s
    max_age: 2d
    critical: true
    outage: true
    alert: [red, yellow]
    min_sample: 30
    legal_basis: [02-KH/BCĐTW]
    source: a paper
    assumed: true
"""
    ruleset, problems = load_rules(site(tmp_path, text), ["small"])
    assert problems == []
    assert ruleset is not None
    rate = ruleset.criterion("rate")
    assert rate is not None
    assert (rate.title_vi, rate.title_en, rate.book, rate.indicator) == ("Tên", "Name", "small", "rate")
    assert (rate.levels, rate.inherit) == (frozenset({Level.SYSTEM}), frozenset({Level.COMMUNE}))
    assert [sorted(names) for names in (rate.units, rate.provinces, rate.kinds)] == [["box"], ["01", "19"], ["xa"]]
    assert rate.target is not None
    assert (rate.target.goal, rate.target.floor) == (Condition(">=", 80.0), 60)
    assert (rate.target.before, rate.target.by, rate.target.every) == (date(2025, 8, 20), None, None)
    assert rate.target.remind_days == (5, 1)
    assert rate.weight == {Level.SYSTEM: 8, Level.COMMUNE: 2.5}
    assert (rate.hold, rate.keep, rate.max_age) == (Need(2), Need(3, 60.0), 172800.0)
    assert (rate.critical, rate.outage, rate.assumed, rate.min_sample) == (True, True, True, 30)
    assert rate.alert == {Colour.RED, Colour.YELLOW}
    assert rate.legal_basis == ("02-KH/BCĐTW",)
    assert str(rate.where) == "rules/small.yaml:7"


def test_a_rule_is_named_after_its_indicator_unless_it_has_a_title(tmp_path):
    ruleset, _ = load_rules(
        site(tmp_path, rule("bands: {green: true, yellow: partly, red: false}", "reachable")), ["small"]
    )
    assert ruleset is not None
    criterion = ruleset.books[0].criteria[0]
    assert (criterion.title_vi, criterion.title_en) == ("Có kết nối", "Reachable")
    assert criterion.bands[1] == Band(Colour.YELLOW, (Condition("==", "partly"),), "partly", criterion.bands[1].where)
    assert criterion.alert == {Colour.RED}


def test_recurring_goals_roll_ups_and_the_validity_of_a_book(tmp_path):
    text = rule('target: {value: ">= 80", every: quarter}') + rule(
        'rollup: green_share, max_red_share: 5, bands: {green: ">=90", red: "<90"}', "share", "[province]"
    )
    header = HEADER + "valid: {from: 2025-06-01, to: 2025-12-31}\nstanding: {min_coverage: 60, red_score: 40}\n"
    ruleset, problems = load_rules(site(tmp_path, text, header=header), ["small"])
    assert problems == []
    assert ruleset is not None
    quarterly, share = ruleset.books[0].criteria
    assert quarterly.target is not None
    assert quarterly.target.every is Period.QUARTER
    assert (share.rollup, share.indicator, share.max_red_share) == (RollUp.GREEN_SHARE, None, 5)
    assert (ruleset.books[0].valid_on(date(2025, 12, 31)), ruleset.books[0].valid_on(date(2026, 1, 1))) == (True, False)
    assert (ruleset.standing.min_coverage, ruleset.standing.green_score, ruleset.standing.red_score) == (0.6, 0.8, 0.4)


def test_units_say_which_systems_are_judged_not_who_inherits(tmp_path):
    text = """
  - {id: outage, applies_to: {levels: [system], units: [box]}, inherit: [commune], source: a paper,
     bands: {green: 0, red: ">0"}}
"""
    ruleset, _ = load_rules(site(tmp_path, text), ["small"])
    assert ruleset is not None
    outage = ruleset.books[0].criteria[0]
    made = {code: Unit(code, Level.SYSTEM, "system", code, code, code) for code in ("box", "other")}
    commune = Unit("02143", Level.COMMUNE, "xa", "Xã", "Commune", "Xa")
    assert [outage.applies_to(made["box"]), outage.applies_to(made["other"])] == [True, False]
    assert [outage.inherited_by(commune), outage.applies_to(commune)] == [True, False]


@pytest.mark.parametrize(
    ("cadence", "age"),
    [("60s", 150), ("10s", 90), ("5m", 750), ("hourly", 9000), ("daily", 50 * 3600), ("weekly", 17 * 86400),
     ("monthly", 70 * 86400), ("daily, max_age: 26h", 26 * 3600)],
)  # fmt: skip
def test_how_long_a_value_is_believed_follows_from_how_often_it_comes(tmp_path, cadence, age):
    catalogue = CATALOGUE.replace("cadence: daily", f"cadence: {cadence}")
    ruleset, problems = load_rules(site(tmp_path, rule('target: {value: ">= 80", every: month}'), catalogue), ["small"])
    assert problems == []
    assert ruleset is not None
    assert ruleset.indicators["rate"].max_age == age


def test_per_cent_lies_between_0_and_100_and_an_elapsed_time_knows_its_evidence(tmp_path):
    ruleset, _ = load_rules(site(tmp_path, rule('target: {value: ">= 80", every: month}')), ["small"])
    assert ruleset is not None
    rate, outage = ruleset.indicators["rate"], ruleset.indicators["outage"]
    assert (rate.minimum, rate.maximum) == (0, 100)
    assert (outage.measure, outage.evidence) == (Measure.ELAPSED, "reachable")


# -- mistakes, and the sentences for them ------------------------------------------------------------------------------

MISTAKES = {
    rule('bands: {green: ">=80", yellow: "60 to <75", red: "<60"}'): "rate: bands leave a hole from 75 below 80",
    rule('bands: {green: ">80", yellow: "60 to <80", red: "<60"}'): "rate: bands leave a hole at 80",
    rule('bands: {green: ">=80", yellow: "60 to <80"}'): "rate: bands leave a hole from 0 below 60",
    rule('bands: {green: ">=80", yellow: "60 to 80", red: "<60"}'): "rate: bands.green and yellow overlap at 80",
    rule('bands: {green: ">=80", yellow: "50 to <80", red: "<60"}'):
        "rate: bands.yellow and red overlap from 50 below 60",
    rule('bands: {green: ">=0", red: "<0"}'): "rate: bands.red can never be reached: rate lies from 0 up to 100",
    rule('bands: {green: ">=80", yellow: "90 to <80", red: "<80"}'):
        "rate: bands.yellow can never be reached: rate lies from 0 up to 100",
    rule('bands: {green: true, red: "<80"}'): "rate: bands.green compares with 'true', but rate is a number",
    rule('bands: {green: 0, yellow: 2 to 5, red: ">5"}', "late"): "late: bands leave a hole from 1 below 2",
    rule("bands: {green: true, red: false}", "reachable"): "reachable: bands leave a hole: no band covers 'partly'",
    rule("bands: {green: true, yellow: true, red: false}", "yes"):
        "yes: bands.yellow and green both cover 'true'",
    rule("bands: {green: true, yellow: nearly, red: false}", "reachable"):
        "reachable: bands.yellow is 'nearly', which reachable never is; known: true, false, partly",
    rule('bands: {green: "80 or so"}'): "rate: '80 or so' is no condition; write >=100, 95 to <100, >0 to <15, true, "
    "false or a state",
    rule('target: {value: ">= 80", before: 2025-08-20, by: 2030-12-31}'):
        "rate: the target has two dates (before and by); give exactly one of before, by, every",
    rule('target: {value: ">= 80"}'): "rate: the target has no date; give exactly one of before, by, every",
    rule('target: {value: ">= 80", before: 2025-08-20, floor: 90}'):
        "rate: the floor 90 lies beyond the goal '>= 80'; it must be less than the goal",
    rule('target: {value: "<= 5", every: month, floor: 3}', "late"):
        "late: the floor 3 lies beyond the goal '<= 5'; it must be more than the goal",
    rule("target: {value: true, every: month, floor: 3}", "reachable"):
        "reachable: a goal that is no number has no floor",
    rule('target: {value: ">= 120", every: month}'):
        "rate: target.value can never be reached: rate lies from 0 up to 100",
    rule('target: {value: "60 to 80", every: month}'):
        "rate: the goal '60 to 80' is a range; write one bound, such as >= 80",
    rule('target: {value: ">= 80", before: 2025-02-30}'):
        "criteria[0].target.before is not a day; write it as 2025-08-20",
    rule("alert: []"): "rate: the criterion has neither bands nor a target; give it one of them",
    rule('target: {value: ">= 80", every: month}', "rat"): "rat: there is no indicator 'rat'; did you mean 'rate'?",
    rule('target: {value: ">= 80", every: month}, indicator: rote'):
        "rate: there is no indicator 'rote'; did you mean 'rate'?",
    rule('target: {value: ">= 80", every: month}, weight: {province: 5}'):
        "rate: there is a weight for province, which the criterion does not reach; commune",
    rule('target: {value: ">= 80", every: month}, inherit: [province]'):
        "rate: only a system's criterion is inherited; add system to applies_to.levels",
    rule('target: {value: ">= 80", every: month}, inherit: [system]', levels="[system]"):
        "rate: system is judged itself and inherits, too; name it in one of them",
    rule('bands: {green: ">=80", red: "<80"}, alert: [yellow]'):
        "rate: yellow is told only near a deadline, and there is no target; write alert: [red]",
    rule('bands: {green: ">=80", red: "<80"}, max_red_share: 5'): "rate: max_red_share needs a roll-up",
    rule('rollup: score, bands: {green: ">=80", red: "<80"}'): "rate: a commune has no children to roll up",
    rule('rollup: worst, bands: {green: ">=80", red: "<80"}', levels="[province]"):
        "rate: the worst child is a colour already; leave bands and target out",
    rule('target: {value: ">= 80", every: month}, for: twice'):
        "criteria[0].for is not a hold; write 2x (readings in a row), 3 of 5, 90s, or both as 2x 60s",
    rule('target: {value: ">= 80", every: month}, wieght: {commune: 1}'):
        "unknown key 'wieght' in criteria[0]; did you mean 'weight'?",
}  # fmt: skip


@pytest.mark.parametrize(("text", "sentence"), MISTAKES.items(), ids=lambda value: value[:60].strip())
def test_each_mistake_in_a_criterion_is_named_with_its_line(tmp_path, text, sentence):
    assert sentences(tmp_path, text) == [f"rules/small.yaml:6: {sentence}"]


def test_all_mistakes_of_all_files_are_told_at_once(tmp_path):
    broken = CATALOGUE.replace("of: reachable", "of: reachible")
    text = rule('bands: {green: ">=80"}') + rule('target: {value: ">= 80"}', "late")
    found = sentences(tmp_path, text, catalogue=broken)
    places = [sentence.split(": ")[0] for sentence in found]
    assert places == ["rules/indicators.yaml:11", "rules/small.yaml:6", "rules/small.yaml:7"]


def test_an_elapsed_indicator_must_name_a_yes_no_indicator_that_exists(tmp_path):
    text = rule('target: {value: ">= 80", every: month}')
    assert sentences(tmp_path, text, catalogue=CATALOGUE.replace("of: reachable", "of: reachible")) == [
        "rules/indicators.yaml:11: there is no indicator 'reachible'; did you mean 'reachable'?"
    ]
    assert sentences(tmp_path, text, catalogue=CATALOGUE.replace("of: reachable", "of: rate")) == [
        "rules/indicators.yaml:11: 'rate' is no yes/no indicator; its unit must be bool"
    ]


def test_a_criterion_that_is_there_twice_is_told_with_the_place_of_the_first(tmp_path):
    text = rule('target: {value: ">= 80", every: month}') * 2
    assert sentences(tmp_path, text) == [
        "rules/small.yaml:7: the criterion 'rate' is there twice; the first one is at rules/small.yaml:6"
    ]


def test_two_books_must_not_quarrel_about_how_units_stand(tmp_path):
    header = HEADER + "standing: {red_score: 40}\n"
    root = site(tmp_path, rule('target: {value: ">= 80", every: month}'), header=header)
    other = header.replace("small", "other").replace("40", "30") + "criteria:\n"
    (root / "rules/other.yaml").write_text(other + rule("bands: {green: 0, red: '>0'}", "late"), "utf-8")
    _, problems = load_rules(root, ["small", "other"])
    assert list(map(str, problems)) == [
        "rules/other.yaml:5: two active books state how units stand, and differ; "
        "one of them must go: rules/small.yaml:5 states another"
    ]


def test_a_book_must_be_the_one_its_file_name_says_and_end_after_it_began(tmp_path):
    header = HEADER.replace("small", "big") + "valid: {from: 2025-06-01, to: 2025-05-31}\n"
    assert sentences(tmp_path, rule('target: {value: ">= 80", every: month}'), header=header) == [
        "rules/small.yaml:2: the book is called 'big'; its file asks for 'small'",
        "rules/small.yaml:5: the book ends on 2025-05-31, before it begins on 2025-06-01",
    ]


@pytest.mark.parametrize("name", ["missing", "../secret", ""])
def test_a_book_that_is_not_there_or_has_no_proper_name_is_a_problem(tmp_path, name):
    ruleset, problems = load_rules(site(tmp_path, rule('target: {value: ">= 80", every: month}')), [name])
    assert ruleset is None
    assert len(problems) == 1


# -- bands ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        (">=100", [Condition(">=", 100.0)]),
        ("95 to <100", [Condition(">=", 95.0), Condition("<", 100.0)]),
        ("1 to 5", [Condition(">=", 1.0), Condition("<=", 5.0)]),
        (">0 to <15", [Condition(">", 0.0), Condition("<", 15.0)]),
        (">= -5 to <= 5", [Condition(">=", -5.0), Condition("<=", 5.0)]),
        ("== 3", [Condition("==", 3.0)]),
        ("99.5", [Condition("==", 99.5)]),
        (0, [Condition("==", 0.0)]),
        (True, [Condition("==", True)]),
        ("partly", [Condition("==", "partly")]),
    ],
)
def test_bands_are_written_as_people_write_them(written, meant):
    assert list(conditions(written)) == meant


@pytest.mark.parametrize(
    "written", ["", ">=", "80 %", "=> 80", "60 to", "to 80", "8,5", "1e5", "Partly", "60 to 80 to 90"]
)
def test_anything_else_is_no_condition(written):
    with pytest.raises(ValueError, match="is no condition"):
        conditions(written)


NUMBER = Indicator("x", "x", "x", "x", "points", "services", 60.0, minimum=0.0, maximum=6.0)
WHOLE = Indicator("x", "x", "x", "x", "count", "services", 60.0, minimum=0.0, maximum=6.0)
OPERATOR = st.sampled_from([">=", ">", "<=", "<", "=="])
BAND = st.lists(st.builds(Condition, OPERATOR, st.integers(0, 6).map(float)), min_size=1, max_size=2).map(tuple)


@given(st.dictionaries(st.sampled_from(["green", "yellow", "red"]), BAND, min_size=1), st.booleans())
def test_bands_without_flaw_give_every_value_exactly_one_colour_and_use_each_colour(bands, whole):
    values = [float(value) for value in range(7)] if whole else [value / 2 for value in range(13)]
    holders = {value: [band for band, parts in bands.items() if all_hold(parts, value)] for value in values}
    sound = all(len(found) == 1 for found in holders.values()) and {b for f in holders.values() for b in f} == set(
        bands
    )
    assert (not list(flaws(bands, WHOLE if whole else NUMBER, complete=True))) == sound


# -- holds and flapping -----------------------------------------------------------------------------------------------

_ROLLED = "rollup: green_share, bands: {green: '>=50', red: '<50'}, "


@pytest.mark.parametrize(
    ("body", "levels", "said"),
    [
        ("bands: {green: '>=50', red: '<50'}, flap: {start: 50, end: 60}", "[commune]",
         "flap.end 60 is not below flap.start 50"),
        ("bands: {green: '>=50', red: '<50'}, flap: {end: 0}", "[commune]", "flap.end 0 is never gone below"),
        ("bands: {green: '>=50', red: '<50'}, flap: {start: 95, window: 3}", "[commune]",
         "flap.start 95 is never reached: the greatest share is 90"),
        (_ROLLED + "flap: {}", "[province]", "a roll-up has no readings that could flap"),
        (_ROLLED + "for: 2 of 3", "[province]", "for counts readings, and a roll-up has none; write a time"),
        (_ROLLED + "keep: 2x", "[province]", "keep counts readings, and a roll-up has none"),
        ("bands: {green: '>=50', red: '<50'}, for: 3 of 5 90s", "[commune]", "mixes 3 of 5 readings with a time"),
        ("bands: {green: '>=50', red: '<50'}, for: 3 of 22", "[commune]", "at most 21 are remembered"),
    ],
)  # fmt: skip
def test_a_hold_or_a_flap_that_cannot_work_is_named(tmp_path, body, levels, said):
    """SC-58, inverted on purpose: the mistake is named and the whole book is refused; the last good one judges on."""
    found = sentences(tmp_path, rule(body, levels=levels))
    assert len(found) == 1 and said in found[0]


def test_a_warning_of_old_data_comes_before_it_is_unknown_and_is_26_hours_for_daily_figures(tmp_path):
    late = CATALOGUE.replace("cadence: daily, source: a paper}", "cadence: daily, warn_age: 50h, source: a paper}", 1)
    found = sentences(tmp_path, rule("bands: {green: '>=50', red: '<50'}"), catalogue=late)
    assert len(found) == 1 and "rate: warn_age 180000s is not below max_age 180000s" in found[0]
    site(tmp_path, rule("bands: {green: '>=50', red: '<50'}"))
    ruleset, _ = load_rules(tmp_path, ["small"])
    assert ruleset is not None
    assert [ruleset.indicators[name].warn_age for name in ("rate", "reachable", "late")] == [26 * 3600.0, None, None]


# -- an index ---------------------------------------------------------------------------------------------------------


def index(*groups: str, grades: str = "") -> str:
    made = ", ".join(
        f"{{id: {name}, name: {{vi: Nhóm, en: Group}}, max: {most}}}" for name, most in map(str.split, groups)
    )
    return f"{HEADER}index: {{groups: [{made}]{grades}}}\n"


@pytest.mark.parametrize(
    ("header", "body", "sentence"),
    [
        (HEADER, "points: {max: 100, group: A}", "rate: there are points, and the book has no index; add 'index'"),
        (index("A 90"), "points: {max: 90, group: A}", "the groups add up to 90 points, not to 100"),
        (index("A 100"), "points: {max: 90, group: A}", "the items of group A add up to 90 points, not to 100"),
        (index("A 100"), "points: {max: 100, group: B}", "rate: the index has no group 'B'"),
        (index("A 50", "A 50"), "points: {max: 50, group: A}", "a group of the index is there twice"),
        (
            index("A 100"),
            "points: {max: 100, group: A}, weight: {commune: 5}",
            "rate: a criterion that only earns points",
        ),
        (index("A 100"), "indicator: late, points: {max: 100, group: A}", "but 'late' is measured in count; name an"),
    ],
)
def test_points_that_do_not_add_up_are_named(tmp_path, header, body, sentence):
    assert any(sentence in problem for problem in sentences(tmp_path, rule(body), header=header))


def test_an_index_that_adds_up_is_taken(tmp_path):
    assert sentences(tmp_path, rule("points: {max: 100, group: A}"), header=index("A 100")) == []
