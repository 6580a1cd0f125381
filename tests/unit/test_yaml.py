"""The strict reading of YAML: what a scalar means, which line it stands in, and what is refused."""

from __future__ import annotations

from typing import Annotated, Literal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import Field

from monitor.config.yaml import MAX_BYTES, Section, parse, read, validate
from monitor.config.yamlreader import MAX_DEPTH


def sentences(text: str | bytes) -> list[str]:
    return [str(problem) for problem in parse(text, "f.yaml")[1]]


def data(text: str) -> object:
    document, problems = parse(text, "f.yaml")
    assert document is not None
    assert problems == []
    return document.data


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("02143", "02143"), ("00010", "00010"), ("10105", 10105), ("-5", -5), ("0", 0), ("1.50", 1.5),
        ("-0.25", -0.25), ("12:30", "12:30"), ("no", "no"), ("yes", "yes"), ("on", "on"), ("off", "off"),
        ("true", True), ("False", False), ("2025-08-20", "2025-08-20"), ("1e3", "1e3"), ("0x10", "0x10"),
        ("0o7", "0o7"), ("1_000", "1_000"), (".5", ".5"), (".inf", ".inf"), (".nan", ".nan"), ("+5", "+5"),
        ("~", None), ("null", None),
        ('"19"', "19"), ("'true'", "true"), ("9" * 30, "9" * 30), ("1.2.3", "1.2.3"),
        ("<=5", "<=5"), ("Xã Văn Lang", "Xã Văn Lang"),
    ],
)  # fmt: skip
def test_a_plain_scalar_means_what_it_looks_like(written, meant):
    found = data(f"a: {written}")
    assert found == {"a": meant}
    assert type(found["a"]) is type(meant)


def test_keys_are_always_text():
    assert data("19: a\non: b\n02143: c\ntrue: d") == {"19": "a", "on": "b", "02143": "c", "true": "d"}


def test_text_is_composed_to_nfc():
    assert data("a: Xa\u0303") == {"a": "Xã"}


def test_every_value_knows_its_line():
    document, _ = parse("a: 1\nb:\n  - c: 2\n    d: 3\n\n  - {e: 4}\n", "f.yaml")
    assert document is not None
    lines = {path: document.line(path) for path in [("a",), ("b",), ("b", 0), ("b", 0, "d"), ("b", 1, "e")]}
    assert lines == {("a",): 1, ("b",): 2, ("b", 0): 3, ("b", 0, "d"): 4, ("b", 1, "e"): 6}


def test_what_is_not_there_has_the_line_of_what_is_around_it():
    document, _ = parse("a: 1\nb:\n  - c: 2\n", "f.yaml")
    assert document is not None
    assert document.line(("b", 0, "missing", 3)) == 3
    assert document.line(("nothing",)) == 1


@pytest.mark.parametrize("opener", ["[", "{a: ", "- ", "? ", "[{a: "])
def test_deep_nesting_is_refused_and_kills_nothing(opener):
    text = opener * 100_000
    assert any(f"nested more than {MAX_DEPTH} deep" in s or "used as a key" in s for s in sentences(text))


def test_forty_levels_are_still_read():
    assert sentences("[" * MAX_DEPTH + "]" * MAX_DEPTH) == []
    assert sentences("[" * (MAX_DEPTH + 1) + "]" * (MAX_DEPTH + 1)) == ["f.yaml:1: values are nested more than 40 deep"]


def test_a_doubled_key_is_named_and_the_first_one_stays():
    document, problems = parse("a: 1\nb: 2\na: {c: 3, d: 4}\n", "f.yaml")
    assert [str(p) for p in problems] == ["f.yaml:3: the key 'a' is there twice; the first one is in line 1"]
    assert document is not None
    assert document.data == {"a": 1, "b": 2}


def test_a_bomb_of_aliases_is_refused_without_being_unfolded():
    text = "a: &a [1,1,1]\nb: &b [*a,*a,*a]\nc: [*b,*b,*b]\n"
    document, problems = parse(text, "f.yaml")
    assert len(problems) == 8
    assert document is not None
    assert document.data == {"a": [1, 1, 1], "b": [None] * 3, "c": [None] * 3}


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"\xef\xbb\xbfa: 1", "f.yaml:1: the file begins with a byte order mark; save it as UTF-8 without BOM"),
        ("a: 1".encode("utf-16"), "f.yaml:1: the file begins with a byte order mark; save it as UTF-8 without BOM"),
        (b"a: 1\nb: \xe3\x20", "f.yaml:2: byte 0xe3 is not UTF-8; save the file as UTF-8"),
        (b"a: 1\n\nb: \x07", "f.yaml:3: the line holds a control character; remove it"),
        (b'a: "\\u0007"', "f.yaml:1: a text holds a control character; remove it"),
        (b"", "f.yaml:1: the file is empty"),
        (b"# only a comment\n", "f.yaml:1: the file is empty"),
        (b"a: " + b"x" * 70_000, "f.yaml:1: a value is longer than 64 KiB"),
        (b"a: 1\n" + b"#" * MAX_BYTES, "f.yaml:1: the file is larger than 2 MiB; split it"),
        (b"[" + b"1," * 310_000 + b"]", "f.yaml:1: the file holds more than 300,000 values; split it"),
        (b"a: b: c", "f.yaml:1: a ':' where none can be; put the text in quotes, or check the indentation"),
        (b"a: 'x\nb: 1\n", "f.yaml:1: a quote that is never closed"),
        (b"a: {b: 1\n", "f.yaml:1: a '{' that is never closed"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_an_unfit_file_is_named(content, sentence):
    assert sentences(content) == [sentence]


def test_a_missing_file_and_a_folder_are_problems(tmp_path):
    assert [str(p) for p in read(tmp_path / "none.yaml", "none.yaml")[1]] == ["none.yaml:1: there is no such file"]
    assert [str(p) for p in read(tmp_path, "x")[1]] == ["x:1: the file cannot be read: Is a directory"]


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=200) | st.text(alphabet="[]{}:,-&*!|>'\"#%@`?\n \ta1", max_size=120) | st.binary(max_size=100))
def test_no_text_is_too_strange_to_get_an_answer(content):
    document, problems = parse(content, "f.yaml")
    assert document is not None or problems
    assert all(problem.line >= 1 and problem.what for problem in problems)


class Lamp(Section):
    kind: Literal["lamp"]
    watts: float = Field(gt=0, description="write the power")
    until: str = Field(default="", alias="for")


class Horn(Section):
    kind: Literal["horn"]
    tone: Literal["high", "low"] = "low"


class Desk(Section):
    name: str
    things: list[Annotated[Lamp | Horn, Field(discriminator="kind")]] = Field(default=[])
    owner: dict[str, Horn] = Field(default={})


def complaints(text: str) -> list[str]:
    document, problems = parse(text, "f.yaml")
    assert document is not None
    return [str(problem) for problem in [*problems, *validate(Desk, document)[1]]]


def test_all_errors_are_reported_in_the_order_of_lines():
    text = "things:\n  - kind: lamp\n    fro: x\n  - kind: horn\n    tone: lou\n  - kind: hron\n  - 5\nname: 3\n"
    assert complaints(text) == [
        "f.yaml:2: 'watts' is missing in things[0]; write the power",
        "f.yaml:3: unknown key 'fro' in things[0]; did you mean 'for'?",
        "f.yaml:5: things[1].tone is 'lou'; did you mean 'low'?",
        "f.yaml:6: things[2].kind is 'hron'; did you mean 'horn'?",
        "f.yaml:7: things[3] must be a mapping, not a number",
        "f.yaml:8: name must be text, not a number",
    ]


def test_a_misspelt_key_is_one_mistake_not_two():
    assert complaints("nam: x\n") == ["f.yaml:1: unknown key 'nam' in the file; did you mean 'name'?"]


def test_values_of_a_mapping_are_named_by_their_key():
    assert complaints("name: a\nowner:\n  an: {kind: horn, tone: 5}\n") == [
        "f.yaml:3: owner.an.tone is 5; known: high, low"
    ]


def test_a_list_instead_of_a_file_of_keys_is_one_sentence():
    assert complaints("- 1\n- 2\n") == ["f.yaml:1: the file must be a mapping, not a list"]
