"""What a recipe may say: one YAML file for `sft`, `rl` and `evaluate`.

    recipe = load_recipe(Path("trainers/recipes/tiny.yaml"), ["rl.gamma.peak=0.5", "seed=1"])

Every key is typed here and read as a pipeline's keys are: mistakes come all at once, each with its line
and the nearest valid key. `key=value` overrides are parsed as YAML. The resolved recipe is saved in the
run's directory. Nothing here imports torch, so that a mistake is reported at once.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Literal

import yaml
from pydantic import Field, model_validator

from datamind_gen.models.settings import ModelSettings
from datamind_gen.spec.diagnosis import validate_document
from datamind_gen.spec.document import read_document
from datamind_gen.spec.overrides import apply_override
from datamind_gen.spec.problems import Problem, find_nearest, render_problems, sort_problems
from datamind_gen.spec.section import Section
from trainers.errors import TrainerError

RECIPES = Path(__file__).parent / "recipes"

Weighting = Literal["mu", "phi", "is"]
"""How an expert token counts: 1, p(1-p) as CHORD-phi, or p as importance sampling does (paper §4)."""


class Scratch(Section):
    """A small Qwen2 model and a byte-level BPE tokenizer, made on the spot from the dataset's text."""

    vocabulary: Annotated[int, Field(ge=260)] = 1024
    width: Annotated[int, Field(ge=8)] = 192
    layers: Annotated[int, Field(ge=1)] = 4
    heads: Annotated[int, Field(ge=1)] = 4
    tie_embeddings: bool = True

    @model_validator(mode="after")
    def heads_divide_width(self) -> Scratch:
        if self.width % self.heads or (self.width // self.heads) % 2:
            raise ValueError(f"width {self.width} / heads {self.heads} must be an even whole number")
        return self


class Lora(Section):
    rank: Annotated[int, Field(ge=1)] = 16
    alpha: float = 32
    dropout: Annotated[float, Field(ge=0, lt=1)] = 0.0
    targets: str | list[str] = "all-linear"


class Model(Section):
    path: str | None = None
    """A local directory or a Hub id; null makes one from `scratch`."""
    scratch: Scratch | None = None
    chat_template: str | None = None
    """A .jinja file to use in place of the tokenizer's own."""
    precision: Literal["fp32", "bf16", "fp16"] = "bf16"
    """Of the forward pass; weights stay in float32 unless `weights` says otherwise."""
    weights: Literal["float32", "bfloat16", "float16"] = "float32"
    attention: str = "sdpa"
    gradient_checkpointing: bool = False
    head_chunk: Annotated[int, Field(ge=1)] = 1024
    """Tokens whose logits exist at once: bounds memory where the vocabulary is large."""
    lora: Lora | None = None

    @model_validator(mode="after")
    def one_origin(self) -> Model:
        if (self.path is None) == (self.scratch is None):
            raise ValueError("give either `path` (a directory or Hub id) or `scratch` (sizes of a new model)")
        return self


class Data(Section):
    dataset: str
    """RUN/dataset of datamind_gen, a Hub id with the configs `sft` and `rl`, or datamind_12k.json."""
    files: str | None = None
    """The folder that holds `train_files/`; the dataset itself when null."""
    holdout: Annotated[float, Field(ge=0, lt=1)] = 0.0
    """Share of the questions kept for evaluation, chosen by a hash of the question: no row of a
    held-out question is trained on, and the choice does not depend on the order of rows."""
    max_tokens: Annotated[int, Field(ge=8)] = 8192
    """Longer SFT conversations are left out, and counted; they are never cut."""
    max_rows: Annotated[int | None, Field(ge=1)] = None


class Optimizer(Section):
    lr: Annotated[float, Field(gt=0)]
    schedule: Literal["constant", "cosine", "linear"] = "cosine"
    warmup: Annotated[float, Field(ge=0)] = 0.0
    """Below 1 a share of all steps, else a number of steps."""
    weight_decay: Annotated[float, Field(ge=0)] = 0.0
    betas: tuple[float, float] = (0.9, 0.999)
    max_grad_norm: Annotated[float, Field(gt=0)] = 1.0


class Batching(Section):
    mode: Literal["buckets", "packed"] = "buckets"
    max_tokens: Annotated[int, Field(ge=1)] = 8192
    """Tokens of one forward pass on one process, padding included; one longer sequence goes alone."""


class Sft(Section):
    optimizer: Optimizer
    batch_size: Annotated[int, Field(ge=1)] = 16
    """Conversations of one optimizer step, over all processes."""
    epochs: Annotated[float, Field(gt=0)] = 3.0
    weighting: Weighting = "mu"
    max_steps: Annotated[int | None, Field(ge=1)] = None


class Gamma(Section):
    """The weight of the SFT term by step: a cosine from peak to valley after a warm-up (paper §4)."""

    peak: Annotated[float, Field(ge=0, le=1)] = 0.9
    valley: Annotated[float, Field(ge=0, le=1)] = 0.05
    warmup: Annotated[int, Field(ge=0)] = 0
    decay: Annotated[int, Field(ge=0)] = 350


class Experts(Section):
    """Where the SFT term's conversations come from."""

    source: Literal["same_prompt", "buffer"] = "same_prompt"
    """`same_prompt`: the expert trajectory of each prompt in the step (the paper); `buffer`: an
    independent stream of `per_step` conversations (CHORD)."""
    per_step: Annotated[int, Field(ge=1)] = 16
    filtered_groups: bool = True
    """Whether groups that dynamic sampling drops still give their SFT loss: the paper says so, its
    code does not."""


class Sampling(Section):
    temperature: Annotated[float, Field(ge=0)] = 0.7
    """0 takes the likeliest token; training needs more."""
    top_p: Annotated[float, Field(gt=0, le=1)] = 1.0


class Limits(Section):
    max_turns: Annotated[int, Field(ge=1)] = 10
    prompt_tokens: Annotated[int, Field(ge=1)] = 2048
    response_tokens: Annotated[int, Field(ge=1)] = 8192
    """Everything after the prompt, observations included."""
    observation_chars: Annotated[int, Field(ge=64)] | None = None
    """Characters of a turn's output that the policy sees. Null: as many as the dataset's experts saw, because
    a policy that learnt from short observations is lost before long ones."""
    turn_seconds: Annotated[float, Field(gt=0)] = 20.0
    episode_seconds: Annotated[float, Field(gt=0)] = 600.0


class Overlong(Section):
    """DAPO's soft penalty: nothing below `response_tokens - buffer`, then linear down to `-factor`."""

    buffer: Annotated[int, Field(ge=1)]
    factor: Annotated[float, Field(ge=0)] = 1.0


class Rewards(Section):
    tolerance: Annotated[float, Field(ge=0)] = 0.03
    """Relative, for numbers."""
    length_from: int = 256
    length_to: int = 1024
    """Characters of a right answer: reward 1 up to the first, falling to 0.5 at the second."""
    wrong_format: float = -0.1
    overlong: Overlong | None = None
    judge: ModelSettings | None = None
    """Settles what the references cannot, such as answers in prose; written as in a pipeline."""


class Engine(Section):
    kind: Literal["hf", "vllm"] = "hf"
    max_batch: Annotated[int, Field(ge=1)] = 64
    """hf: sequences decoded together."""
    url: str | None = None
    """vllm: the server, such as http://127.0.0.1:8000 (see docs/training.md for its flags)."""
    served_model: str | None = None
    sync_dir: str | None = None
    """vllm: a directory that the trainer and the server both see; weights travel through it."""
    timeout_s: Annotated[float, Field(gt=0)] = 600.0
    probe_tolerance: Annotated[float, Field(gt=0)] = 0.1
    """How far (mean |nats| a token) the engine's log-probabilities may be from the trainer's."""

    @model_validator(mode="after")
    def vllm_is_complete(self) -> Engine:
        if self.kind == "vllm" and not (self.url and self.served_model):
            raise ValueError("engine `vllm` needs `url` and `served_model`")
        return self


class Episodes(Section):
    """How a policy tries tasks: in training as in evaluation."""

    sampling: Sampling = Sampling()
    limits: Limits = Limits()
    rewards: Rewards = Rewards()
    engine: Engine = Engine()
    concurrency: Annotated[int, Field(ge=1)] = 64
    """Episodes that run at once on a process."""


class Rl(Episodes):
    start: str | None = None
    """Weights to start from; null takes the SFT run of the same recipe."""
    optimizer: Optimizer
    max_steps: Annotated[int, Field(ge=1)] = 350
    group_size: Annotated[int, Field(ge=2)] = 4
    prompts_per_step: Annotated[int, Field(ge=1)] = 16
    """Groups that a step trains on."""
    prompts_per_generation: Annotated[int, Field(ge=1)] = 32
    max_generations: Annotated[int, Field(ge=1)] = 10
    """Generation batches tried for one step; then it trains on the groups there are."""
    updates_per_step: Annotated[int, Field(ge=1)] = 8
    gamma: Gamma = Gamma()
    weighting: Weighting = "mu"
    experts: Experts = Experts()
    clip_low: Annotated[float, Field(gt=0)] = 0.2
    clip_high: Annotated[float, Field(gt=0)] = 0.28
    dual_clip: Annotated[float, Field(gt=1)] = 10.0
    scale_rewards: Literal["group", "none"] = "group"
    mask_void: bool = True
    """Whether a trajectory with a void turn is left out of the loss."""
    void_in_statistics: bool = True
    """Whether it still enters its group's mean and deviation."""
    dynamic_sampling: bool = True
    """Whether groups whose rewards do not differ are replaced by others."""
    importance_cap: Annotated[float, Field(gt=0)] | None = None
    """Weigh a token by min(trainer / engine probability, cap), where the engine's numerics differ."""
    eval_every: Annotated[int | None, Field(ge=1)] = 20

    @model_validator(mode="after")
    def can_train(self) -> Rl:
        if self.sampling.temperature == 0:
            raise ValueError("sampling.temperature must be above 0: equal rollouts teach nothing")
        if self.engine.kind == "vllm" and self.engine.sync_dir is None:
            raise ValueError("engine.sync_dir: give a directory that trainer and vLLM server both see")
        if self.sampling.top_p < 1 and self.importance_cap is not None:
            raise ValueError("importance_cap needs sampling.top_p 1: engines score tokens before it cuts")
        return self


class Evaluate(Episodes):
    model: str | None = None
    """A checkpoint; null takes the last RL run's model, or else the SFT run's."""
    endpoint: ModelSettings | None = None
    """A chat model to evaluate in place of a checkpoint; written as in a pipeline."""
    benchmark: Literal["holdout", "dabench", "tablebench", "bird", "qrdata"] = "holdout"
    path: str | None = None
    """The benchmark's local copy."""
    samples: Annotated[int, Field(ge=1)] = 3
    """k: pass@1 is the mean over k runs, pass@k their union (paper, appendix D)."""
    max_tasks: Annotated[int | None, Field(ge=1)] = None
    sampling: Sampling = Sampling(temperature=0.7, top_p=0.95)


class Checkpoints(Section):
    every: Annotated[int, Field(ge=1)] = 100
    keep_last: Annotated[int, Field(ge=1)] = 2
    resume: Literal["auto", "never"] = "auto"


class Tracking(Section):
    trackers: tuple[Literal["jsonl", "tensorboard", "wandb", "trackio"], ...] = ("jsonl",)
    project: str = "datamind"
    peak_tflops: Annotated[float | None, Field(gt=0)] = None
    """Of one device, at the precision in use: gives model FLOPs utilisation."""


class Recipe(Section):
    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")]
    out: str | None = None
    """The run's directory; runs/training/NAME when null."""
    seed: int = 0
    processes: Annotated[int | None, Field(ge=1)] = None
    """How many processes the recipe is meant for; another number is an error."""
    device: Literal["auto", "cpu"] = "auto"
    max_seconds: Annotated[float | None, Field(gt=0)] = None
    """Stop and save after this long; the same command goes on later."""
    hub_model_id: str | None = None
    """Push the final model there."""
    model: Model
    data: Data
    batching: Batching = Batching()
    sft: Sft | None = None
    rl: Rl | None = None
    evaluate: Evaluate = Evaluate()
    checkpoints: Checkpoints = Checkpoints()
    tracking: Tracking = Tracking()

    @property
    def directory(self) -> Path:
        return Path(self.out) if self.out else Path("runs") / "training" / self.name

    def save(self, directory: Path) -> None:
        """Writes the resolved recipe as YAML, for the record and for a rerun."""
        directory.mkdir(parents=True, exist_ok=True)
        text = yaml.safe_dump(self.model_dump(mode="json"), sort_keys=False, allow_unicode=True)
        (directory / "recipe.yaml").write_text(text, encoding="utf-8")


def load_recipe(path: Path, overrides: Sequence[str] = ()) -> Recipe:
    """The recipe of a YAML file, or a shipped one by name, with `key=value` overrides.

    Raises TrainerError naming every mistake.
    """
    document = read_document(_find(path))
    root, problems = document.root, list(document.problems)
    if root is None:
        raise TrainerError(render_problems(problems).plain)
    for override in overrides:
        changed = apply_override(root, override, option="")
        if isinstance(changed, Problem):
            problems.append(changed)
        else:
            root = changed
    recipe, mistakes, _ = validate_document(Recipe, root)
    problems += mistakes
    if problems:
        raise TrainerError(render_problems(sort_problems(problems)).plain)
    assert isinstance(recipe, Recipe)
    return recipe


def _find(path: Path) -> Path:
    shipped = {recipe.stem: recipe for recipe in sorted(RECIPES.glob("*.yaml"))}
    if not path.is_file() and str(path) not in shipped:
        near = find_nearest(path.stem, shipped)
        raise TrainerError(
            f"{path}: no such recipe{f'; did you mean `{near}`?' if near else ''}; give a file, or a shipped "
            f"one's name: {', '.join(shipped)}"
        )
    return path if path.is_file() else shipped[str(path)]
