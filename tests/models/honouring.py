"""Asks a real engine what a run asks of it, and tells what came; runs where pytest is not installed."""

from __future__ import annotations

import asyncio
import json
from typing import Any

from datamind_gen.models.base import ProviderError, Role
from datamind_gen.models.router import Models
from tests.models.helpers import request

SCHEMA = json.dumps(
    {
        "type": "object",
        "properties": {"agree": {"type": "boolean"}, "best": {"enum": [0, 1, 2]}},
        "required": ["agree", "best"],
        "additionalProperties": False,
    }
)


async def honoured(models: Models) -> dict[str, Any]:
    """For a pytest-less Python too, as JSON-able figures; the same for the server and the engine."""
    replies = await asyncio.gather(
        *(models.ask(request("go on", sample=sample, temperature=1.0, max_tokens=40)) for sample in range(8))
    )
    again = await models.ask(request("go on", sample=3, temperature=1.0, max_tokens=40))
    whole = replies[3].text
    stop = whole[10:12]
    stopped = await models.ask(request("go on", sample=3, temperature=1.0, max_tokens=40, stop=(stop,)))
    greedy = [
        await models.ask(request("go on", sample=sample, temperature=0.0, max_tokens=20, seed=7))
        for sample in (0, 1)
    ]
    judged = await asyncio.gather(
        *(
            models.ask(request("judge", role=Role.JUDGE, sample=sample, json_schema=SCHEMA, max_tokens=200))
            for sample in range(4)
        )
    )
    try:
        await models.ask(request("too long " * 2000))
        overflow = "none"
    except ProviderError as error:
        overflow = error.kind.value
    return {
        "distinct": len({reply.text for reply in replies}),
        "seeded alike": again.text == whole,
        "lengths": [reply.usage.completion_tokens for reply in replies],
        "prompt tokens": replies[0].usage.prompt_tokens,
        "finish": [reply.finish_reason.value for reply in replies],
        "whole": whole,
        "stop": stop,
        "stopped": stopped.text,
        "stopped finish": stopped.finish_reason.value,
        "greedy alike": greedy[0].text == greedy[1].text,
        "judged": [(reply.finish_reason.value, reply.text) for reply in judged],
        "overflow": overflow,
        "calls": sum(usage.calls for usage in models.usage()),
    }
