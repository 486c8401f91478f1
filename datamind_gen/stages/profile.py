"""Profile: what is in the file, and does the code of its read plan really load it in the sandbox?"""

from __future__ import annotations

from collections.abc import Sequence

from datamind_gen.rows import DataFile, Profile, Reason, Stage, hash_text
from datamind_gen.sandbox import TurnStatus
from datamind_gen.spec.pipeline import PipelineSpec
from datamind_gen.stages.base import Outcome, Services, failed, kept, rejected
from datamind_gen.stages.read import load_profile

CHECK = "\n".join(
    [
        "{plan}",
        "assert len(df) == {rows}, f'the plan loads {{len(df)}} rows'",
        "assert len(df.columns) == {columns}, f'the plan loads {{len(df.columns)}} columns'",
    ]
)


class ProfileStage:
    """File -> profile. Each table's loading code is run where the expert's code will run."""

    name = Stage.PROFILE
    version = 4
    unit = "file"

    def settings(self, spec: PipelineSpec) -> str:
        return spec.read.model_dump_json()

    def templates(self) -> tuple[str, ...]:
        return ()

    async def run(self, row: DataFile, services: Services) -> Sequence[Outcome[Profile]]:
        profile = await load_profile(row, services)
        if isinstance(profile, Outcome):
            return [Outcome(row.id, profile.status, None, profile.reason, profile.detail)]
        wrong = await check_plans(profile, services)
        if wrong is not None:
            return [wrong]
        return [kept(row.id, profile)]


async def check_plans(profile: Profile, services: Services) -> Outcome[Profile] | None:
    """Runs each table's loading code in a session of its own; None when all load what was profiled."""
    if profile.file.format.is_database:
        return None
    session = await services.sandbox.open(services.paths(profile.file.id), seed=hash_text("plan", profile.id))
    try:
        for table in profile.tables:
            code = CHECK.format(plan=table.plan.pandas, rows=table.rows, columns=table.column_count)
            result = await session.run(code)
            if result.status is TurnStatus.SANDBOX_FAILED:
                detail = result.error or "the sandbox failed"
                return failed(profile.file.id, Reason.SANDBOX, detail, profile, retryable=True)
            if not result.ok:
                last = (result.error or "").strip().rsplit("\n", 1)[-1]
                detail = f"table {table.name}: its read plan does not load it: {last}"
                return rejected(profile.file.id, Reason.LOW_CONFIDENCE, detail, profile)
    finally:
        await session.close()
    return None
