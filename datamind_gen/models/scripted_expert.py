"""The scripted expert: solves a program's query turn by turn, as far as its planted faults let it.

The first turn looks at the data, then each hop takes a turn; what an earlier hop found is read from what
the code printed, and so is the final answer. With the file changed behind its back, the answer changes.
"""

from __future__ import annotations

import math
import random
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from datamind_gen.models.hints import Hint
from datamind_gen.models.scripted_faults import Fault, change_code, code_of
from datamind_gen.models.scripted_values import (
    Unreadable,
    print_code,
    read_answer,
    read_output,
    write_claims,
    write_number,
    write_sql,
)
from datamind_gen.rows import AnswerType, Message

_LOOK = (
    "I start by loading the data and looking at its columns, types and first rows.",
    "First I need to see what the data look like: columns, types and a few rows.",
    "Before computing anything, let me load the file and check the columns and their types.",
)
_SCHEMA = (
    "I start with the schema, to see which tables and columns there are.",
    "First let me look at the structure of the database.",
)
_STEP = (
    "{thought}",
    "The data are as expected. {thought}",
    "Now the computation. {thought}",
)
_NEXT = (
    "That step gave {given}. {thought}",
    "With {given} from the last step, I go on. {thought}",
    "So the intermediate result is {given}. {thought}",
)
_DONE = (
    "The output answers the question.",
    "That is the figure asked for, so I can answer.",
    "The result is there; nothing else is asked for.",
)
_FIX = (
    "The step failed; I correct the mistake and run it again.",
    "I see what went wrong. Here is the corrected step.",
)
_AGAIN = "Let me check this once more before I answer."
_GARBLE = (
    "接下来 我们 计算 the 平均 value и затем проверим результат, ok",
    "resultresultresultresultresultresultresultresultresultresultresultresult",
    "Ð\xa0Ð°ÑÑÑÐ¸ÑÐ°ÐµÐ¼ ÿþ\ufffd\ufffd\ufffd the mean \ufffd\ufffd of it",
)
FENCE = "```"


@dataclass(frozen=True, slots=True)
class Turn:
    """One planned turn: makes its message from what was observed before it."""

    write: Callable[[Sequence[str]], str]


class Expert:
    """One sample's plan. A pure function of hint, faults and seed; `reply` reads the messages."""

    def __init__(
        self,
        hint: Hint,
        fault: Fault | None,
        misread: Fault | None,
        rng: random.Random,
        shared: random.Random,
    ) -> None:
        self._hint = hint
        self._fault = fault
        self._misread = misread
        self._rng = rng
        self._last = hint.hops[-1]
        self._codes = [code_of(hop, hint) for hop in hint.hops]
        if misread is not None:
            self._spoil(misread, shared)
        if fault is not None:
            self._spoil(fault, rng)
        self._found: dict[int, object] = {}
        self._turns = self._plan()

    def reply(self, messages: Sequence[Message]) -> str:
        """The next message of the trajectory."""
        done = sum(message.role == "assistant" for message in messages)
        first = next((i for i, message in enumerate(messages) if message.role == "assistant"), len(messages))
        observations = [message.content for message in messages[first:] if message.role == "user"]
        if done >= len(self._turns):
            return self._give_up(observations)
        try:
            return self._turns[done].write(observations)
        except Unreadable as error:
            return say(f"The output is not what I need: {error}.", code=self._look())

    # --- the plan ---

    def _spoil(self, fault: Fault, rng: random.Random) -> None:
        if fault not in (Fault.WRONG_COLUMN, Fault.WRONG_AGGREGATE, Fault.OFF_BY_ONE, Fault.FORGOT_FILTER):
            return
        places = list(range(len(self._codes)))
        rng.shuffle(places)
        for place in places:
            changed = change_code(fault, self._codes[place], self._hint, rng)
            if changed is not None:
                self._codes[place] = changed
                return

    def _plan(self) -> list[Turn]:
        fault, pick = self._fault, self._rng.choice
        opening = pick(_SCHEMA if self._hint.is_database else _LOOK)
        look = Turn(lambda _: say(opening, code=self._look()))
        hops = [self._hop_turn(index) for index in range(len(self._hint.hops))]
        answer = Turn(self._answer)
        match fault:
            case Fault.CODE_FREE_ANSWER:
                return [Turn(lambda _: say("The question can be answered directly.", answer=self._guess([])))]
            case Fault.PREMATURE_ANSWER:
                hasty = Turn(lambda seen: say("The first rows already show it.", answer=self._guess(seen)))
                return [look, hasty]
            case Fault.SYNTAX_ERROR | Fault.KEY_ERROR:
                place = self._rng.randrange(len(hops))
                broken = self._broken_turn(place, fault)
                fixed = self._hop_turn(place, thought=pick(_FIX))
                return [look, *hops[:place], broken, fixed, *hops[place + 1 :], answer]
            case Fault.NO_ANSWER:
                check = Turn(lambda _: say(_AGAIN, code=self._check()))
                return [look, *hops, *[check] * 12]
            case Fault.VOID_TURN:
                void = Turn(
                    lambda _: "<think>\nLet me think about what the columns mean before I go on.\n</think>"
                )
                return [look, void, *hops, answer]
            case _:
                return [look, *hops, answer]

    def _hop_turn(self, index: int, *, thought: str | None = None) -> Turn:
        first = self._rng.choice(_STEP)
        following = self._rng.choice(_NEXT)

        def write(observations: Sequence[str]) -> str:
            given = self._given(index, observations)
            plain = self._hint.hops[index].thought or "The next step follows from the question."
            told = following if given is not None and given != "" else first
            text = thought or told.replace("{given}", str(given)).replace("{thought}", plain)
            if self._fault is Fault.GARBLED_TEXT and index == len(self._hint.hops) - 1:
                text = f"{text} {_GARBLE[len(self._hint.query_id + text) % len(_GARBLE)]}"
            return say(text, code=self._code(index, given))

        return Turn(write)

    def _broken_turn(self, index: int, fault: Fault) -> Turn:
        good = self._hop_turn(index)

        def write(observations: Sequence[str]) -> str:
            text = good.write(observations)
            if fault is Fault.SYNTAX_ERROR:
                head, _, tail = text.rpartition(")")
                return f"{head}{tail}"
            used = [column.name for column in self._hint.columns if column.name in text]
            name = max(used, key=len) if used else "answer"
            return text.replace(name, f"{name}_x")

        return Turn(write)

    # --- code ---

    def _look(self) -> str:
        if self._hint.is_database:
            return "get_db_info()"
        return f"{self._hint.hops[0].load}\nprint(df.head(3))\nprint(df.dtypes)"

    def _check(self) -> str:
        return self._code(len(self._hint.hops) - 1, None) if self._hint.is_database else "print(answer)"

    def _code(self, index: int, given: object) -> str:
        if self._hint.is_database:
            return self._sql_code(index)
        code = self._codes[index]
        if index:
            literal = "answer.copy()" if given == "" else repr(given)
            code = code.replace(f"answer_{index - 1}", literal)
        return f"{code}\n{print_code(self._hint.hops[index], final=index == len(self._hint.hops) - 1)}"

    def _sql_code(self, index: int) -> str:
        sql = self._codes[index]
        for position, given in self._found.items():
            sql = sql.replace(f"⟦answer_{position}⟧", write_sql(given))
        last = index == len(self._hint.hops) - 1
        name = "result.csv" if last else f"step_{index + 1}.csv"
        quote = '"""' if '"""' not in sql and not sql.endswith('"') else "'''"
        prefix = "r" if "\\" in sql else ""
        return f"execute_sql(sql={prefix}{quote}\n{sql}\n{quote}, output_path={name!r})"

    # --- reading what was printed ---

    def _given(self, index: int, observations: Sequence[str]) -> object:
        """What the hop before found; "" for a table, which stays where it is; None for the first hop."""
        outputs = [output for text in observations if (output := read_output(text)) is not None]
        self._found = {}
        hops = self._hint.hops
        for position in range(index):
            if hops[position].type is AnswerType.TABLE:
                continue
            place = position + 1
            if place >= len(outputs):
                raise Unreadable("an earlier step printed nothing")
            self._found[position] = read_answer(
                outputs[place], hops[position], hops[position + 1], self._hint.is_database
            )
        if index == 0:
            return None
        return self._found.get(index - 1, "")

    def _answer(self, observations: Sequence[str]) -> str:
        thought = self._rng.choice(_DONE)
        if self._hint.is_database:
            return say(thought, answer="'result.csv'")
        output = read_output(observations[-1]) if observations else None
        if output is None:
            return self._give_up(observations)
        if self._fault is Fault.MISMATCHED_ANSWER and len(observations) > 1:
            earlier = read_output(observations[-2]) or output
            return say(thought, answer=earlier.splitlines()[-1] if earlier else output)
        return say(thought, answer=self._word(output))

    def _word(self, output: str) -> str:
        hop = self._last
        lines = [line for line in output.splitlines() if line.strip()]
        if hop.type is AnswerType.CLAIMS:
            return write_claims(hop, lines)
        if hop.type is AnswerType.LIST:
            return ", ".join(write_number(line, hop.decimals) for line in lines)
        if hop.type is AnswerType.BOOLEAN:
            return "Yes" if lines[-1].strip() == "True" else "No"
        text = lines[-1].strip() if lines else ""
        if hop.type is AnswerType.DATE:
            return text.removesuffix(" 00:00:00")
        if hop.type not in (AnswerType.NUMBER, AnswerType.PERCENT):
            return text
        return self._word_number(text)

    def _word_number(self, text: str) -> str:
        hop = self._last
        try:
            value = float(text)
        except ValueError:
            return text
        decimals = hop.decimals
        if self._fault is Fault.UNIT_SLIP:
            value = (
                value / 100
                if hop.type is AnswerType.PERCENT
                else value * self._rng.choice((1000, 0.001, 100))
            )
        if self._fault is Fault.HALLUCINATED_NUMBER:
            value *= 1 + self._rng.choice((-1, 1)) * self._rng.uniform(0.06, 0.5)
        if self._fault is Fault.ROUNDING_SLIP and decimals and math.isfinite(value):
            decimals -= 1
            value = int(value * 10**decimals) / 10**decimals
        said = write_number(repr(value), decimals)
        if hop.type is AnswerType.PERCENT:
            return f"{said}%"
        return f"{said} {hop.unit}" if hop.unit else said

    def _guess(self, observations: Sequence[str]) -> str:
        """An answer from what is at hand: a number or a word seen in the first rows, or an invented one."""
        hop = self._last
        seen = " ".join(read_output(text) or "" for text in observations)
        if hop.type in (AnswerType.NUMBER, AnswerType.PERCENT):
            numbers = re.findall(r"-?\d+(?:\.\d+)?", seen) or [str(round(self._rng.uniform(2, 900), 2))]
            return self._word_number(self._rng.choice(numbers))
        if hop.type is AnswerType.BOOLEAN:
            return self._rng.choice(("Yes", "No"))
        words = re.findall(r"[A-Za-z]{4,}", seen) or ["Unknown"]
        return self._rng.choice(words)

    def _give_up(self, observations: Sequence[str]) -> str:
        output = read_output(observations[-1]) if observations else None
        if self._fault is not Fault.NO_ANSWER and output:
            return say("I take what the output shows.", answer=output.splitlines()[-1][:200])
        return say("I could not find it out; let me look again.", code=self._look())


def say(thought: str, *, code: str | None = None, answer: str | None = None) -> str:
    """A message of the protocol."""
    if code is not None:
        return f"<think>\n{thought}\n</think>\n<code>\n{FENCE}python\n{code}\n{FENCE}\n</code>"
    return f"<think>\n{thought}\n</think>\n<answer>{answer}</answer>"
