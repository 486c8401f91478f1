"""What the tests of this folder share: requests, settings, and a recorder on disk."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from datamind_gen.models.base import ChatReply, ChatRequest, Role, Sampling
from datamind_gen.models.recorder import Recorder
from datamind_gen.models.router import Models
from datamind_gen.models.settings import OpenAISettings, RetrySettings
from datamind_gen.rows import Message, decode, dump_json, encode

FAST = RetrySettings(backoff_s=0.002, backoff_max_s=0.02)


def settings_for(url: str, **given: Any) -> OpenAISettings:
    return OpenAISettings(**({"provider": "openai", "model": "tiny", "base_url": url, "seed": 1} | given))


def models_for(
    url: str, *, recorder: Recorder | None = None, retries: RetrySettings = FAST, **given: Any
) -> Models:
    """An expert at the endpoint."""
    return Models.from_settings({Role.EXPERT: settings_for(url, **given)}, recorder=recorder, retries=retries)


def request(
    text: str = "hello", *, sample: int = 0, role: Role = Role.EXPERT, **sampling: Any
) -> ChatRequest:
    return ChatRequest(
        role=role, messages=(Message("user", text),), sampling=Sampling(**sampling), sample=sample
    )


class MemoryRecorder:
    """Keeps replies in memory."""

    def __init__(self) -> None:
        self.replies: dict[str, ChatReply] = {}

    async def find(self, key: str) -> ChatReply | None:
        return self.replies.get(key)

    async def record(self, key: str, reply: ChatReply) -> None:
        assert key not in self.replies, "a reply was recorded twice"
        self.replies[key] = reply


class FileRecorder:
    """Keeps replies in a file that survives kill -9 of the writer."""

    def __init__(self, path: Path) -> None:
        self.replies: dict[str, ChatReply] = {}
        if path.exists():
            for line in path.read_text(encoding="utf-8").split("\n"):
                if line.endswith("}"):
                    key, _, text = line.partition(" ")
                    self.replies[key] = decode(ChatReply, text)
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND)

    async def find(self, key: str) -> ChatReply | None:
        return self.replies.get(key)

    async def record(self, key: str, reply: ChatReply) -> None:
        os.write(self._file, f"{key} {encode(reply)}\n".encode())
        self.replies[key] = reply


def describe(replies: dict[str, ChatReply]) -> str:
    """All replies as one text, for comparing two runs."""
    return dump_json({key: reply.text for key, reply in replies.items()})
