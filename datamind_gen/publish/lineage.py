"""The lineage of a published trajectory: where each part of it came from, as canonical JSON.

It holds what is needed to make the row again or to check it, and nothing that depends on when or where
it was made: no time, path, process id, memory figure, endpoint or run name.
"""

from __future__ import annotations

import json
from collections.abc import Sequence

from datamind_gen import __version__
from datamind_gen.publish.finished import Finished
from datamind_gen.publish.train_files import TrainFile
from datamind_gen.rows import Candidate, Query, Trajectory, Usage, Verdict, dump_json, encode


def lineage_json(candidate: Candidate, files: Sequence[TrainFile], finished: Finished) -> str:
    """The lineage column of one row."""
    query, trajectory = candidate.query, candidate.trajectory
    return dump_json(
        {
            "generator": f"datamind_gen {__version__}",
            "files": [
                {
                    "name": file.name,
                    "path": file.path,
                    "sha256": file.part.sha256,
                    "size": file.part.size,
                    "source": file.source,
                    "license": file.license,
                }
                for file in files
            ],
            "query": _query(query),
            "templates": dict(finished.templates),
            "models": {
                use.role: {"provider": use.provider, "model": use.model, "served": use.served}
                for use in finished.models
            },
            "trajectory": _trajectory(trajectory, candidate.isolation),
            "verdict": _verdict(candidate.verdict),
            "planted": _planted(query, trajectory),
            "run_seed": finished.seed,
        }
    )


def _query(query: Query) -> dict[str, object]:
    return {
        "id": query.id,
        "file_id": query.file_id,
        "category": query.category,
        "tables": list(query.tables),
        "parents": list(query.parents),
        "hops": [json.loads(encode(hop)) for hop in query.hops],
        "template": query.template,
        "wave": query.wave,
        "answer_type": query.answer_type,
        "reference": json.loads(encode(query.reference)) if query.reference else None,
    }


def _trajectory(trajectory: Trajectory, isolation: str) -> dict[str, object]:
    return {
        "id": trajectory.id,
        "model": trajectory.model,
        "served_model": trajectory.served_model,
        "sampling": dict(trajectory.sampling),
        "seed": trajectory.seed,
        "sample": trajectory.sample,
        "round": trajectory.round,
        "stop": trajectory.stop,
        "turns": [
            {"status": turn.status, "finish_reason": turn.finish_reason, "stdout_cut": turn.stdout_cut}
            for turn in trajectory.turns
        ],
        "usage": {
            "prompt_tokens": _total([turn.usage for turn in trajectory.turns], "prompt_tokens"),
            "completion_tokens": _total([turn.usage for turn in trajectory.turns], "completion_tokens"),
        },
        "isolation": trajectory.isolation or isolation,
    }


def _total(usages: Sequence[Usage], count: str) -> int | None:
    """The sum, or None when the provider left out any part of it."""
    counts = [getattr(usage, count) for usage in usages]
    return None if None in counts else sum(counts)


def _verdict(verdict: Verdict) -> dict[str, object]:
    return {
        "method": verdict.method,
        "agree": verdict.agree,
        "agreeing": len(verdict.agreeing),
        "margin": verdict.margin,
        "round": verdict.round,
    }


def _planted(query: Query, trajectory: Trajectory) -> dict[str, object] | None:
    """What the scripted model got wrong on purpose: the truth that audits measure filters with."""
    if not trajectory.faults and query.misread is None:
        return None
    return {"faults": list(trajectory.faults), "misread": query.misread}
