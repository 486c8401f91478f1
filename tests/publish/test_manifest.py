"""What a run took, over all its starts."""

from __future__ import annotations

from dataclasses import replace

from datamind_gen.publish.manifest import Tick
from tests.publish.samples import make_manifest


def test_a_start_that_finds_all_done_adds_only_its_time() -> None:
    first = replace(make_manifest(), wall_s=86.0, throughput=(Tick(1.0, 5, 0, 10), Tick(60.0, 90, 40, 900)))
    idle = tuple(replace(use, calls=0, prompt_tokens=0, completion_tokens=0, usd=0.0) for use in first.usage)
    second = replace(first, wall_s=18.0, usage=idle, throughput=(Tick(2.0, 50, 20), Tick(9.0, 90, 40)))
    both = second.after(first)
    assert both.wall_s == 104.0
    assert both.throughput == first.throughput
    for before, after in zip(first.usage, both.usage, strict=True):
        assert (after.calls, after.prompt_tokens, after.limit) == (
            before.calls, before.prompt_tokens, before.limit,
        )  # fmt: skip


def test_a_start_that_goes_on_continues_the_course_of_the_one_before() -> None:
    first = replace(make_manifest(), wall_s=60.0, throughput=(Tick(50.0, 90, 40, 900),))
    second = replace(first, wall_s=30.0, throughput=(Tick(5.0, 80, 30), Tick(20.0, 120, 60, 100)))
    both = second.after(first)
    assert both.throughput == (Tick(50.0, 90, 40, 900), Tick(80.0, 120, 60, 1000))
    assert both.usage[0].calls == 2 * first.usage[0].calls
