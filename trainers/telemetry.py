"""What an RL step leaves behind for people: its numbers, and a line a rollout in rollouts.jsonl."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from trainers.groups import Group, Selection
from trainers.objective import StepResult
from trainers.rewards import Reward
from trainers.rollouts import Rollout


@dataclass(slots=True)
class Sampled:
    """What one step's generation gave, counted on every process alike."""

    groups: list[Group] = field(default_factory=list)
    numbers: list[dict[str, float]] = field(default_factory=list)
    """One entry a rollout."""
    generations: int = 0
    records: list[dict[str, Any]] = field(default_factory=list)


def record(step: int, rollout: Rollout, reward: Reward | None) -> dict[str, Any]:
    """A line of rollouts.jsonl: enough to see what happened, token by token."""
    tokens = rollout.tokens
    return {
        "step": step,
        "task": rollout.job.task.id,
        "sample": rollout.job.sample,
        "question": rollout.job.task.question,
        "reference": rollout.job.task.reference_text,
        "answer": rollout.episode.answer,
        "stop": rollout.episode.stop.value,
        "error": rollout.episode.error,
        "reward": asdict(reward) if reward else None,
        "turns": [
            {"text": turn.text, "observation": turn.observation, "status": turn.status}
            for turn in rollout.episode.turns
        ],
        "ids": tokens.ids if tokens else [],
        "mask": tokens.mask if tokens else [],
    }


def measure(rollout: Rollout, reward: Reward | None) -> dict[str, float]:
    """What is averaged over a step's rollouts; failed ones count as failures only."""
    if reward is None:
        return {"failed": 1.0}
    statuses = [turn.status for turn in rollout.episode.turns if turn.status is not None]
    tokens = rollout.tokens
    return {
        "failed": 0.0,
        "reward": reward.total,
        "accuracy": float(reward.correct),
        "well_formed": float(reward.well_formed),
        "void": float(rollout.void),
        "cut_short": float(rollout.episode.stop.value in ("max_tokens", "context_overflow")),
        "out_of_turns": float(rollout.episode.stop.value == "max_turns"),
        "turns": float(len(rollout.episode.turns)),
        "code_errors": sum(status != "ok" for status in statuses) / max(len(statuses), 1),
        "response_tokens": float(tokens.response_length if tokens else 0),
        # Estimates the entropy with any γ; `rl/entropy`, the exact one, needs the RL term's forward pass.
        "sampled_entropy": -sum(tokens.logprobs) / max(tokens.trained, 1) if tokens else 0.0,
        "judged": float(reward.judged),
    }


def summarise_step(sampled: Sampled, selection: Selection) -> dict[str, float]:
    groups = max(len(sampled.groups), 1)
    return {
        **_means(sampled.numbers),
        "groups/kept": float(len(selection.kept)),
        "groups/surplus": float(len(selection.surplus)),
        "groups/filtered_share": len(selection.filtered) / groups,
        "generations": float(sampled.generations),
    }


def mean_of_updates(results: list[StepResult]) -> dict[str, float]:
    means = _means([result.metrics for result in results])
    return means | {"skipped": float(sum(result.skipped for result in results))}


def _means(rows: Sequence[Mapping[str, float]]) -> dict[str, float]:
    """Each measure's mean over the rows that have it."""
    values: dict[str, list[float]] = {}
    for name, value in (pair for row in rows for pair in row.items()):
        values.setdefault(name, []).append(value)
    return {name: sum(found) / len(found) for name, found in values.items()}
