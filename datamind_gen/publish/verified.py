"""Whether a published row is verified: its answer says what an executed reference says.

That a reference exists is not enough: a pipeline without the rule `reference` keeps trajectories that agree
with each other and not with it, and the column must not call those verified.
"""

from __future__ import annotations

from datamind_gen.agent.matching import match, match_result
from datamind_gen.rows import AnswerType, Candidate

TOLERANCE = 0.001
"""Relative, beside rounding to the decimals that the question asks for: as the rule `reference`."""


def is_verified(row: Candidate, *, is_database: bool) -> bool:
    """Whether the row's answer, or its result table, matches the query's reference beyond doubt."""
    reference, trajectory, question = row.query.reference, row.trajectory, row.query.question
    if reference is None:
        return False
    if is_database or reference.type is AnswerType.TABLE or trajectory.result_csv is not None:
        return match_result(reference, trajectory.result_csv, tolerance=TOLERANCE, question=question).same
    return match(reference, trajectory.answer or "", tolerance=TOLERANCE, question=question).same
