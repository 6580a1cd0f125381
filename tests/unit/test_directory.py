from __future__ import annotations

import re
from datetime import date, timedelta
from pathlib import Path

import pytest

from monitor.alerting.plan import Directory, Recipient
from monitor.config.build import check_site, load_site
from monitor.config.directory import MAX_WRONG
from tests.unit.sites import NOW, change, make_site, problems_of
from tests.unit.workbooks import changed, workbook

HEAD = "id,role,unit,name,channels,phone,email,valid_from,valid_to,quiet\n"
ENVIRON = {"MAIL": "mailtos://u:p@smtp.example.vn?to={address}"}


def site(folder: Path, *rows: str, mode: int = 0o640) -> Path:
    make_site(folder, "recipients:\n", "directory: rules/people.csv\nrecipients:\n")
    change(
        folder / "config.yaml", "  log: {kind: log}\n", '  log: {kind: log}\n  mail: {kind: email, url: "${MAIL}"}\n'
    )
    path = folder / "rules/people.csv"
    path.write_text(HEAD + "\n".join(rows) + "\n", "utf-8")
    path.chmod(mode)
    return folder


def test_people_of_the_file_join_those_of_the_config(tmp_path):
    site(tmp_path, "an,focal,01840,Nguyễn Văn An,mail log,,an@tinh.example,2026-01-01,,22:00-06:00")
    loaded = load_site(tmp_path, environ=ENVIRON, now=NOW)
    person = loaded.directory.person("an")
    assert person is not None and (person.name, person.channels) == ("Nguyễn Văn An", ("mail", "log"))
    assert loaded.addresses["an", "mail"].reveal() == "an@tinh.example"
    assert "an@tinh" not in repr(loaded.addresses) + repr(loaded.directory)
    assert [p.id for p in loaded.directory.holders("focal", ("01840", "19"))] == ["an"]


@pytest.mark.parametrize(
    ("rows", "sentence"),
    [
        (b'an,focal,01840,,log,,,,,\n"b,focal', "rules/people.csv:3: the directory is no CSV: unexpected end of data"),
        (b"an,focal,01840,,log,,,,,\nb,focal,\xc3\x28", "rules/people.csv:3: the directory is not UTF-8"),
        (b'a,focal,01840,"An\nBa",log,,,,,\nb,focal,0184,,log,,,,,', "rules/people.csv:4: unknown unit '0184'"),
        (b'a,focal,0184,"An\nBa",log,,,,,', "rules/people.csv:2: unknown unit '0184'"),
    ],
)
def test_what_is_wrong_is_named_by_the_line_at_which_its_row_begins(tmp_path, rows, sentence):
    site(tmp_path)
    path = tmp_path / "rules/people.csv"
    path.write_bytes(HEAD.encode() + rows)
    [problem, *_] = [one for one in problems_of(tmp_path, environ=ENVIRON) if "people" in one]
    assert problem.startswith(sentence)


def test_a_channel_takes_over_from_another_in_the_file_as_in_the_config(tmp_path):
    site(tmp_path, "an,focal,01840,,mail>log,,an@tinh.example,,,")
    person = load_site(tmp_path, environ=ENVIRON, now=NOW).directory.person("an")
    assert person is not None and (person.channels, person.after) == (("mail", "log"), {"mail": "log"})


@pytest.mark.parametrize(
    ("row", "sentence"),
    [
        (",focal,01840,,log,,,,,", "the row has no id; write a name of its own"),
        ("xa/02143,focal,01840,,log,,,,,", "the id is 'xa/02143'; use lower-case letters, digits, '.', '-' and '_'"),
        ("a,chief,01840,,log,,,,,", "unknown role 'chief'; did you mean 'chair'?"),
        ("a,focal,1840,,log,,,,,", "unknown unit '1840'; did you mean '01840'? Spreadsheets lose leading zeros"),
        ("a,focal,01840,,,,,,,", "the recipient 'a' has no channel and can never be told; write channels, such as log"),
        ("a,focal,01840,,fax,,,,,", "unknown channel 'fax'; known: log, mail"),
        ("a,focal,01840,,mail,,,,,", "the recipient 'a' has no address for the channel 'mail'; fill in email"),
        ("a,focal,01840,,mail,,secret,,,", "the email of 'a' is no address; write name@domain"),
        ("a,focal,01840,,log,,,31/12/2026,,", "valid_from is '31/12/2026'; write it as 2026-02-14"),
        ("a,focal,01840,,log,,,2026-02-02,2026-02-02,",
         "valid_to 2026-02-02 is the first day without 'a', valid_from 2026-02-02; write a later one"),
        ("a,focal,01840,,log,,,,,all night", "quiet is 'all night'; write from-to, such as 07:30-11:30"),
        ("focal,focal,01840,,log,,,,,", "the recipient 'focal' is there twice; the first one is in config.yaml"),
    ],
)  # fmt: skip
def test_a_mistake_is_named_with_its_line_and_without_the_address(row, sentence, tmp_path):
    site(tmp_path, "ok,focal,01840,,log,,,,,", row)
    assert problems_of(tmp_path, ENVIRON) == [f"rules/people.csv:3: {sentence}"]


DAY = date(2026, 1, 1)
SMS = "  sms: {kind: esms, api_key: '${KEY}', secret_key: '${KEY}', brandname: TINH}\n"
COLUMNS = ("id", "role", "unit", "name", "channels", "phone", "email", "valid_from", "valid_to", "quiet")


def in_a_workbook(folder: Path, *sheets: tuple[str, list[tuple[object, ...]]], hidden: tuple[str, ...] = ()) -> Path:
    site(folder)
    change(folder / "config.yaml", "rules/people.csv", "rules/people.xlsx")
    change(folder / "config.yaml", "  log: {kind: log}\n", f"  log: {{kind: log}}\n{SMS}")
    path = folder / "rules/people.xlsx"
    path.write_bytes(workbook(*sheets, hidden=hidden))
    path.chmod(0o640)
    return folder


def test_people_of_a_workbook_are_read_with_its_dates_and_numbers(tmp_path):
    in_a_workbook(
        tmp_path,
        ("Danh bạ", [
            ("DANH BẠ NGƯỜI NHẬN", ),
            (),
            COLUMNS,
            ("an", "focal", "01840", "Nguyễn Văn An", "sms log", "0912 345 678", "", DAY, "", "22:00-06:00"),
            (),
            ("binh", "focal", "01843", "", "sms log", 912345679),  # what Excel makes of 0912345679
        ]),
        ("Ghi chú", [("x",)]),
        hidden=("Ghi chú",),
    )  # fmt: skip
    loaded = load_site(tmp_path, environ={**ENVIRON, "KEY": "k"}, now=NOW)
    person = loaded.directory.person("an")
    assert person is not None
    assert (person.name, person.channels, person.valid_from) == ("Nguyễn Văn An", ("sms", "log"), DAY)
    numbers = {who: secret.reveal() for (who, channel), secret in loaded.addresses.items() if channel == "sms"}
    assert numbers == {"an": "84912345678", "binh": "84912345679"}


@pytest.mark.parametrize(
    ("row", "sentence"),
    [
        (("a", "focal", 1840, "", "log"),
         "unknown unit '1840'; did you mean '01840'? Spreadsheets lose leading zeros"),
        (("a", "focal", "01840", "", "sms", 12345),
         "the phone of 'a' is not a Vietnamese mobile number; write 0 or 84 and nine digits, such as 0912345678"),
        (("a", "focal", "01840", "", "log", "", "", 46000), "valid_from is '46000'; write it as 2026-02-14"),
        (("a", "focal", "01840", "", "log", "", "", "", "", "", "", "more"),
         "the row has more cells than there are headers"),
    ],
)  # fmt: skip
def test_a_mistake_in_a_workbook_is_named_with_sheet_and_row(row, sentence, tmp_path):
    in_a_workbook(tmp_path, ("Danh bạ", [COLUMNS, ("ok", "focal", "01840", "", "log"), (), row]))
    assert problems_of(tmp_path, {**ENVIRON, "KEY": "k"}) == [f"rules/people.xlsx:4: sheet 'Danh bạ': {sentence}"]


@pytest.mark.parametrize(
    ("sheets", "sentence"),
    [
        ([("A", [COLUMNS]), ("B", [COLUMNS])],
         "the directory is not usable XLSX: 2 sheets ('A', 'B'); hide all sheets but the one with the people"),
        ([("A", [("id", "name")])], "sheet 'A': column missing: role, unit, channels"),
        ([("A", [])], "sheet 'A': column missing: id, role, unit, channels"),
    ],
)  # fmt: skip
def test_a_workbook_without_one_table_of_people_is_refused(sheets, sentence, tmp_path):
    in_a_workbook(tmp_path, *sheets)
    assert problems_of(tmp_path, {**ENVIRON, "KEY": "k"}) == [f"rules/people.xlsx:1: {sentence}"]


def test_a_file_that_is_no_workbook_is_refused(tmp_path):
    (in_a_workbook(tmp_path) / "rules/people.xlsx").write_bytes(b"id,role\n")
    assert problems_of(tmp_path, {**ENVIRON, "KEY": "k"}) == [
        "rules/people.xlsx:1: the directory is not usable XLSX: damaged, cut off, or no XLSX file at all; "
        "save it as XLSX or CSV anew"
    ]


def test_after_many_wrong_rows_no_more_are_read(tmp_path):
    site(tmp_path, *(f"r{n},chief,01840,,log,,,,," for n in range(MAX_WRONG + 50)))
    found = problems_of(tmp_path, ENVIRON)
    assert len(found) == MAX_WRONG + 1
    end = "200 rows are wrong: this one and those after it are not read"
    assert found[-1] == f"rules/people.csv:{MAX_WRONG + 2}: {end}"


def test_a_row_is_told_by_the_line_in_which_it_ends(tmp_path):
    site(tmp_path, 'ok,focal,01840,"two\nlines",log,,,,,', "a,chief,01840,,log,,,,,")
    assert problems_of(tmp_path, ENVIRON) == ["rules/people.csv:4: unknown role 'chief'; did you mean 'chair'?"]


def test_a_column_that_is_there_twice_is_named(tmp_path):
    site(tmp_path)
    path = tmp_path / "rules/people.csv"
    path.write_text("id,role,unit,channels,role\na,focal,01840,log,chair\n", "utf-8")
    assert "rules/people.csv:1: the column 'role' is there twice; remove one of them" in problems_of(tmp_path, ENVIRON)


def test_a_file_that_others_can_read_is_refused(tmp_path):
    (problem,) = problems_of(site(tmp_path, mode=0o644), ENVIRON)
    assert problem.startswith(
        "rules/people.csv:1: the directory needs the file rules/people.csv, which others can read"
    )


def test_a_role_is_held_from_the_first_day_to_the_day_before_the_last():
    person = Recipient("an", "chair", "19", "An", valid_from=date(2026, 2, 1), valid_to=date(2026, 3, 1))
    directory = Directory((person,), ())
    days = [date(2026, 1, 31), date(2026, 2, 1), date(2026, 2, 28), date(2026, 3, 1)]
    assert [bool(directory.holders("chair", ("02143", "19"), day)) for day in days] == [False, True, True, False]


def test_a_post_that_nobody_takes_over_yet_is_a_warning_and_no_mistake(tmp_path):
    make_site(
        tmp_path,
        'role: focal, scope: "19", channels: [log]}',
        'role: focal, scope: "19", channels: [log], valid_to: 2026-12-05}',
    )
    change(tmp_path / "config.yaml", "        - {after: 30m, to: [chair], repeat: 4h}\n", "")
    (problem,) = check_site(tmp_path, {}, NOW)
    assert problem.warning
    assert str(problem).startswith(
        "config.yaml:55: the plan 'all' reaches nobody for the unit '19' and 3 more "
        "from 2026-12-05T00:00 to 2026-12-20T10:00"
    )


def test_a_post_that_was_left_already_is_a_mistake_also_while_the_office_is_closed(tmp_path):
    make_site(
        tmp_path,
        'role: focal, scope: "19", channels: [log]}',
        'role: focal, scope: "19", channels: [log], valid_to: 2026-11-20}',
    )
    change(tmp_path / "config.yaml", "        - {after: 30m, to: [chair], repeat: 4h}\n", "")
    change(tmp_path / "config.yaml", "{after: 0s, to: [focal]}", "{after: 0s, to: [focal], office_hours: true}")
    (problem,) = check_site(tmp_path, {}, NOW + timedelta(days=1))  # a Saturday
    assert not problem.warning
    assert problem.what == (
        "the plan 'all' reaches nobody for the unit '19' and 3 more from 2026-11-23T07:30 to 2026-12-21T10:00"
    )


def test_a_wrong_row_is_named_and_not_what_follows_from_it(tmp_path):
    site(tmp_path, "an,focal,01840,,sms,091234,,,,")
    path = tmp_path / "config.yaml"
    change(path, "  - {id: focal, ", "  # - {id: focal, ")  # so that the row would be the only holder
    found = problems_of(tmp_path, {**ENVIRON, "KEY": "k"})
    assert [one for one in found if "people.csv" not in one] == []
    assert len(found) == 1


def test_a_hole_that_is_meant_so_is_told_with_its_hours_and_is_no_mistake(tmp_path):
    schedule = (
        '{id: duty, role: chair, scope: "19", rotations: [{members: [chair], starts: 2026-01-05, hours: "07:30-17:00"}]'
    )
    make_site(tmp_path, "network:\n", f"schedules:\n  - {schedule}, ahead: 1d, holes: next_step}}\nnetwork:\n")
    (problem,) = check_site(tmp_path, {}, NOW)
    assert problem.warning
    assert problem.what == "nobody is on duty in 'duty' from 2026-11-20T17:00 to 2026-11-21T07:30"
    assert problem.right == "the next step is called at once"


def test_nobody_is_missed_while_the_office_is_closed_when_the_plan_waits_for_it(tmp_path):
    schedule = (
        '{id: duty, role: focal, scope: "19", rotations: [{members: [focal], starts: 2026-01-05, hours: "07:00-18:00"}]'
    )
    make_site(tmp_path, "network:\n", f"schedules:\n  - {schedule}, ahead: 1d, holes: next_step}}\nnetwork:\n")
    change(tmp_path / "config.yaml", "        - {after: 30m, to: [chair], repeat: 4h}\n", "")
    loud = [problem.what for problem in check_site(tmp_path, {}, NOW) if not problem.warning]
    assert loud == [
        "the plan 'all' reaches nobody for the unit '19' and 3 more from 2026-11-20T18:00 to 2026-11-21T07:00, "
        "from 2026-11-21T18:00 to 2026-11-22T07:00, from 2026-11-22T18:00 to 2026-11-23T07:00 "
        "and 27 times more until 2026-12-20T07:00"
    ]
    change(tmp_path / "config.yaml", "{after: 0s, to: [focal]}", "{after: 0s, to: [focal], office_hours: true}")
    assert [problem for problem in check_site(tmp_path, {}, NOW) if not problem.warning] == []


@pytest.mark.parametrize("bare", [r"\1", r"\1<v></v>", r"\1<v/>"])
def test_a_formula_without_its_result_is_no_blank_cell(bare, tmp_path):
    """`valid_to` would be for ever."""
    rows: list[tuple[object, ...]] = [COLUMNS, ("an", "focal", "01840", "", "log", "", "", "", "=DATE(2026,3,1)", "")]
    path = in_a_workbook(tmp_path, ("Danh bạ", rows)) / "rules/people.xlsx"
    found = path.read_bytes()
    path.write_bytes(changed(found, lambda name, part: re.sub(rb"(<f>[^<]*</f>)<v>[^<]*</v>", bare.encode(), part)))
    path.chmod(0o640)
    assert problems_of(tmp_path, {**ENVIRON, "KEY": "k"}) == [
        "rules/people.xlsx:2: sheet 'Danh bạ': no result of a formula is stored; "
        "open the file in Excel or LibreOffice, and save it"
    ]
