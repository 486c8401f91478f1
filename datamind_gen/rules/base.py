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
is a pure function of them. A rule never sees planted faults as such, makes no model call, and raises only
RuleFailed, for what is not the candidate's fault.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import ClassVar, Protocol

from pydantic import BaseModel, ConfigDict

from datamind_gen.rows import Candidate, Profile, Reason
from datamind_gen.rules.tokens import approximate_tokens


class RuleParams(BaseModel):
    """What a pipeline may set on a rule. Unknown keys are errors."""

    model_config = ConfigDict(extra="forbid", frozen=True)


@dataclass(frozen=True, slots=True)
class RuleFinding:
    """Why a candidate is rejected: the rule's reason, and this detail."""

    detail: str


class RuleFailed(Exception):
    """Something other than the candidate is to blame: the row has failed and is not rejected."""

    def __init__(self, reason: Reason, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason


class ReplayOutcome(Protocol):
    """What came of running a trajectory again."""

    @property
    def difference(self) -> str | None:
        """The first observation that came out differently, in words."""

    @property
    def error(self) -> str | None:
        """The sandbox failed: nothing is known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleContext:
    """What a rule may know beside the candidate."""

    profile: Profile | None = None
    """Of the file that the query is about."""
    count_tokens: Callable[[str], int] = approximate_tokens
    replay: Callable[[], Awaitable[ReplayOutcome]] | None = None
    """Runs the candidate's code again in a fresh sandbox and compares what it shows."""

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
    def check_all(self, candidates: Sequence[Candidate]) -> dict[str, RuleFinding]:
        """The rejected candidates by id. `candidates` are sorted by id."""
