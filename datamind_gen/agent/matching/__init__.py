"""The rule judge: whether answers say the same, without a model.

    from datamind_gen.agent.matching import agree, match, match_result

    match(query.reference, trajectory.answer, question=query.question).verdict     # same, different, unsure
    match_result(query.reference, trajectory.result_csv)                           # for databases
    agree([t.answer for t in trajectories], question=query.question).clusters      # consistency

Each kind of answer is one file. Rules are one-sided: they say `same` only where they can see it, `different`
only where they can see that, and otherwise `unsure`, which a model judge may settle.
"""

from datamind_gen.agent.matching.agreement import Agreement, agree
from datamind_gen.agent.matching.match import infer, match
from datamind_gen.agent.matching.tables import match_csv, match_result, match_table
from datamind_gen.agent.matching.verdict import Match, Sameness

__all__ = [
    "Agreement",
    "Match",
    "Sameness",
    "agree",
    "infer",
    "match",
    "match_csv",
    "match_result",
    "match_table",
]
