"""Pydantic's errors as sentences about the user's file. Values are shown only where no secret can stand."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from types import UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from monitor.config.problems import Location
from monitor.model.nearest import likeliest, nearest


@dataclass(frozen=True, slots=True)
class Complaint:
    """One mistake: where (as a path in the data given to the model), what, and what would be right."""

    path: Location
    what: str
    right: str = ""


def complain(model: type[BaseModel], error: ValidationError, data: Any) -> Iterator[Complaint]:
    """Every error of a validation as a complaint."""
    found = [(details, *_resolve(model, details["loc"], data)) for details in error.errors(include_url=False)]
    meant = {(*path[:-1], likeliest(str(path[-1]), known)) for details, path, known in found if _is_unknown(details)}
    for details, path, known in found:
        # A misspelt key is one mistake: that the right one is missing goes without saying.
        if details["type"] != "missing" or path not in meant:
            yield Complaint(path, *_sentence(details, path, known))


def mend(model: type[BaseModel], error: ValidationError, data: Any) -> bool:
    """Take unknown keys out of `data`; what a misspelt one holds goes where it was meant. False: there is none."""
    unknown = [details for details in error.errors(include_url=False) if _is_unknown(details)]
    for details in unknown:
        path, known = _resolve(model, details["loc"], data)
        parent = data
        for step in path[:-1]:
            parent = parent[step]
        value = parent.pop(path[-1])
        if meant := likeliest(str(path[-1]), known):
            parent.setdefault(meant, value)
    return bool(unknown)


def spell(path: Location) -> str:
    """A path as people write it: `probes[0].url`; the whole file is "the file"."""
    text = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path)
    return text.lstrip(".") or "the file"


def _is_unknown(details: ErrorDetails) -> bool:
    return details["type"] == "extra_forbidden"


def _sentence(details: ErrorDetails, path: Location, known: dict[str, str]) -> tuple[str, str]:
    where, kind, value = spell(path), details["type"], details["input"]
    context: dict[str, Any] = details.get("ctx", {})
    if _is_unknown(details):
        return f"unknown key '{path[-1]}' in {spell(path[:-1])}", nearest(str(path[-1]), known)
    if kind == "missing":
        return f"'{path[-1]}' is missing in {spell(path[:-1])}", known.get(str(path[-1]), "")
    if kind in ("value_error", "assertion_error"):
        what, _, right = str(context["error"]).partition("; ")
        return f"{where} {what}", right
    if kind in ("literal_error", "enum"):
        words = str(context["expected"]).replace("'", "").replace(" or ", ", ").split(", ")
        return f"{where} is {_shown(value)}", nearest(str(value), words)
    if kind.startswith("union_tag"):
        return _tag(details, where)
    return _other(details, where)


def _tag(details: ErrorDetails, where: str) -> tuple[str, str]:
    context: dict[str, Any] = details.get("ctx", {})
    key = str(context["discriminator"]).strip("'")
    if details["type"] == "union_tag_not_found":
        return f"'{key}' is missing in {where}", ""
    words = str(context["expected_tags"]).replace("'", "").split(", ")
    return f"{where}.{key} is '{context['tag']}'", nearest(str(context["tag"]), words)


_MUST = {
    "string_type": "must be text",
    "bool_type": "must be true or false",
    "dict_type": "must be a mapping",
    "model_type": "must be a mapping",
    "model_attributes_type": "must be a mapping",
    "list_type": "must be a list",
    "tuple_type": "must be a list",
    "int_type": "must be a whole number",
    "int_from_float": "must be a whole number",
    "float_type": "must be a number",
    "finite_number": "must be a number",
    "greater_than": "must be more than {gt:g}",
    "greater_than_equal": "must be at least {ge:g}",
    "less_than": "must be less than {lt:g}",
    "less_than_equal": "must be at most {le:g}",
    "string_too_short": "must not be empty",
    "string_too_long": "must have at most {max_length} characters",
    "too_short": "must have at least {min_length} entries",
    "too_long": "must have at most {max_length} entries",
    "string_pattern_mismatch": "is not written as it must be",
}
_NUMERIC = ("int_", "float_", "greater_", "less_", "finite_")


def _other(details: ErrorDetails, where: str) -> tuple[str, str]:
    kind, value = details["type"], details["input"]
    must = _MUST.get(kind, "").format(**details.get("ctx", {})) or details["msg"]
    if kind.startswith(_NUMERIC):
        return f"{where} is {_shown(value)}", must.replace("must be", "it must be")
    if kind == "too_short" and not value:
        return f"{where} is empty", ""
    if kind.endswith("_type"):
        return f"{where} {must}, not {_sort(value)}", ""
    return f"{where} {must}", ""


def _shown(value: Any) -> str:
    return f"'{value[:60]}'" if isinstance(value, str) else str(value)[:60] if _is_scalar(value) else _sort(value)


def _is_scalar(value: Any) -> bool:
    return isinstance(value, bool | int | float)


def _sort(value: Any) -> str:
    if value is None:
        return "empty"
    names = {bool: "true or false", int: "a number", float: "a number", str: "text", list: "a list", dict: "a mapping"}
    return names.get(type(value), "something else")


def _resolve(model: Any, loc: Location, data: Any) -> tuple[Location, dict[str, str]]:
    """The error's path in the data, without pydantic's own marks, and the keys known where it ends."""
    kinds, path, known = _unfold(model), [], {}
    for number, step in enumerate(loc):
        last = number == len(loc) - 1
        inside = _has(data, step)
        if not inside and not isinstance(step, int) and (not last or _is_mark(kinds, step)):
            kinds = [kind for kind in kinds if _answers_to(kind, step)] or kinds
            continue
        if last and step == "[key]":
            break
        known = {key: text for kind in kinds for key, text in _keys(kind)}
        kinds = [deeper for kind in kinds for deeper in _step(kind, step)]
        data = data[step] if inside else None
        path.append(step)
    return tuple(path), known


def _is_mark(kinds: list[Any], step: str) -> bool:
    """Whether a path ends with the kind that a union chose: the mistake is of the whole section, not of a key in it."""
    keys = {key for kind in kinds for key, _ in _keys(kind)}
    return step not in keys and any(_answers_to(kind, step) for kind in kinds)


def _has(data: Any, step: str | int) -> bool:
    if isinstance(data, dict):
        return step in data
    return isinstance(data, list) and isinstance(step, int) and step < len(data)


def _is_model(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, BaseModel)


def _keys(kind: Any) -> Iterator[tuple[str, str]]:
    if _is_model(kind):
        for name, info in kind.model_fields.items():
            yield info.alias or name, info.description or ""


def _step(kind: Any, step: str | int) -> list[Any]:
    """The types one step below: of a field, of a list's entries, of a mapping's values."""
    if _is_model(kind):
        return [t for name, info in kind.model_fields.items() if step == (info.alias or name)
                for t in _unfold(info.annotation)]  # fmt: skip
    arguments = get_args(kind)
    if get_origin(kind) is tuple and len(arguments) > 1 and arguments[1] is not Ellipsis:
        return _unfold(arguments[step]) if isinstance(step, int) and step < len(arguments) else []
    if not arguments or get_origin(kind) is Literal:
        return []
    return _unfold(arguments[-1] if isinstance(step, str) else arguments[0])


def _unfold(kind: Any) -> list[Any]:
    """The plain types of an annotation: unions and Annotated opened."""
    if get_origin(kind) is Annotated:
        return _unfold(get_args(kind)[0])
    if get_origin(kind) in (Union, UnionType):
        return [deeper for part in get_args(kind) for deeper in _unfold(part)]
    return [kind]


def _answers_to(kind: Any, tag: str | int) -> bool:
    """Whether a union's member is meant by the mark that pydantic puts into an error's path."""
    if not _is_model(kind):
        return False
    literals = (get_args(info.annotation) for info in kind.model_fields.values())
    return tag == kind.__name__ or any(tag in words for words in literals)
