"""Groups with given answers, for the stages after sampling: no sandbox, no model."""

from __future__ import annotations

from collections.abc import Sequence

from datamind_gen.rows import (
    AnswerType,
    Group,
    Hop,
    Level,
    Message,
    Origin,
    Query,
    StopReason,
    Trajectory,
    Turn,
    make_id,
)
from datamind_gen.sandbox.results import TurnStatus

QUESTION = "What is the mean price, to two decimals?"


def make_query(file_id: str, *, question: str = QUESTION, type: AnswerType = AnswerType.NUMBER) -> Query:
    return Query(
        id=make_id("query", file_id, question),
        file_id=file_id,
        question=question,
        category="aggregation",
        hops=(Hop("aggregation", question, "it"),),
        level=Level.EASY,
        origin=Origin.MODEL,
        tables=(),
        answer_type=type,
    )


def make_trajectory(
    query: Query, sample: int, answer: str | None, *, round: int = 0, turns: int = 1
) -> Trajectory:
    """A trajectory that printed its answer `turns` times before it gave it."""
    seen = f"<interpreter>\nThe code run successfully:\n{answer or '…'}\n</interpreter>"
    code = "print(df.price.mean())"
    step = Turn(
        f"<think>\nI compute it.\n</think>\n<code>\n```python\n{code}\n```\n</code>",
        "I compute it.",
        code,
        seen,
        TurnStatus.OK,
    )
    last = Turn(f"<think>\nDone.\n</think>\n<answer>{answer}</answer>", "Done.", None, None)
    return Trajectory(
        id=make_id("trajectory", query.id, str(round), str(sample)),
        query_id=query.id,
        sample=sample,
        round=round,
        prompt=(Message("system", "s"), Message("user", query.question)),
        turns=(*[step] * turns, *([last] if answer is not None else [])),
        stop=StopReason.ANSWERED if answer is not None else StopReason.MAX_TURNS,
        answer=answer,
    )


def make_group(query: Query, answers: Sequence[str | None], *, turns: Sequence[int] = ()) -> Group:
    lengths = tuple(turns) or (1,) * len(answers)
    samples = tuple(
        make_trajectory(query, index, answer, turns=length)
        for index, (answer, length) in enumerate(zip(answers, lengths, strict=True))
    )
    return Group(make_id("group", query.id), query, samples)
