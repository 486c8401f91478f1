"""What the simulated endpoint says when it plays expert and judge of a whole run (`Plan.acts`).

The expert takes 2 to 8 turns of trivial code, drawn from a hash of the question and the seed, and answers
with a number that depends on the question alone; the judge agrees. So a run over real HTTP has trajectories
of real turns, and which request belongs where can be told afterwards from the request itself.
"""

from __future__ import annotations

import hashlib
import json
import random
import re
from typing import Any

Plain = dict[str, Any]


def act(request: Plain) -> str:
    """The reply's text."""
    if is_judgement(request):
        said = {"reasoning": "They say the same.", "correct": "yes", "number": 1}
        if "response_format" in request:
            return json.dumps(said)
        return "\n".join(f"<{name}>{value}</{name}>" for name, value in said.items())
    turn = turn_of(request)
    if turn + 1 < turns_of(request):
        return f"<think>Step {turn + 1}.</think>\n<code>\nprint({turn} + 1)\n</code>"
    number = int(_digest(question_of(request))[:4], 16)
    return f"<think>That is all.</think>\n<answer>The number is {number}.</answer>"


def is_judgement(request: Plain) -> bool:
    return "<answer_1>" in request["messages"][-1]["content"]


def question_of(request: Plain) -> str:
    """The query that a request is about, as the expert's and the judge's prompts both hold it."""
    if is_judgement(request):
        found = re.findall(r"<question>\n(.*?)\n</question>", request["messages"][-1]["content"], re.DOTALL)
        return str(found[-1]).strip()
    asked = next(message["content"] for message in request["messages"] if message["role"] == "user")
    return str(asked).split("**The data source path")[0].strip()


def turn_of(request: Plain) -> int:
    return sum(message["role"] == "assistant" for message in request["messages"])


def turns_of(request: Plain) -> int:
    """How many turns the trajectory of a request has in all."""
    return random.Random(_digest(f"{question_of(request)} {request.get('seed')}")).randint(2, 8)


def describe_request(request: Plain) -> list[Any]:
    """Question, seed (null for a judgement) and turn: where in the run a request belongs."""
    if is_judgement(request):
        return [question_of(request), None, 0]
    return [question_of(request), request.get("seed"), turn_of(request)]


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
