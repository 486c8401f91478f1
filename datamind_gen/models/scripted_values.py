"""Values on the scripted expert's way: the code that prints them, reading them back, saying them.

Used by scripted_expert alone. What it reads is what the sandbox printed, so anything may be in it: what does
not fit raises Unreadable.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Sequence
from dataclasses import dataclass

from jinja2.sandbox import SandboxedEnvironment

from datamind_gen.rows import AnswerType, HopCode

_STATEMENTS = SandboxedEnvironment(autoescape=False)


class Unreadable(Exception):
    """The observation does not hold what the next step needs."""


def print_code(hop: HopCode, *, final: bool) -> str:
    """The code that prints a hop's answer: for a person when `final`, else to be read back."""
    match hop.type:
        case AnswerType.LIST:
            return f"for item in answer:\n    print({'item' if final else 'repr(item)'})"
        case AnswerType.CLAIMS:
            return "for name, value in answer.items():\n    print(f'{name}: {value}')"
        case AnswerType.TABLE:
            return "print(answer.to_string(index=False, max_rows=20))"
        case AnswerType.LABEL if not final:
            return "print(repr(answer))"
        case _:
            return "print(answer)"


def read_output(observation: str) -> str | None:
    """What a turn printed; None where it failed or printed nothing."""
    text = observation.removeprefix("<interpreter>\n").removesuffix("\n</interpreter>")
    if not text.startswith("The code run successfully:\n"):
        return None
    return text.removeprefix("The code run successfully:\n")


def read_answer(output: str, hop: HopCode, following: HopCode, is_database: bool) -> object:
    """An earlier answer, read from what was printed: a value, or a list of them."""
    lines = output.splitlines()
    if is_database:
        cells = [found[1] for line in lines[1:] if (found := re.match(r"\s*\d+\s+(.*\S)", line))]
    else:
        cells = [line for line in lines if line.strip()]
    if not cells:
        raise Unreadable("there is no value in it")
    values = [_value(cell, following.given) for cell in cells]
    return values if hop.type is AnswerType.LIST else values[-1]


def _value(cell: str, dtype: str | None) -> object:
    text = re.sub(r"^np\.\w+\((.*)\)$", r"\1", cell.strip())
    quoted = text[:1] in ("'", '"') and text[-1:] == text[:1]
    if quoted or dtype in ("int", "float", "boolean"):
        try:
            return ast.literal_eval(text)
        except (ValueError, SyntaxError) as error:
            raise Unreadable(f"{text[:50]!r} is no value") from error
    found = re.match(r"Timestamp\('([^']+)'\)", text)
    return found[1] if found else text


def write_sql(given: object) -> str:
    """A value as a literal of SQL."""
    if isinstance(given, list):
        return "(" + ", ".join(write_sql(part) for part in given) + ")"
    if isinstance(given, bool):
        return "1" if given else "0"
    if isinstance(given, (int, float)):
        return repr(given)
    return "'" + str(given).replace("'", "''") + "'"


def write_number(text: str, decimals: int | None) -> str:
    """A printed number as the answer words it: so many decimals, none more than it has."""
    try:
        value = float(text)
    except ValueError:
        return text.strip()
    if decimals is None:
        return str(int(value)) if value.is_integer() else text.strip()
    return f"{round(value, decimals) + 0.0:.{decimals}f}"


@dataclass(frozen=True, slots=True)
class _Claim:
    """A claim in a statement: reads as printed, compares as the value that it is."""

    value: object
    text: str

    def __str__(self) -> str:
        return self.text

    def __bool__(self) -> bool:
        return bool(self.value)

    def __eq__(self, other: object) -> bool:
        return self.value == other

    def __hash__(self) -> int:
        return hash(self.text)

    def __lt__(self, other: float) -> bool:
        return isinstance(self.value, (int, float)) and self.value < other

    def __gt__(self, other: float) -> bool:
        return isinstance(self.value, (int, float)) and self.value > other


def write_claims(hop: HopCode, lines: Sequence[str]) -> str:
    """The statement that a hop's claims make, filled with what was printed, one `name: value` a line."""
    claims: dict[str, _Claim] = {}
    digits = dict(hop.claims)
    for line in lines:
        name, _, text = line.partition(": ")
        try:
            value: object = ast.literal_eval(text)
        except (ValueError, SyntaxError):
            value = text
        said = text
        if isinstance(value, float):
            said = write_number(text, digits.get(name))
        elif isinstance(value, bool):
            said = "Yes" if value else "No"
        claims[name] = _Claim(value, said)
    return _STATEMENTS.from_string(hop.statement or "").render(claims)
