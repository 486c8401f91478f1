"""The scripted model: no LLM. It acts out author, expert and judge, so that the engine runs with no key
and no network, and so that what filters catch can be measured against planted truth.

It acts from the request's hint (the program and slots behind a query, never its reference) and from the
messages, and is a pure function of messages, sample and seeds. As an expert it plants faults in a share of
the samples, and a shared misreading in a share of the queries; each is named in `ChatReply.faults`. As a
judge it compares the delimited answers by rules, and errs now and then. As an author it asks what a program
asks, and rewords it (scripted_author.py).
"""

from __future__ import annotations

import random
import re
from collections.abc import Sequence

from datamind_gen.agent.matching import agree
from datamind_gen.models.base import ChatReply, ChatRequest, ErrorKind, FinishReason, ProviderError, Role
from datamind_gen.models.hints import Hint, read_author_hint, read_hint
from datamind_gen.models.scripted_author import write_as_author
from datamind_gen.models.scripted_expert import Expert, say
from datamind_gen.models.scripted_faults import CODE_FAULTS, Fault, draw_fault
from datamind_gen.models.settings import ScriptedSettings
from datamind_gen.rows import Message, seed_from

REFLECTED = 0.4
"""A sample that has read a critique makes faults at this share of the usual rate."""
JUDGE_ERROR = 0.02
"""The share of verdicts that the scripted judge turns round."""
_CRITIQUE = "<review>"
_ANSWER = re.compile(r"<answer_(\d+)>\n(.*?)\n</answer_\1>", re.DOTALL)


class ScriptedModel:
    """A ChatModel that needs nothing outside this process."""

    endpoint = "scripted"
    model = "scripted"

    def __init__(self, settings: ScriptedSettings) -> None:
        """Raises ValueError for a kind of fault that there is not."""
        known = {fault.value for fault in Fault}
        if unknown := sorted(set(settings.faults) - known):
            raise ValueError(
                f"faults: {', '.join(unknown)}: no such kind; there are {', '.join(sorted(known))}"
            )
        self._settings = settings
        self._kinds = tuple(Fault(name) for name in settings.faults) or tuple(Fault)

    async def complete(self, request: ChatRequest) -> ChatReply:
        if request.role is Role.AUTHOR:
            return self._act_author(request)
        hint = read_hint(request.hint) if request.hint else None
        if request.role is Role.EXPERT:
            return self._act_expert(request, hint)
        return self._act_judge(request, hint)

    async def close(self) -> None:
        """Nothing is held."""

    # --- author ---

    def _act_author(self, request: ChatRequest) -> ChatReply:
        if request.hint is None:
            detail = "the scripted model writes no queries of its own: it needs a program's"
            raise ProviderError(ErrorKind.BAD_REQUEST, detail)
        hint = read_author_hint(request.hint)
        rng = self._random("author", hint.query_id, hint.task, str(request.sample))
        text, faults = write_as_author(hint, self._settings.fault_rate, rng)
        return _reply(text, faults)

    # --- expert ---

    def _act_expert(self, request: ChatRequest, hint: Hint | None) -> ChatReply:
        if hint is None or not hint.hops:
            return _reply(_shrug(request.messages, hint))
        drawn = (hint.query_id, str(request.sample), str(request.sampling.seed), *_critique_of(request))
        fault, misread = self._faults_of(hint, drawn, is_reflected=len(drawn) > 3)
        expert = Expert(
            hint,
            fault,
            misread,
            self._random("expert", *drawn),
            self._random("misread", hint.query_id),
        )
        planted = [f"misread:{misread.value}"] if misread is not None else []
        planted += [fault.value] if fault is not None else []
        return _reply(expert.reply(request.messages), tuple(planted))

    def _faults_of(
        self, hint: Hint, drawn: Sequence[str], *, is_reflected: bool
    ) -> tuple[Fault | None, Fault | None]:
        """The fault of this sample alone, and the misreading that all samples of the query share."""
        shared = self._random("misreading", hint.query_id)
        misread = None
        if hint.misread is not None:
            misread = Fault(hint.misread)
        elif shared.random() < self._settings.misread_rate:
            misread = draw_fault(CODE_FAULTS, hint, shared)
        own = self._random("fault", *drawn)
        rate = self._settings.fault_rate * (REFLECTED if is_reflected else 1.0)
        fault = draw_fault(self._kinds, hint, own) if own.random() < rate else None
        return fault, misread

    # --- judge ---

    def _act_judge(self, request: ChatRequest, hint: Hint | None) -> ChatReply:
        prompt = request.messages[-1].content
        answers = [text for _, text in _ANSWER.findall(prompt)]
        question = hint.question if hint is not None else ""
        tables = hint is not None and hint.is_database
        found = agree(answers, question=question, tables=tables)
        same = len(found.largest) == len(answers) > 0
        rng = self._random("judge", prompt, str(request.sample))
        wrong = rng.random() < JUDGE_ERROR
        best = min(found.largest, key=lambda place: (len(answers[place]), place)) if found.largest else 0
        why = "They say the same." if same else _why(found.whys)
        verdict = "yes" if same != wrong else "no"
        text = f"<reasoning>{why}</reasoning>\n<correct>{verdict}</correct>\n<number>{best + 1}</number>"
        return _reply(text, ("judge_error",) if wrong else ())

    def _random(self, *parts: str) -> random.Random:
        return random.Random(seed_from("scripted", str(self._settings.seed), *parts))


def _critique_of(request: ChatRequest) -> tuple[str, ...]:
    """The prompt with a critique in it, which makes other samples of the same numbers; () without one."""
    return tuple(message.content for message in request.messages[:2] if _CRITIQUE in message.content)


def _why(whys: Sequence[tuple[int, int, str]]) -> str:
    if not whys:
        return "Not all of them answer the question."
    left, right, why = whys[0]
    return (
        f"Answers {left + 1} and {right + 1} differ: {why}. Check which rows and columns the question means."
    )


def _shrug(messages: Sequence[Message], hint: Hint | None) -> str:
    """What it does about a query that no program stands behind: it looks at the data and says so."""
    if any(message.role == "assistant" for message in messages):
        return say(
            "I see the data, but no way from here to the answer.", answer="I cannot tell from these data."
        )
    is_database = hint is not None and hint.is_database
    code = "get_db_info()" if is_database else "import os\nprint(os.listdir('data/files'))"
    return say("I start by looking at what there is.", code=code)


def _reply(text: str, faults: tuple[str, ...] = ()) -> ChatReply:
    return ChatReply(text=text, finish_reason=FinishReason.STOP, served_model="scripted", faults=faults)
