"""A distilabel LLM as a user may write one: synchronous, and with few parameters."""

from typing import Any

from distilabel.models.llms.base import LLM


class OwnLLM(LLM):
    """Shouts."""

    @property
    def model_name(self) -> str:
        return "own"

    def generate(  # type: ignore[override]
        self, inputs: list[list[dict[str, str]]], num_generations: int = 1, temperature: float = 1.0
    ) -> list[dict[str, Any]]:
        return [
            {
                "generations": [f"{messages[-1]['content'].upper()} at {temperature}"],
                "statistics": {"input_tokens": [0], "output_tokens": [0]},
            }
            for messages in inputs
        ]
