"""Before a run: what the files allow, what the first wave asks, and what it all comes to."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from datamind_gen.files import FileError, FoundFile, profile_in_limits
from datamind_gen.models.base import Role
from datamind_gen.models.prices import prices_of
from datamind_gen.prompts.render import Prompts
from datamind_gen.rows import Profile
from datamind_gen.run.assumptions import assumed_guess
from datamind_gen.run.folder import RunFolder
from datamind_gen.run.forecast import Course, Forecast, Seat, forecast, measured_guess
from datamind_gen.run.opening import find_files, models_of
from datamind_gen.run.preview import Preview
from datamind_gen.run.waves import FIRST_YIELD
from datamind_gen.spec.judging import Keep
from datamind_gen.spec.loader import LoadedPipeline
from datamind_gen.spec.pipeline import PipelineSpec
from datamind_gen.stages.matrix import Matrix, plan_matrix
from datamind_gen.taxonomy import load_taxonomy


@dataclass(frozen=True, slots=True)
class Plan:
    """What a run would do."""

    pipeline: str
    matrix: Matrix
    unusable: tuple[tuple[str, str], ...]
    """Files that cannot be asked about, and why."""
    forecast: Forecast
    unpriced: tuple[str, ...]
    """Models whose price is unknown."""
    paid: int | None
    """Replies that measuring asked for; None where nothing was measured."""
    found: int | None
    """Replies that measuring found recorded."""


def make_plan(
    loaded: LoadedPipeline,
    folder: RunFolder,
    *,
    limit: int | None,
    preview: Preview | None,
    advance: Callable[[int], None],
) -> Plan:
    """The plan, reckoned from a preview where there is one. Raises run.host.BadInput.

    `advance` is told how many files there are left to read.
    """
    spec = loaded.spec
    taxonomy = load_taxonomy(loaded.taxonomy_folder or spec.taxonomy)
    profiles, unusable = read_profiles(find_files(loaded, folder), spec, advance)
    per_success = spec.sample.samples if spec.judge.keep is Keep.ALL else 1
    matrix = plan_matrix(
        spec, taxonomy, profiles, limit=limit, expected_kept_per_query=FIRST_YIELD * per_success
    )
    room = matrix.planned if matrix.planned < matrix.wanted else len(profiles) * spec.coverage.per_file
    course = Course(
        target=spec.coverage.target,
        waves=spec.coverage.waves,
        planned=matrix.planned,
        most=room if limit is None else min(room, limit),
        cores=spec.run.turns or len(os.sched_getaffinity(0)),
    )
    seats = seats_of(spec)
    measured = len(preview.cases) if preview else 0
    if preview is not None:
        guess = measured_guess(preview)
    else:
        guess = assumed_guess(spec, taxonomy, Prompts(loaded.prompts_folder), matrix)
    reckoned = forecast(guess, seats, course, measured=measured, seed=spec.seed)
    asked = {role.role for role in reckoned.roles if role.calls.high > 0}
    return Plan(
        pipeline=str(loaded.origin),
        matrix=matrix,
        unusable=unusable,
        forecast=reckoned,
        unpriced=tuple(
            sorted({seat.model for role, seat in seats.items() if seat.prices is None and role in asked})
        ),
        paid=preview.replies if preview else None,
        found=preview.found if preview else None,
    )


def read_profiles(
    found: Sequence[FoundFile], spec: PipelineSpec, advance: Callable[[int], None]
) -> tuple[tuple[Profile, ...], tuple[tuple[str, str], ...]]:
    """The profiles of files that can be used, and the other files with the reason."""
    profiles: list[Profile] = []
    unusable: list[tuple[str, str]] = []

    def read(file: FoundFile) -> Profile | FileError:
        try:
            return profile_in_limits(file, spec.read)
        except FileError as error:
            return error

    with ThreadPoolExecutor(len(os.sched_getaffinity(0))) as pool:
        for number, (file, result) in enumerate(zip(found, pool.map(read, found), strict=True)):
            advance(len(found) - number - 1)
            if isinstance(result, FileError):
                unusable.append((file.file.name, f"{result.reason.value}: {result.detail}"))
            else:
                profiles.append(result)
    profiles.sort(key=lambda profile: profile.file.id)
    return tuple(profiles), tuple(sorted(unusable))


def seats_of(spec: PipelineSpec) -> dict[Role, Seat]:
    """The roles' models, with the most that each endpoint takes at once."""
    settings = models_of(spec)
    slots: dict[str, int] = {}
    for entry in settings.values():
        most = entry.concurrency_range[1]
        slots[entry.endpoint] = min(most, slots.get(entry.endpoint, most))
    return {
        role: Seat(
            model=entry.model_name,
            endpoint=entry.endpoint,
            prices=prices_of(entry),
            concurrency=slots[entry.endpoint],
        )
        for role, entry in settings.items()
    }
