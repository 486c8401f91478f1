"""The model that is trained: loading it, its token log-probabilities, and its export.

`PolicyModel` wraps a causal language model so that DDP and FSDP see one `forward`, which gives the
log-probability of each trained token of a micro-batch and never holds more logits than `head_chunk`
tokens' (Qwen's vocabulary makes 8k tokens 5 GB in float32). Exports are plain Hugging Face directories,
which AutoModelForCausalLM and vLLM load.
"""

from __future__ import annotations

import copy
import json
import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import torch
import torch.utils.checkpoint
from torch import Tensor, nn

from trainers.batching import MicroBatch
from trainers.config import Lora, Model, Scratch
from trainers.errors import TrainerError

CHATML = """{%- for message in messages -%}
{{ '<|im_start|>' + message['role'] + '\\n' + message['content'] + '<|im_end|>' + '\\n' }}
{%- endfor -%}
{%- if add_generation_prompt -%}{{ '<|im_start|>assistant\\n' }}{%- endif -%}"""


class PolicyModel(nn.Module):
    """A causal language model whose forward gives token log-probabilities."""

    def __init__(self, causal: Any, *, head_chunk: int = 1024) -> None:
        super().__init__()
        self.causal = causal
        self.head_chunk = head_chunk

    @property
    def language_model(self) -> Any:
        """The Hugging Face model, without a LoRA wrapper (its layers are injected in place)."""
        return self.causal.get_base_model() if hasattr(self.causal, "get_base_model") else self.causal

    def forward(self, batch: MicroBatch, temperature: float = 1.0) -> tuple[Tensor, Tensor]:
        """Log-probabilities [N] of the trained tokens at the temperature, and the entropies [N].

        Entropies carry no gradient. With no trained token both are empty, yet still hang on the graph, so
        that every process has a backward pass to take part in.
        """
        model = self.language_model
        output = getattr(model, model.base_model_prefix)(
            input_ids=batch.ids,
            position_ids=batch.positions,
            attention_mask=batch.attention,
            use_cache=False,
        )
        hidden = output.last_hidden_state
        predicting = hidden.flatten(0, 1)[batch.predictors]
        if not len(predicting):
            anchor = hidden.float().sum() * 0.0
            return anchor + predicting.sum(-1), predicting.sum(-1).detach()
        chunks = []
        for states, targets in zip(
            predicting.split(self.head_chunk), batch.targets.split(self.head_chunk), strict=True
        ):
            if torch.is_grad_enabled() and len(predicting) > self.head_chunk:
                chunk = torch.utils.checkpoint.checkpoint(
                    self._score, states, targets, temperature, use_reentrant=False
                )
            else:
                chunk = self._score(states, targets, temperature)
            chunks.append(chunk)
        return torch.cat([logps for logps, _ in chunks]), torch.cat([entropy for _, entropy in chunks])

    def _score(self, states: Tensor, targets: Tensor, temperature: float) -> tuple[Tensor, Tensor]:
        logits = self.language_model.get_output_embeddings()(states).float() / temperature
        normaliser = logits.logsumexp(-1)
        logps = logits.gather(-1, targets[:, None])[:, 0] - normaliser
        with torch.no_grad():
            entropy = normaliser - (torch.softmax(logits, -1) * logits).sum(-1)
        return logps, entropy.detach()

    def check_head(self) -> None:
        """Raises TrainerError where the model does more to its hidden states than apply its head.

        Some families scale or cap their logits (Gemma, Cohere); their probabilities would come out wrong.
        """
        model = self.language_model
        device = next(self.parameters()).device
        ids = torch.arange(8, device=device)[None] % model.config.get_text_config().vocab_size
        training = self.training
        self.eval()
        with torch.no_grad():
            hidden = getattr(model, model.base_model_prefix)(input_ids=ids, use_cache=False).last_hidden_state
            ours = model.get_output_embeddings()(hidden).float()
            theirs = model(input_ids=ids, use_cache=False).logits.float()
        self.train(training)
        if not torch.allclose(ours, theirs, atol=1e-3, rtol=1e-2):
            raise TrainerError(
                f"model.path {model.name_or_path!r}: {type(model).__name__} changes its logits after "
                "the head, which this trainer does not do; Qwen, Llama, Mistral and Phi models do not"
            )


def load_tokenizer(config: Model, texts: Iterable[str]) -> Any:
    """The tokenizer of `path`, or for `scratch` one trained on the texts."""
    from transformers import AutoTokenizer

    if config.scratch is not None:
        tokenizer = train_tokenizer(texts, vocabulary=config.scratch.vocabulary)
    else:
        tokenizer = AutoTokenizer.from_pretrained(config.path)
    if config.chat_template is not None:
        template = Path(config.chat_template)
        if not template.is_file():
            raise TrainerError(f"model.chat_template: {template} is no file")
        tokenizer.chat_template = template.read_text(encoding="utf-8")
    if tokenizer.pad_token_id is None:
        tokenizer.pad_token = tokenizer.eos_token
    return tokenizer


def train_tokenizer(texts: Iterable[str], *, vocabulary: int) -> Any:
    """A byte-level BPE tokenizer with a ChatML template; the same texts give the same tokenizer."""
    from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    tokenizer = Tokenizer(models.BPE())
    # Words, single digits and signs, as Qwen splits: a number copied is then always the same tokens.
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(r" ?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"), "isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    tokenizer.decoder = decoders.ByteLevel()
    specials = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
    trainer = trainers.BpeTrainer(
        vocab_size=vocabulary,
        special_tokens=[AddedToken(special, special=True, normalized=False) for special in specials],
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts, trainer)
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        eos_token="<|im_end|>",
        pad_token="<|endoftext|>",
        chat_template=CHATML,
        clean_up_tokenization_spaces=False,
    )


def load_policy(config: Model, tokenizer: Any, *, path: str | None = None, seed: int = 0) -> PolicyModel:
    """The model of `path` (or else of the recipe), with its LoRA adapter and checkpointing set up."""
    from transformers import AutoModelForCausalLM

    source = path or config.path
    if source is None:
        assert config.scratch is not None
        causal = make_model(config.scratch, tokenizer, attention=config.attention, seed=seed)
    else:
        dtype = getattr(torch, config.weights)
        adapter = Path(source) / "adapter_config.json"
        base = source
        if adapter.is_file():
            base = json.loads(adapter.read_text(encoding="utf-8"))["base_model_name_or_path"]
        causal = AutoModelForCausalLM.from_pretrained(base, dtype=dtype, attn_implementation=config.attention)
        causal.config.use_cache = False
    if config.gradient_checkpointing:
        enable = getattr(causal, "activation_checkpointing_enable", causal.gradient_checkpointing_enable)
        enable({"use_reentrant": False})
    if config.lora is not None:
        causal = add_lora(causal, config.lora, path=source, seed=seed)
    policy = PolicyModel(causal, head_chunk=config.head_chunk)
    policy.check_head()
    return policy


def make_model(scratch: Scratch, tokenizer: Any, *, attention: str = "sdpa", seed: int = 0) -> Any:
    """A Qwen2 model with random weights."""
    from transformers import Qwen2Config, Qwen2ForCausalLM

    config = Qwen2Config(
        vocab_size=len(tokenizer),
        hidden_size=scratch.width,
        intermediate_size=scratch.width * 3,
        num_hidden_layers=scratch.layers,
        num_attention_heads=scratch.heads,
        num_key_value_heads=scratch.heads,
        max_position_embeddings=32768,
        rope_parameters={"rope_type": "default", "rope_theta": 10000.0},
        tie_word_embeddings=scratch.tie_embeddings,
        pad_token_id=tokenizer.pad_token_id,
        eos_token_id=tokenizer.eos_token_id,
        bos_token_id=None,
        attn_implementation=attention,
        use_cache=False,
    )
    with torch.random.fork_rng(devices=()):
        torch.manual_seed(seed)
        return Qwen2ForCausalLM(config)


def add_lora(causal: Any, lora: Lora, *, path: str | None, seed: int) -> Any:
    """The model with a LoRA adapter: the one that lies in `path`, or a new one."""
    from peft import LoraConfig, PeftModel, get_peft_model

    causal.enable_input_require_grads()
    if path is not None and (Path(path) / "adapter_config.json").is_file():
        return PeftModel.from_pretrained(causal, path, is_trainable=True)
    config = LoraConfig(
        r=lora.rank,
        lora_alpha=lora.alpha,
        lora_dropout=lora.dropout,
        target_modules=lora.targets,
        task_type="CAUSAL_LM",
    )
    with torch.random.fork_rng(devices=()):
        torch.manual_seed(seed)
        return get_peft_model(causal, config)


def export(
    policy: PolicyModel,
    tokenizer: Any,
    directory: Path,
    *,
    state: dict[str, Tensor] | None,
    merge: bool = False,
) -> None:
    """Writes a Hugging Face model directory, whole or not at all; a LoRA policy's is its adapter.

    `state` is the whole state dict gathered from all processes (accelerate's `get_state_dict`), or None
    where this process holds all weights. `merge` folds the adapter into the base weights of a copy.
    """
    partial = directory.with_name(directory.name + ".partial")
    shutil.rmtree(partial, ignore_errors=True)
    causal = policy.causal
    if merge and hasattr(causal, "merge_adapter"):
        causal = copy.deepcopy(causal).merge_and_unload()
    weights = None
    if state is not None and causal is policy.causal:
        weights = {name.removeprefix("causal."): value for name, value in state.items()}
    use_cache, policy.language_model.config.use_cache = policy.language_model.config.use_cache, True
    causal.save_pretrained(partial, state_dict=weights)
    policy.language_model.config.use_cache = use_cache
    tokenizer.save_pretrained(partial)
    shutil.rmtree(directory, ignore_errors=True)
    partial.rename(directory)
