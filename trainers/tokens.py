"""One token builder for SFT and for rollouts: append-only, token-in token-out.

    builder = TokenBuilder(tokenizer)
    tokens = builder.begin(prompt)                 # system and user message, up to the assistant's turn
    tokens.add_sampled(ids, logprobs)              # what the engine sampled, as it is
    tokens.add_observation("<interpreter>…")       # never trained on
    builder.conversation(messages)                 # the same, from an SFT conversation

Nothing decoded is encoded again, and nothing already appended changes: a turn's ids are a prefix of the
next turn's. What the template puts between two turns (`<|im_end|>\\n<|im_start|>user …`) is asked of the
template once, with dummy turns, so templates that rewrite history (Qwen3's drop old `<think>` blocks) do
not matter: history is kept as it was sampled.

Text that comes from files, code or users can never become a control token: where it spells one
(`<|im_end|>` in a CSV cell), that spelling is encoded as ordinary text. The mask says which tokens are
trained on: those that the policy wrote, its end-of-turn token among them. It is made here and nowhere
else; the one shift from token to predicting position is in `batching.py`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import cycle
from typing import Any

from datamind_gen.rows import Message
from trainers.errors import TrainerError

SYSTEM, USER, ASSISTANT, OBSERVATION = "Sys", "Usr", "Ast", "Obs"
"""Dummy contents: plain letters, which no template rewrites."""


@dataclass(slots=True)
class TokenSequence:
    """Ids with the mask of those trained on, and the log-probabilities they were sampled with."""

    ids: list[int]
    mask: list[int]
    """1 where the policy wrote the token."""
    logprobs: list[float]
    """Of the engine, at its sampling temperature; 0 where the mask is 0, and throughout for SFT."""
    prompt_length: int
    builder: TokenBuilder = field(repr=False)

    def add_sampled(self, ids: Sequence[int], logprobs: Sequence[float]) -> None:
        """Appends what the engine sampled, its end-of-turn token included when it sampled one."""
        if len(ids) != len(logprobs):
            raise ValueError(f"{len(ids)} sampled ids with {len(logprobs)} log-probabilities")
        self._append(ids, 1, logprobs)

    def add_observation(self, text: str) -> None:
        """Appends an observation, and what opens the assistant's next turn."""
        if self.ids[-1] != self.builder.end_of_turn:
            # Cut by a stop string or a length: the turn still has to end, but not by the policy's choice.
            self._append([self.builder.end_of_turn], 0)
        self._append(self.builder.observation(text), 0)

    def _append(self, ids: Sequence[int], mask: int, logprobs: Sequence[float] | None = None) -> None:
        self.ids.extend(ids)
        self.mask.extend([mask] * len(ids))
        self.logprobs.extend(logprobs if logprobs is not None else [0.0] * len(ids))

    @property
    def trained(self) -> int:
        """How many tokens the loss counts."""
        return sum(self.mask)

    @property
    def response_length(self) -> int:
        return len(self.ids) - self.prompt_length

    def __len__(self) -> int:
        return len(self.ids)


class TokenBuilder:
    """Turns messages into ids with a tokenizer's chat template. Raises TrainerError where it cannot."""

    def __init__(self, tokenizer: Any) -> None:
        if not tokenizer.chat_template:
            raise TrainerError(f"{tokenizer.name_or_path} has no chat template; give model.chat_template")
        self.tokenizer = tokenizer
        self._read_template()

    def begin(self, prompt: Sequence[Message]) -> TokenSequence:
        """The sequence that an episode starts from."""
        ids = self.prompt(prompt)
        return TokenSequence(list(ids), [0] * len(ids), [0.0] * len(ids), len(ids), self)

    def prompt(self, messages: Sequence[Message]) -> list[int]:
        """Ids of the messages before the first assistant turn, up to where that turn opens."""
        guarded = [Message(message.role, self._guard(message.content)) for message in messages]
        return self._encode(self._render(guarded, open_turn=True))

    def observation(self, text: str) -> list[int]:
        """Ids of a user message after an ended assistant turn, up to where the next turn opens."""
        before, after = self._around_observation
        return self._encode(before + self._guard(text) + after)

    def reply(self, text: str) -> list[int]:
        """Ids of an assistant message written by someone else, end-of-turn included."""
        return [*self._encode(self._guard(text)), *self._closing]

    def conversation(self, messages: Sequence[Message]) -> TokenSequence:
        """An SFT conversation: [system,] user, then assistant and user (observation) by turns."""
        first = next((i for i, message in enumerate(messages) if message.role == "assistant"), None)
        if not first or messages[-1].role != "assistant":
            raise ValueError("a conversation opens with a user message and ends with an assistant message")
        tokens = self.begin(messages[:first])
        for message, expected in zip(messages[first:], cycle(("assistant", "user")), strict=False):
            if message.role != expected:
                raise ValueError(f"expected the role {expected!r} after the prompt, found {message.role!r}")
            if expected == "assistant":
                ids = self.reply(message.content)
                tokens.add_sampled(ids, [0.0] * len(ids))
            else:
                tokens.add_observation(message.content)
        return tokens

    def decode(self, ids: Sequence[int]) -> str:
        """A turn's text, without its end-of-turn token."""
        kept = ids[:-1] if ids and ids[-1] == self.end_of_turn else ids
        as_it_is = {"skip_special_tokens": False, "clean_up_tokenization_spaces": False}
        text: str = self.tokenizer.decode(list(kept), **as_it_is)
        return text

    def matches_template(self, messages: Sequence[Message]) -> bool:
        """Whether the template's own rendering of a whole conversation gives the same ids.

        It does for templates that only append (Qwen2.5, ChatML, Llama 3). Where it does not, the builder
        keeps history as it was sampled, which is what the engine saw.
        """
        whole = self._encode(self._render(list(messages), open_turn=False))
        ids = self.conversation(messages).ids
        return whole[: len(ids)] == ids

    # --- the template ---------------------------------------------------------------------------

    def _render(self, messages: list[Message], *, open_turn: bool) -> str:
        plain = [{"role": message.role, "content": message.content} for message in messages]
        text: str = self.tokenizer.apply_chat_template(plain, tokenize=False, add_generation_prompt=open_turn)
        return text

    def _read_template(self) -> None:
        """Learns from dummy turns how a turn ends, and what stands around an observation."""
        name = self.tokenizer.name_or_path
        dummy = [Message("system", SYSTEM), Message("user", USER), Message("assistant", ASSISTANT)]
        rendered = self._render([*dummy, Message("user", OBSERVATION)], open_turn=True)
        tail = rendered.rpartition(ASSISTANT)[2]
        added = {str(token): index for index, token in self.tokenizer.added_tokens_decoder.items()}
        found = [(tail.find(text), -len(text), text) for text in added if text in tail]
        if not found or OBSERVATION not in tail:
            raise TrainerError(
                f"{name}: its chat template ends an assistant turn with {tail!r}, in which there is no "
                "special token to stop at; give model.chat_template"
            )
        if tail.rstrip().endswith("<think>"):
            raise TrainerError(
                f"{name}: its chat template opens the assistant's turn with <think>, which the protocol "
                "has the model write itself; give model.chat_template"
            )
        position, _, end = min(found)
        closing = tail[: position + len(end)]
        self.end_of_turn: int = added[end]
        flagged = {str(token) for token in self.tokenizer.added_tokens_decoder.values() if token.special}
        flagged.update(self.tokenizer.all_special_tokens)
        self._control = {text: added[text] for text in added if text in flagged or text in rendered}
        spellings = sorted(self._control, key=len, reverse=True)
        self._control_pattern = re.compile("|".join(map(re.escape, spellings)))
        self._closing = self._encode(closing)
        before, _, after = tail[len(closing) :].rpartition(OBSERVATION)
        self._around_observation = before, after

    # --- encoding -------------------------------------------------------------------------------

    def _guard(self, text: str) -> str:
        """The text with every spelled control token wrapped in marks that `_encode` undoes."""
        text = text.replace(_OPEN, "\ufffd").replace(_CLOSE, "\ufffd")
        return self._control_pattern.sub(lambda match: f"{_OPEN}{match[0]}{_CLOSE}", text)

    def _encode(self, text: str) -> list[int]:
        ids: list[int] = []
        for piece in _MARKED.split(text):
            if not piece.startswith(_OPEN):
                ids += self.tokenizer.encode(piece, add_special_tokens=False) if piece else []
                continue
            spelled = piece[1:-1]
            plain = self.tokenizer(spelled, add_special_tokens=False, split_special_tokens=True)["input_ids"]
            if not set(plain).isdisjoint(self._control.values()):
                # An added token that is not flagged special is matched even so: letter by letter it is not.
                plain = [
                    i for letter in spelled for i in self.tokenizer.encode(letter, add_special_tokens=False)
                ]
            ids += plain
        return ids


_OPEN, _CLOSE = "\U0010fffe", "\U0010ffff"
"""Unicode noncharacters: no valid text holds them."""
_MARKED = re.compile(f"({_OPEN}[^{_CLOSE}]*{_CLOSE})")
