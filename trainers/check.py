"""`--check`: shows what would be trained on, and runs one step, without writing anything.

Three conversations of the dataset (of a small built-in sample where the dataset is not there yet) are
tokenized and printed with the trained tokens in green; then one optimizer step of the verb's objective.
"""

from __future__ import annotations

from pathlib import Path

from rich.console import Console

from trainers.batching import Item, split
from trainers.config import Data, Recipe
from trainers.data import Conversation, open_dataset
from trainers.display import coloured
from trainers.errors import TrainerError
from trainers.objective import expert_term, policy_term, step
from trainers.policy import load_policy, load_tokenizer
from trainers.runtime import make_accelerator
from trainers.sft import texts_of, tokenize
from trainers.tokens import TokenBuilder

SAMPLE = Path(__file__).parent / "recipes" / "sample.json"


def check(recipe: Recipe, verb: str) -> int:
    """Prints three rows with their masks and runs one step. Raises TrainerError as a run would."""
    import torch

    console = Console()
    conversations = _conversations(recipe, console)
    tokenizer = load_tokenizer(recipe.model, texts_of(conversations))
    builder = TokenBuilder(tokenizer)
    sequences = tokenize(conversations, builder, max_tokens=recipe.data.max_tokens)[:3]
    for conversation, tokens in zip(conversations, sequences, strict=False):
        console.rule(f"{conversation.id}: {len(tokens)} tokens, {tokens.trained} trained")
        console.print(coloured(tokens, marks=not console.is_terminal), soft_wrap=True, highlight=False)
        if not builder.matches_template(conversation.messages):
            console.print(
                "[yellow]the template's own rendering differs[/] (it rewrites history, or the text spells "
                "a control token); this is what is trained on"
            )
    accelerator = make_accelerator(recipe)
    policy = load_policy(recipe.model, tokenizer, seed=recipe.seed)
    optimizer = torch.optim.SGD((p for p in policy.parameters() if p.requires_grad), lr=1e-3)
    model, prepared = accelerator.prepare(policy, optimizer)
    items = [Item(tokens, advantage=1.0) for tokens in sequences]
    batching = recipe.batching
    batches = split(items, mode=batching.mode, max_tokens=batching.max_tokens, pad_id=tokenizer.pad_token_id)
    if verb == "rl":
        if recipe.rl is None:
            raise TrainerError(f"{recipe.name}: the recipe has no `rl:` section")
        terms = [
            policy_term(batches, weight=0.5, config=recipe.rl),
            expert_term(batches, weight=0.5, weighting=recipe.rl.weighting),
        ]
    else:
        terms = [expert_term(batches, weight=1.0, weighting="mu")]
    result = step(accelerator, model, prepared, terms, max_grad_norm=1.0)
    weights = sum(parameter.numel() for parameter in policy.parameters())
    console.rule("one step")
    console.print(
        f"{weights:,} weights, {result.tokens} tokens, loss {result.metrics['loss']:.4f}, "
        f"gradient norm {result.metrics['grad_norm']:.4f}"
    )
    return 0


def _conversations(recipe: Recipe, console: Console) -> list[Conversation]:
    try:
        return open_dataset(recipe.data).conversations()
    except TrainerError as error:
        console.print(f"[yellow]{error}[/]\nUsing the built-in sample instead.", highlight=False)
        return open_dataset(Data(dataset=str(SAMPLE))).conversations()
