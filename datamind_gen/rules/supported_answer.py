"""Supported answer: what the answer says was computed, and seen, before it was said.

The figure (or label, list, date) that answers the question must stand in the last outputs, up to rounding and
units, or follow from two figures there by one step of arithmetic. Every other number of the answer must stand
in some output or in the question. Outputs of failed turns and of turns that only print constants of their own
code (`print(42)`) support nothing. It cannot tell a right figure from a wrong one that was computed.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import permutations

from pydantic import Field

from datamind_gen.agent.answers.dates import Date, Overlap, read_dates
from datamind_gen.agent.answers.numbers import Bound, Number, read_numbers, split_ranges
from datamind_gen.agent.answers.text import fold, tidy
from datamind_gen.agent.loop import result_name
from datamind_gen.agent.matching.numbers import asked_scale, choose, numbers_of
from datamind_gen.agent.observation import output_of
from datamind_gen.rows import AnswerType, Candidate, Reason
from datamind_gen.rules.base import RowRule, RuleContext, RuleFinding, RuleParams
from datamind_gen.rules.echoes import Echoes
from datamind_gen.sandbox.results import TurnStatus

_FILLER_WORDS = "the a an is are was were it in on at of for with and or by to as its that which has have"
_FILLER = frozenset(_FILLER_WORDS.split())
_MAX_SEEN = 5000
_MAX_DERIVED = 40


class SupportedAnswerRule(RowRule):
    name = "supported_answer"
    reason = Reason.UNSUPPORTED_ANSWER

    class Params(RuleParams):
        window: int = Field(2, ge=1)
        """How many of the last outputs may hold the figure that answers."""
        tolerance: float = Field(0.005, ge=0, lt=1)
        """Relative, beside rounding to the decimals that the answer shows."""
        derive: bool = True
        """Accept what follows from two figures by +, -, *, / or a percentage."""

    params: Params

    def check(self, candidate: Candidate, context: RuleContext) -> RuleFinding | None:
        trajectory = candidate.trajectory
        answer = tidy(trajectory.answer or "")
        outputs = read_outputs(candidate)
        if not outputs:
            return RuleFinding("nothing that was computed was seen before the answer")
        if context.is_database or trajectory.result_csv is not None:
            named = result_name(answer) is not None and trajectory.result_csv is not None
            return None if named else RuleFinding("the answer names no result file that the code wrote")
        recent, earlier = "\n".join(outputs[-self.params.window :]), "\n".join(outputs)
        match candidate.query.answer_type:
            case AnswerType.LABEL:
                return self._check_words(answer, candidate.query.question, recent)
            case AnswerType.DATE:
                return self._check_dates(answer, recent)
            case AnswerType.BOOLEAN:
                return None
        numbers = numbers_of(answer)
        if not numbers and candidate.query.answer_type is AnswerType.LIST:
            return self._check_words(answer, candidate.query.question, recent)
        if not numbers and candidate.query.answer_type in (AnswerType.NUMBER, AnswerType.PERCENT):
            return RuleFinding("no number in the answer")
        return self._check_numbers(candidate.query.question, answer, numbers, recent, earlier)

    def _check_numbers(
        self, question: str, answer: str, numbers: Sequence[Number], recent: str, earlier: str
    ) -> RuleFinding | None:
        given = {value for number in numbers_of(question) for value in _values(number)}
        main = {number.start for number in choose(answer, list(numbers), question)}
        seen_recently, seen = _figures(recent), _figures(earlier)
        scale = asked_scale(question)
        for number in split_ranges(list(numbers)):
            is_main = number.start in main and (number.bound is Bound.NONE or len(main) == 1)
            is_aside = number.written in given or number.bound is not Bound.NONE or _is_count(number, answer)
            if not is_main and is_aside:
                continue
            where = seen_recently if is_main else seen
            if self._stands_in(number, where, scale) or (self.params.derive and self._follows(number, where)):
                continue
            place = "the last outputs" if is_main else "any output"
            return RuleFinding(f"{answer[number.start : number.end].strip()!r} is not in {place}")
        return None

    def _stands_in(self, number: Number, seen: Sequence[float], scale: float) -> bool:
        said = {number.written} | {number.plain(unit) for unit in number.units}
        if number.is_percent:
            said.add(number.base(number.units[0]))
        said |= {value * scale for value in said}
        return any(
            self._is_close(abs(value), abs(figure), number.decimals) for value in said for figure in seen
        )

    def _is_close(self, said: float, figure: float, decimals: int) -> bool:
        rounding = 0.5 * 10.0**-decimals if decimals else 0.0
        return abs(said - figure) <= max(rounding * 1.001, self.params.tolerance * min(said, figure), 1e-12)

    def _follows(self, number: Number, seen: Sequence[float]) -> bool:
        said = abs(number.written)
        if len(f"{said:g}".replace(".", "").strip("0")) < 3:
            return False
        tight = max(0.5 * 10.0**-number.decimals * 1.001, 1e-6 * said)
        for a, b in permutations(dict.fromkeys(seen[-_MAX_DERIVED:]), 2):
            results = [a + b, a - b, a * b]
            results += [a / b, 100 * a / b, 100 * (a - b) / b] if b else []
            if any(abs(said - abs(result)) <= tight for result in results):
                return True
        return False

    def _check_words(self, answer: str, question: str, recent: str) -> RuleFinding | None:
        """A short answer stands in the outputs word for word; a long one with at least one of its words."""
        said = fold(answer).split()
        seen, known = set(fold(recent).split()), _FILLER | set(fold(question).split())
        own = [word for word in said if word not in known]
        missing = [word for word in own or said if word not in seen]
        if missing and (len(said) <= 6 or len(missing) == len(own)):
            return RuleFinding(f"{' '.join(missing)[:40]!r} is not in the last outputs")
        return None

    def _check_dates(self, answer: str, recent: str) -> RuleFinding | None:
        said = read_dates(answer, years=True)
        seen = read_dates(recent, years=True)
        for date in said:
            if not any(_agree(date, other) for other in seen):
                return RuleFinding(f"{answer[date.start : date.end]!r} is not in the last outputs")
        return None


def read_outputs(candidate: Candidate) -> list[str]:
    """What the trajectory's successful turns showed of the data, turn by turn; echoes left out."""
    echoes = Echoes()
    outputs = []
    for turn in candidate.trajectory.turns:
        if turn.code is None or turn.observation is None:
            continue
        only_echoes = echoes.only_echoes(turn.code)
        text = output_of(turn.observation).replace("&lt;", "<")
        if turn.status == TurnStatus.OK and text and not only_echoes:
            outputs.append(text)
    return outputs


def _figures(text: str) -> list[float]:
    numbers = split_ranges(read_numbers(text))[-_MAX_SEEN:]
    return [value for number in numbers for value in _values(number)]


def _values(number: Number) -> tuple[float, ...]:
    """The number as written and, of a percentage, the share that it is."""
    share = (round(number.base(number.units[0]), 12),) if number.is_percent else ()
    return (number.written, *share)


def _is_count(number: Number, answer: str) -> bool:
    """Whether a small whole number may simply count what the answer lists."""
    return number.decimals == 0 and 0 <= number.written <= 20 and answer.count(",") + 1 >= number.written > 1


def _agree(said: Date, seen: Date) -> bool:
    return said.compare(seen) is not Overlap.NONE
