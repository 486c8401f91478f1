"""From settings to a model. A provider's module is imported only when a role names it."""

from __future__ import annotations

from datamind_gen.models.base import ChatModel
from datamind_gen.models.settings import (
    BaseSettings,
    DistilabelSettings,
    OpenAISettings,
    ScriptedSettings,
    VLLMSettings,
)


def build_model(settings: BaseSettings) -> ChatModel:
    """The model. Raises ValueError (a key, a class) or ImportError (a missing extra) with the fix."""
    if isinstance(settings, OpenAISettings):
        from datamind_gen.models.openai_chat import OpenAIChat

        return OpenAIChat(settings)
    if isinstance(settings, VLLMSettings):
        from datamind_gen.models.vllm_engine import VLLMEngine

        return VLLMEngine(settings)
    if isinstance(settings, DistilabelSettings):
        from datamind_gen.models.distilabel import DistilabelChat

        return DistilabelChat(settings)
    if isinstance(settings, ScriptedSettings):
        from datamind_gen.models.scripted import ScriptedModel

        return ScriptedModel(settings)
    raise TypeError(f"no provider takes {type(settings).__name__}")
