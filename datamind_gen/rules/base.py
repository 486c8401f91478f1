"""What a rule is: a small, named reason to reject a trajectory.

    class NoWeekends(RowRule):
        name = "no_weekends"

        class Params(RuleParams):
            strict: bool = False

        params: Params

        def check(self, candidate, context):
            if "Saturday" in (candidate.trajectory.answer or ""):
                return RuleFinding("the answer names a Saturday")
            return None

In a pipeline it is `- my_package.rules:NoWeekends: {strict: true}`. Three kinds: a RowRule looks at one
candidate; an AsyncRowRule may await (a replay); a SetRule looks at all candidates together, sorted by id, and
is a pure function of them. A rule never sees planted faults as such, makes no model call, and raises only for
what is not the candidate's fault.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from pydantic import BaseModel, ConfigDict

from datamind_gen.agent.replay import Replay
from datamind_gen.rows import Candidate, Profile, Reason
from datamind_gen.rules.tokens import approximate_tokens


class RuleParams(BaseModel):
    """What a pipeline may set on a rule. Unknown keys are errors."""

    model_config = ConfigDict(extra="forbid", frozen=True)


@dataclass(frozen=True, slots=True)
class RuleFinding:
    """Why a candidate is rejected: the rule's reason, and this detail."""

    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleContext:
    """What a rule may know beside the candidate."""

    profile: Profile | None = None
    """Of the file that the query is about."""
    count_tokens: Callable[[str], int] = approximate_tokens
    replay: Callable[[Candidate], Awaitable[Replay]] | None = None
    """Runs a candidate's code again in a fresh sandbox. Raises ReplayFailed."""

    @property
    def is_database(self) -> bool:
        return self.profile is not None and self.profile.file.format.is_database


class Rule(ABC):
    """The common part of the three kinds."""

    name: ClassVar[str]
    reason: ClassVar[Reason] = Reason.CUSTOM_RULE
    Params: ClassVar[type[RuleParams]] = RuleParams

    def __init__(self, params: RuleParams | None = None) -> None:
        self.params = params or self.Params()


class RowRule(Rule):
    @abstractmethod
    def check(self, candidate: Candidate, context: RuleContext) -> RuleFinding | None:
        """Why the candidate is rejected; None if it passes."""


class AsyncRowRule(Rule):
    @abstractmethod
    async def check(self, candidate: Candidate, context: RuleContext) -> RuleFinding | None:
        """Why the candidate is rejected; None if it passes."""


class SetRule(Rule):
    @abstractmethod
    def check_all(
        self, candidates: Sequence[Candidate], profiles: Mapping[str, Profile]
    ) -> dict[str, RuleFinding]:
        """The rejected candidates by id. `candidates` are sorted by id; `profiles` are by file id."""
