"""Free conditions in CEL: checked when a rule book is read, compiled once, and bounded by what may stand in them.

A condition is built from indicators, numbers, state words, true and false with `&& || ! == != < <= > >= + - * ? : in`,
and `/` by a number. There are no functions, macros or regular expressions: its work grows with its length alone, and
its length is bounded. Every number is a CEL double, so that `rate > 80` means what it says.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

from monitor.engine.book import Indicator
from monitor.model.nearest import nearest
from monitor.model.reading import Value

LONGEST = 200  # characters
DEEPEST = 12  # brackets within brackets

_TOKEN = re.compile(
    r"(?P<blank>\s+)|(?P<number>\d{1,15}(?:\.\d{1,9})?)(?![\w.])|(?P<word>[A-Za-z_]\w*)"
    r"|(?P<text>'[a-z0-9_]*'|\"[a-z0-9_]*\")|(?P<sign>&&|\|\||[=!<>]=|[!<>()+\-*/?:,\[\]])"
)
_SAID = re.compile(r"ERROR: <input>:(\d+):(\d+): ([^\n]*)")
_KEYWORDS = frozenset({"true", "false", "in"})

Evaluate = Callable[[Mapping[str, Value]], bool | str]


class _Token(NamedTuple):
    kind: str
    text: str
    at: int  # characters before it


def compile_formula(text: str, inputs: Mapping[str, Indicator]) -> Evaluate:
    """The condition as a function of its inputs; it answers true, false, or what the error is, and never raises.

    Raises ValueError with a sentence ("what; what would be right") that names the column.
    """
    if len(text) > LONGEST:
        raise ValueError(f"has {len(text)} characters; at most {LONGEST} are allowed")
    tokens = list(_tokens(text))
    _check_words(tokens, inputs)
    _check_signs(tokens)
    source, starts = _with_doubles(tokens)
    expression = _compiled(source, starts, tokens, inputs)

    def evaluate(values: Mapping[str, Value]) -> bool | str:
        data = {name: value if isinstance(value, bool | str) else float(value) for name, value in values.items()}
        try:
            answer = expression.eval(data=data).value()
        except Exception as error:  # whatever a library may throw is an error value here
            return _short(str(error))
        return answer if isinstance(answer, bool) else _short(str(answer))

    return evaluate


def _tokens(text: str) -> Iterator[_Token]:
    at = 0
    while at < len(text):
        match = _TOKEN.match(text, at)
        if match is None:
            raise ValueError(f"column {at + 1}: '{text[at]}' cannot stand in a condition")
        if match.lastgroup != "blank":
            yield _Token(match.lastgroup or "", match[0], at)
        at = match.end()


def _check_words(tokens: list[_Token], inputs: Mapping[str, Indicator]) -> None:
    states = {state for indicator in inputs.values() for state in indicator.states}
    for number, (kind, text, at) in enumerate(tokens):
        if kind == "word" and number + 1 < len(tokens) and tokens[number + 1].text == "(" and text != "in":
            raise ValueError(f"column {at + 1}: '{text}' is a function; conditions have none")
        if kind == "word" and text not in _KEYWORDS and text not in inputs:
            right = nearest(text, inputs) or "list it under 'inputs'"
            raise ValueError(f"column {at + 1}: '{text}' is no input; {right}")
        if kind == "text" and text[1:-1] not in states:
            right = nearest(text[1:-1], states) or "write one of an input's states"
            raise ValueError(f"column {at + 1}: '{text[1:-1]}' is no state of an input; {right}")


def _check_signs(tokens: list[_Token]) -> None:
    depth = 0
    for number, (_, text, at) in enumerate(tokens):
        depth += (text in "([") - (text in ")]")
        if depth > DEEPEST:
            raise ValueError(f"column {at + 1}: more than {DEEPEST} brackets within brackets")
        following = tokens[number + 1] if number + 1 < len(tokens) else None
        if text == "/" and (following is None or following.kind != "number" or not float(following.text)):
            # By zero a double is infinite, and infinite is more than any limit: that would be a guessed green.
            raise ValueError(f"column {at + 1}: only a number other than 0 may divide; multiply the other side")


def _with_doubles(tokens: list[_Token]) -> tuple[str, list[int]]:
    """The source that CEL reads, and where each token begins in it."""
    source, starts = "", []
    for kind, text, _ in tokens:
        starts.append(len(source))
        source += f"{text}.0 " if kind == "number" and "." not in text else f"{text} "
    return source, starts


def _compiled(source: str, starts: list[int], tokens: list[_Token], inputs: Mapping[str, Indicator]) -> Any:
    from cel_expr_python import cel  # six megabytes that only a site with conditions pays for

    kinds = {"bool": cel.Type.BOOL, "state": cel.Type.STRING}
    # A yes/no that also knows words ("partly") has no type of its own.
    types = {
        name: cel.Type.DYN if one.unit == "bool" and one.states else kinds.get(one.unit, cel.Type.DOUBLE)
        for name, one in inputs.items()
    }
    try:
        expression = cel.NewEnv(variables=types).compile(source)
    except Exception as error:
        said = _SAID.search(str(error))
        if said is None:
            raise ValueError(f"is no condition: {_short(str(error))}") from None
        number = max(0, bisect_right(starts, int(said[2]) - 1) - 1)
        column = tokens[number].at + 1 if tokens else 1
        what = said[3].removesuffix(" [INVALID_ARGUMENT]").replace(" (in container '')", "")
        raise ValueError(f"column {column}: {_short(what).replace(';', ',')}") from None
    if expression.return_type().name() != cel.Type.BOOL.name():
        raise ValueError("is neither true nor false; compare it with something")
    return expression


def _short(text: str) -> str:
    return " ".join(text.split())[:120]
