"""What a query is taken to cost while nothing was measured: wide ranges, stated here and nowhere else.

Prompt sizes are counted on the real templates and workflows; how long models talk, how many turns they
take and how often they agree is drawn anew for each scenario. `plan --measure N` replaces all of it.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from statistics import fmean

from datamind_gen.models.base import Role
from datamind_gen.prompts.render import Prompts
from datamind_gen.rows import Origin
from datamind_gen.run.forecast import PRIOR_QUERIES, PRIOR_YIELD, Cost, Guess
from datamind_gen.spec.judging import JudgeMethod, Keep
from datamind_gen.spec.pipeline import PipelineSpec
from datamind_gen.stages.matrix import Matrix
from datamind_gen.taxonomy import Taxonomy

CHARS_PER_TOKEN = 4
TURNS = (2, 4, 8)
"""Assistant messages a trajectory: fewest, usual, most."""
REPLY_TOKENS = (80, 250, 900)
"""Of one turn, thoughts included."""
OBSERVATION_TOKENS = (20, 120, 500)
UNDECIDED = (0.1, 0.4, 0.9)
"""The share of queries whose answers only the judge model can compare, where rules go first."""
DISAGREED = (0.1, 0.25, 0.5)
"""The share of queries that reflection takes up again."""
AUTHOR_PROMPT_TOKENS = (1000, 2000, 4000)
STEP_TRIES = (1.0, 1.3, 2.5)
"""Harder questions written for every one that holds."""
JUDGE_PROMPT_TOKENS = (400, 700, 1500)
SECONDS_PER_TOKEN = (0.005, 0.02, 0.06)
FIRST_TOKEN_SECONDS = (0.2, 0.6, 3.0)
TURN_SECONDS = (0.03, 0.1, 0.6)
"""Of code, on one core."""


def assumed_guess(
    spec: PipelineSpec, taxonomy: Taxonomy, prompts: Prompts, matrix: Matrix
) -> Callable[[random.Random], Guess]:
    """Guesses for a pipeline of which nothing was run yet."""
    planned = max(matrix.planned, 1)
    prompt = _prompt_tokens(spec, taxonomy, prompts)
    by_model = dict(matrix.origins).get(Origin.MODEL.value, 0) / planned
    steps = sum((cell.hops - 1) * cell.queries for cell in matrix.cells) / planned
    samples = spec.sample.samples
    again = spec.reflect.samples or samples

    def draw(rng: random.Random) -> Guess:
        turns = min(_between(rng, TURNS), spec.sample.turns)
        reply = min(_between(rng, REPLY_TOKENS), spec.sample.max_tokens)
        seen = min(_between(rng, OBSERVATION_TOKENS), spec.sample.observation_chars / CHARS_PER_TOKEN)
        seconds = _between(rng, SECONDS_PER_TOKEN), _between(rng, FIRST_TOKEN_SECONDS)
        disagreed = _between(rng, DISAGREED) if spec.reflect.rounds else 0.0
        tries = _between(rng, STEP_TRIES)
        written = by_model * (1 + tries * steps)
        executed = by_model * (1 + 2 * tries * steps) if steps else 0.0
        trajectories = samples + disagreed * spec.reflect.rounds * again + executed
        grown = prompt + (turns - 1) / 2 * (reply + seen)
        judged = _judged(spec, rng) * (1 + disagreed * spec.reflect.rounds)
        authored = written + (1 - by_model) * spec.queries.paraphrase
        return Guess(
            success=rng.betavariate(PRIOR_QUERIES * PRIOR_YIELD, PRIOR_QUERIES * (1 - PRIOR_YIELD)),
            kept=samples if spec.judge.keep is Keep.ALL else 1.0,
            costs={
                Role.AUTHOR: _cost(authored, _between(rng, AUTHOR_PROMPT_TOKENS), reply / 2, seconds),
                Role.EXPERT: _cost(trajectories * turns, grown, reply, seconds),
                Role.JUDGE: _cost(judged, _between(rng, JUDGE_PROMPT_TOKENS), reply, seconds),
            },
            turn_seconds=trajectories * turns * _between(rng, TURN_SECONDS),
        )

    return draw


def _prompt_tokens(spec: PipelineSpec, taxonomy: Taxonomy, prompts: Prompts) -> float:
    system = len(prompts.render("system_python", on_error=spec.sample.on_error))
    workflow = fmean(len(category.workflow.python) for category in taxonomy.categories)
    return (system + (workflow if spec.sample.knowledge else 0.0) + 400) / CHARS_PER_TOKEN


def _judged(spec: PipelineSpec, rng: random.Random) -> float:
    if JudgeMethod.MODEL not in spec.judge.methods or spec.sample.samples == 1:
        return 0.0
    return _between(rng, UNDECIDED) if JudgeMethod.RULE in spec.judge.methods else 1.0


def _cost(calls: float, prompt: float, reply: float, seconds: tuple[float, float]) -> Cost:
    a_token, first = seconds
    return Cost(calls, calls * prompt, calls * reply, calls * (first + reply * a_token))


def _between(rng: random.Random, range: tuple[float, float, float]) -> float:
    """Nine in ten draws lie in the range, half below its middle."""
    low, middle, high = (math.log(value) for value in range)
    spread = rng.gauss(0, 1) / 1.645
    return math.exp(middle + spread * (high - middle if spread > 0 else middle - low))
