"""The scripted model: a pure function of what it is asked; reads what its code printed, and errs as told."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import Any

import pytest

from datamind_gen.models.base import ChatReply, ChatRequest, Role, Sampling
from datamind_gen.models.hints import Hint, HintColumn
from datamind_gen.models.scripted import REFLECTED, ScriptedModel
from datamind_gen.models.settings import ScriptedSettings
from datamind_gen.rows import AnswerType, HopCode, Message, encode

HOP = HopCode(
    wiring="",
    python="answer = df['value'].mean()",
    sql=None,
    type=AnswerType.NUMBER,
    load="import pandas as pd\ndf = pd.read_csv('data/files/t.csv')",
    decimals=2,
)
PROMPT = (Message("system", "s"), Message("user", "What is the mean value?"))


def model(**settings: Any) -> ScriptedModel:
    return ScriptedModel(ScriptedSettings.model_validate({"provider": "scripted", **settings}))


def hint(query: str = "query-1") -> str:
    columns = (HintColumn("value", True), HintColumn("other", True))
    return encode(Hint(query, "What is the mean value?", False, (HOP,), columns, None, ("data/files/t.csv",)))


def ask(
    scripted: ScriptedModel, messages: tuple[Message, ...], *, query: str = "query-1", sample: int = 0
) -> ChatReply:
    request = ChatRequest(
        role=Role.EXPERT, messages=messages, sampling=Sampling(), sample=sample, hint=hint(query)
    )
    return asyncio.run(scripted.complete(request))


def play(scripted: ScriptedModel, printed: str) -> str:
    """The final answer of a trajectory in which the last step printed this."""
    messages = PROMPT
    for output in ("value  other\n1 2", printed):
        reply = ask(scripted, messages)
        assert "<code>" in reply.text
        observation = f"<interpreter>\nThe code run successfully:\n{output}\n</interpreter>"
        messages = (*messages, Message("assistant", reply.text), Message("user", observation))
    return ask(scripted, messages).text


def test_the_answer_follows_the_last_observation() -> None:
    honest = model(fault_rate=0, misread_rate=0)
    assert "<answer>3.14</answer>" in play(honest, "3.14159")
    assert "<answer>2.72</answer>" in play(honest, "2.71828")


def test_equal_requests_get_equal_replies() -> None:
    for sample in range(20):
        assert ask(model(), PROMPT, sample=sample) == ask(model(), PROMPT, sample=sample)
    seeds = {tuple(ask(model(seed=seed), PROMPT, sample=s).text for s in range(20)) for seed in range(3)}
    assert len(seeds) == 3


def planted(
    scripted: ScriptedModel, messages: tuple[Message, ...] = PROMPT, *, count: int = 1500
) -> Counter[str]:
    return Counter(
        fault
        for number in range(count)
        for fault in ask(scripted, messages, query=f"query-{number // 3}", sample=number % 3).faults
    )


def test_faults_are_planted_at_their_rates_and_named() -> None:
    assert not planted(model(fault_rate=0, misread_rate=0), count=60)
    found = planted(model(fault_rate=0.3, misread_rate=0))
    assert 0.25 < sum(found.values()) / 1500 < 0.35
    assert len(found) > 6
    only = planted(model(fault_rate=1, misread_rate=0, faults=("rounding_slip",)), count=30)
    assert set(only) == {"rounding_slip"}
    with pytest.raises(ValueError, match="no such kind"):
        model(faults=("typo",))


def test_a_misreading_is_shared_by_all_samples_of_a_query() -> None:
    misreads = model(fault_rate=0, misread_rate=0.2)
    shared = 0
    for number in range(200):
        told = {ask(misreads, PROMPT, query=f"query-{number}", sample=sample).faults for sample in range(3)}
        assert len(told) == 1
        shared += told != {()}
    assert 20 < shared < 60


def test_reflection_lowers_faults() -> None:
    critique = (PROMPT[0], Message("user", PROMPT[1].content + "\n<review>\nThey differ.\n</review>"))
    scripted = model(fault_rate=0.5, misread_rate=0)
    before, after = (sum(planted(scripted, messages).values()) for messages in (PROMPT, critique))
    assert 0.7 * REFLECTED < after / before < 1.3 * REFLECTED


def test_samples_after_a_critique_are_drawn_anew() -> None:
    """Else a sample repeats its own fault, and reflection seems to mend less than it does."""
    scripted = model(fault_rate=0.5, misread_rate=0)
    critique = (PROMPT[0], Message("user", PROMPT[1].content + "\n<review>\nThey differ.\n</review>"))
    pairs = [
        (ask(scripted, PROMPT, query=f"query-{n}").faults, ask(scripted, critique, query=f"query-{n}").faults)
        for n in range(600)
    ]
    erred = [later for earlier, later in pairs if earlier]
    again = sum(bool(later) for later in erred) / len(erred)
    assert again == pytest.approx(0.5 * REFLECTED, abs=0.06)
    assert ask(scripted, critique).faults == ask(scripted, critique).faults
