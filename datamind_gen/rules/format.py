"""Format compliance: think, then act, turn by turn, to an answer; nothing beside the tags."""

from __future__ import annotations

from datamind_gen.agent.protocol import Problem, parse
from datamind_gen.rows import Candidate, Reason, StopReason
from datamind_gen.rules.base import RowRule, RuleContext, RuleFinding, RuleParams


class FormatRule(RowRule):
    """Every turn obeys the protocol's grammar; observations never count as part of it."""

    name = "format"
    reason = Reason.FORMAT

    class Params(RuleParams):
        require_think: bool = True
        require_code: bool = True
        """At least one turn runs code."""
        allow: tuple[Problem, ...] = ()
        """Deviations to accept, by the grammar's names."""

    params: Params

    def check(self, candidate: Candidate, context: RuleContext) -> RuleFinding | None:
        trajectory = candidate.trajectory
        allowed = {*self.params.allow, *(() if self.params.require_think else (Problem.NO_THINK,))}
        for index, turn in enumerate(trajectory.turns, start=1):
            parsed = parse(turn.text)
            found = [problem for problem in parsed.problems if problem not in allowed]
            if found:
                return RuleFinding(f"turn {index}: {', '.join(found)}")
            is_last = index == len(trajectory.turns)
            if is_last and parsed.answer is None:
                return RuleFinding(f"turn {index}: the last turn does not answer")
            if not is_last and parsed.code is None:
                return RuleFinding(f"turn {index}: an answer before the last turn")
            if not is_last and not _is_wrapped(turn.observation):
                return RuleFinding(f"turn {index}: code without an observation")
        if trajectory.stop is not StopReason.ANSWERED:
            return RuleFinding(f"it ended by {trajectory.stop}")
        if self.params.require_code and not any(turn.code for turn in trajectory.turns):
            return RuleFinding("no turn runs code")
        return None


def _is_wrapped(observation: str | None) -> bool:
    return (
        observation is not None
        and observation.startswith("<interpreter>\n")
        and observation.endswith("\n</interpreter>")
    )
