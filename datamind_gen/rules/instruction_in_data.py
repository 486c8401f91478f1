"""Instruction-like text from data files: a cell that speaks to the model has no place in a dataset.

Looks where data reach the conversation: observations, the result file, and the names and sample values of the
file's columns. It finds what is written to a model in plain words or markup; it does not find what is hidden
by other means.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from datamind_gen.agent.answers.text import is_instruction
from datamind_gen.agent.observation import output_of
from datamind_gen.rows import Candidate, Profile, Reason
from datamind_gen.rules.base import RowRule, RuleContext, RuleFinding, RuleParams

_ADDRESS = re.compile(
    r"\byou are (?:now )?(?:an? |the )?(?:\w+ ){0,2}(?:assistant|chatbot|language model|llm|ai|agent)\b"
    r"|\b(?:ai|llm|language model|assistant|chatbot|agent)s?[,:] (?:please |now )?"
    r"(?:ignore|print|run|execute|send|reveal|answer|reply|delete|stop)\b"
    r"|\b(?:system prompt|developer mode|jailbreak|prompt injection)\b"
    r"|\b(?:reveal|print|repeat|output) (?:\w+ ){0,2}(?:instructions|prompt)\b"
    r"|\bdo not (?:tell|inform|alert|mention (?:this|it) to) the user\b"
    r"|\binstead,? (?:answer|reply|output|say|print|respond)\b"
    r"|(?:<|&lt;)\s*/?\s*(?:interpreter|answer|think|system|instructions?)\s*>|(?:<|&lt;)\|im_(?:start|end)\|>",
    re.IGNORECASE,
)


class InstructionInDataRule(RowRule):
    name = "instruction_in_data"
    reason = Reason.INSTRUCTION_IN_DATA

    class Params(RuleParams):
        columns: bool = True
        """Look at the file's column names and sample values too, shown or not."""

    params: Params

    def check(self, candidate: Candidate, context: RuleContext) -> RuleFinding | None:
        for place, text in self._texts(candidate, context.profile):
            found = _ADDRESS.search(text)
            if found or is_instruction(text):
                said = found[0] if found else "an instruction to whoever reads it"
                return RuleFinding(f"{place}: {said!r}")
        return None

    def _texts(self, candidate: Candidate, profile: Profile | None) -> Iterator[tuple[str, str]]:
        for index, turn in enumerate(candidate.trajectory.turns, start=1):
            if turn.status is not None:
                yield f"the observation of turn {index}", output_of(turn.observation or "")
        yield "the result file", candidate.trajectory.result_csv or ""
        if profile is None or not self.params.columns:
            return
        for table in profile.tables:
            for column in table.columns:
                values = [column.name, *map(str, column.examples), *(str(value) for value, _ in column.top)]
                yield f"the column {column.name[:40]!r}", "\n".join(values)
