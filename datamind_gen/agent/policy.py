"""What acts in the agent loop: a policy begins with a prompt, acts, and observes.

The loop (`agent/loop.py`) is the only one there is; generation, RL rollouts, evaluation and `ask` hand
it different policies. A text policy talks to a chat model; a token policy (trainers/) keeps token ids.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol

from datamind_gen.rows import Message, Usage


@dataclass(frozen=True, slots=True)
class Action:
    """One assistant message."""

    text: str
    finish_reason: str
    """stop or length, as the provider says."""
    usage: Usage = field(default_factory=Usage)
    served_model: str = ""
    faults: tuple[str, ...] = ()


class Policy(Protocol):
    """One episode's actor. Not shared between episodes."""

    async def begin(self, prompt: tuple[Message, ...]) -> None:
        """Starts the episode with the system and user messages."""
        ...

    async def act(self) -> Action:
        """The next assistant message. Raises models.base.ProviderError."""
        ...

    async def observe(self, observation: str) -> None:
        """Takes an observation, already wrapped in its <interpreter> tags, as a user message."""
        ...
