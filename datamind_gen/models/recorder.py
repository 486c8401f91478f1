"""How a reply is recorded and found again, so that no reply that came is ever asked for twice.

The ledger implements `Recorder`; `reply_key` says what a reply depends on, and nothing else.
"""

from __future__ import annotations

from dataclasses import fields
from typing import Protocol

from datamind_gen.models.base import ChatModel, ChatReply, ChatRequest, ErrorKind, ProviderError, Sampling
from datamind_gen.rows import dump_json, hash_text

SAMPLING_FIELDS = fields(Sampling)


class Recorder(Protocol):
    """Where replies are kept."""

    async def find(self, key: str) -> ChatReply | None: ...

    async def record(self, key: str, reply: ChatReply) -> None:
        """Keeps the reply durably. Called once a reply, the moment it arrives."""
        ...


def reply_key(*, endpoint: str, model: str, request: ChatRequest, parameters: str = "{}") -> str:
    """The hex key of a reply: endpoint, model, messages, parameters and sample index alone.

    `request` is resolved (BaseSettings.resolve), `parameters` is BaseSettings.reply_parameters(). The
    role is no part of it; a hint is, where a model reads it.
    """
    messages = dump_json([[message.role, message.content] for message in request.messages])
    sampling = dump_json({entry.name: getattr(request.sampling, entry.name) for entry in SAMPLING_FIELDS})
    return hash_text(
        "reply", endpoint, model, messages, sampling, str(request.sample), parameters, request.hint or ""
    )


class RecordedOnly:
    """Stands in for a model of which only recorded replies may be used; implements ChatModel."""

    def __init__(self, model: ChatModel) -> None:
        self._model = model
        self.endpoint = model.endpoint
        self.model = model.model

    async def complete(self, request: ChatRequest) -> ChatReply:
        raise ProviderError(
            ErrorKind.BAD_REQUEST,
            f"the {request.role.value}'s reply is not recorded, and nothing may be generated here",
        )

    async def close(self) -> None:
        await self._model.close()
