"""What each model was asked and what it cost, as typed snapshots for displays, budgets and reports."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from datamind_gen.models.base import ChatReply, ChatRequest, Role
from datamind_gen.models.settings import Prices

MILLION = 1_000_000
SUMMED = (
    *("calls", "replayed", "retries", "rate_limited", "failed", "prompt_tokens", "completion_tokens"),
    *("uncounted", "tokens_at_most", "in_flight", "waiting", "limit"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelUsage:
    """One model at one endpoint, at one moment. Replies that were found recorded cost nothing here."""

    model: str
    endpoint: str
    roles: tuple[Role, ...]
    calls: int
    """Replies that arrived."""
    replayed: int
    """Replies found recorded, and so not asked for."""
    retries: int
    """Attempts after a first one, rate limits not counted."""
    rate_limited: int
    failed: int
    """Calls given up."""
    prompt_tokens: int
    """Of the replies whose tokens the server counted."""
    completion_tokens: int
    uncounted: int
    """Replies whose tokens the server did not count."""
    tokens_at_most: int
    """Prompt and completion, an uncounted reply taken at the most it can have cost."""
    usd: float | None
    """None is unknown: no price, or uncounted replies of a model that is not free (the scripted one is)."""
    usd_at_most: float | None
    """None when there is no price."""
    priced: bool
    in_flight: int
    waiting: int
    limit: int
    """Requests that may be in flight now; shared by all models of the endpoint, as are the two above."""
    down_s: float
    """Seconds for which the endpoint has refused everything; 0 when it is well."""
    last_error: str | None


@dataclass(slots=True)
class Counter:
    """The running figures of one model."""

    prices: Prices | None
    calls: int = 0
    replayed: int = 0
    retries: int = 0
    rate_limited: int = 0
    failed: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    uncounted: int = 0
    prompt_bound: int = 0
    completion_bound: int = 0
    last_error: str | None = None

    def add(self, request: ChatRequest, reply: ChatReply) -> None:
        """Counts a reply that arrived."""
        self.calls += 1
        prompt, completion = reply.usage.prompt_tokens, reply.usage.completion_tokens
        if prompt is None or completion is None:
            self.uncounted += 1
            # No tokenizer makes more tokens than bytes; a chat template adds a few a message.
            text_bytes = sum(len(message.content.encode()) + 16 for message in request.messages)
            self.prompt_bound += text_bytes if prompt is None else prompt
            self.completion_bound += completion or request.sampling.max_tokens or len(reply.text.encode())
        else:
            self.prompt_tokens += prompt
            self.completion_tokens += completion

    @property
    def tokens_at_most(self) -> int:
        return self.prompt_tokens + self.completion_tokens + self.prompt_bound + self.completion_bound

    @property
    def usd(self) -> float | None:
        return None if self.uncounted and self.usd_at_most != 0 else self.usd_at_most

    @property
    def usd_at_most(self) -> float | None:
        if self.prices is None:
            return None
        prompt = self.prompt_tokens + self.prompt_bound
        completion = self.completion_tokens + self.completion_bound
        return (prompt * self.prices.input + completion * self.prices.output) / MILLION


def add_up(snapshots: Iterable[tuple[ModelUsage, ...]]) -> tuple[ModelUsage, ...]:
    """What several engines asked of the same models, as if one had; a model's order is that of the first."""
    by_model: dict[tuple[str, str], list[ModelUsage]] = {}
    for snapshot in snapshots:
        for usage in snapshot:
            by_model.setdefault((usage.model, usage.endpoint), []).append(usage)
    return tuple(_add(parts) for parts in by_model.values())


def _add(parts: list[ModelUsage]) -> ModelUsage:
    if len(parts) == 1:
        return parts[0]
    usd = [part.usd for part in parts if part.usd is not None]
    usd_at_most = [part.usd_at_most for part in parts if part.usd_at_most is not None]
    sums = {name: sum(getattr(part, name) for part in parts) for name in SUMMED}
    return replace(
        parts[0],
        **sums,
        usd=sum(usd) if len(usd) == len(parts) else None,
        usd_at_most=sum(usd_at_most) if len(usd_at_most) == len(parts) else None,
        priced=all(part.priced for part in parts),
        down_s=max(part.down_s for part in parts),
        last_error=next((part.last_error for part in parts if part.last_error), None),
    )
