"""The report's reader shows cases: a query with all its trajectories, or a row that never became a query.

A case is plain JSON for the page. Its head goes into the index that the page lists, searches and filters;
its body (trajectories, hops, lineage) is looked up when somebody opens it. What a payload holds is told
by its keys, since each stage rejects another kind of row.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from datamind_gen.agent.protocol import parse

Plain = dict[str, Any]
"""JSON for the page."""

_FILE = re.compile(r"data/files/([^'\n]+)'")


@dataclass(slots=True)
class Case:
    """One entry of the reader, while its rows come together."""

    id: str
    question: str = ""
    facts: Plain = field(default_factory=dict)
    """category, level, format, file, hops (count), origin, verified, answer_type, reference."""
    hops: list[Plain] = field(default_factory=list)
    verdicts: list[Plain] = field(default_factory=list)
    trajectories: dict[str, Plain] = field(default_factory=dict)
    ends: list[Plain] = field(default_factory=list)
    """How rows of it ended: stage, status, reason, detail."""
    lineage: Plain | None = None
    rest: Plain | None = None
    """The payload of a row that is neither a query nor a trajectory."""

    def head(self) -> Plain:
        """What the index holds."""
        ends = {(end["stage"], end["status"], end["reason"]) for end in self.ends}
        answers = [found["answer"] for found in self.trajectories.values() if found["status"] == "kept"]
        return {
            "id": self.id,
            "question": self.question[:400],
            "answer": (answers[0] or "")[:120] if answers else "",
            "turns": max((len(found["turns"]) for found in self.trajectories.values()), default=0),
            "samples": len(self.trajectories),
            "ends": sorted([stage, status, reason or ""] for stage, status, reason in ends),
            **{
                key: self.facts.get(key)
                for key in ("category", "level", "format", "file", "hops", "origin", "verified")
            },
        }

    def body(self) -> Plain:
        """What opening it shows."""
        order = {"kept": 0, "rejected": 1, "failed": 2}
        return {
            "question": self.question,
            "facts": self.facts,
            "hops": self.hops,
            "verdicts": self.verdicts,
            "trajectories": sorted(
                self.trajectories.values(),
                key=lambda found: (order[found["status"]], found["round"], found["sample"]),
            ),
            "ends": self.ends,
            "lineage": self.lineage,
            "rest": self.rest,
        }


def case_id(row: Plain, payload: Plain | None = None) -> str:
    """The case that an `sft` row (by its lineage) or a rejected row (by its payload) belongs to."""
    if payload is None:
        return str(row["lineage"]["query"]["id"])
    query = payload.get("query") if isinstance(payload.get("query"), dict) else payload
    assert isinstance(query, dict)
    return str(query["id"]) if "hops" in query and "id" in query else str(row["id"])


def add_kept(case: Case, row: Plain) -> None:
    """Takes a row of `sft`; its lineage is parsed already."""
    lineage = row["lineage"]
    query, about = lineage["query"], lineage["trajectory"]
    case.question = row["question"]
    case.facts |= {
        "category": row["category"],
        "level": row["level"],
        "format": row["format"],
        "file": ", ".join(file["name"] for file in lineage["files"]),
        "hops": row["hops"],
        "origin": row["origin"],
        "verified": row["verified"],
        "answer_type": query["answer_type"],
        "reference": query["reference"]["text"] if query["reference"] else None,
    }
    case.hops = [_hop(hop) for hop in query["hops"]]
    case.lineage = lineage
    case.verdicts = case.verdicts or [lineage["verdict"]]
    case.ends.append({"stage": "publish", "status": "kept", "reason": None, "detail": ""})
    messages = row["messages"]
    turns = _turns(messages[2:], about["turns"])
    case.trajectories[about["id"]] = {
        "id": about["id"],
        "row": row["id"],
        "status": "kept",
        "stage": "publish",
        "reason": None,
        "detail": "",
        "prompt": messages[:2],
        "turns": turns,
        "answer": row["answer"],
        "stop": about["stop"],
        "sample": about["sample"],
        "round": about["round"],
        "model": about["served_model"] or about["model"],
        "planted": (lineage.get("planted") or {}).get("faults") or [],
    }


def add_dropped(case: Case, row: Plain, payload: Plain, file_names: dict[str, str]) -> None:
    """Takes a row of `rejected`, whatever kind its payload is."""
    end = {key: row[key] for key in ("stage", "status", "reason", "detail")}
    case.ends.append(end)
    query = payload.get("query") if isinstance(payload.get("query"), dict) else payload
    assert isinstance(query, dict)
    if "hops" not in query or "question" not in query:
        case.question = case.question or _name_of(payload) or row["id"]
        case.facts.setdefault("file", _name_of(payload))
        case.facts.setdefault("format", payload.get("format") or (payload.get("file") or {}).get("format"))
        case.rest = payload
        return
    found = payload.get("trajectories") or ([payload["trajectory"]] if "trajectory" in payload else [])
    if not case.question:
        case.question = query["question"]
        case.facts |= {key: query.get(key) for key in ("category", "level", "origin", "answer_type")}
        case.facts |= {
            "hops": len(query["hops"]),
            "verified": False,
            "reference": (query.get("reference") or {}).get("text"),
            "file": file_names.get(str(query.get("file_id"))) or _file_of(found),
        }
        case.hops = [_hop(hop) for hop in query["hops"]]
    verdicts = payload.get("verdicts") or ([payload["verdict"]] if "verdict" in payload else [])
    if verdicts and "reasoning" in verdicts[-1]:
        case.verdicts = verdicts
    for trajectory in found:
        if case.trajectories.get(trajectory["id"], {}).get("status") != "kept":
            case.trajectories[trajectory["id"]] = _dropped_trajectory(trajectory, row["id"], end)


def _dropped_trajectory(trajectory: Plain, row_id: str, end: Plain) -> Plain:
    turns = []
    for turn in trajectory["turns"]:
        said = _turn(turn["text"])
        turns.append(said | {"observation": turn["observation"], "status": turn["status"]})
    return {
        "id": trajectory["id"],
        "row": row_id,
        **end,
        "prompt": trajectory["prompt"],
        "turns": turns,
        "answer": trajectory["answer"],
        "stop": trajectory["stop"],
        "sample": trajectory["sample"],
        "round": trajectory["round"],
        "model": trajectory.get("served_model") or trajectory.get("model", ""),
        "planted": trajectory.get("faults") or [],
    }


def _turns(messages: list[Plain], about: list[Plain]) -> list[Plain]:
    turns: list[Plain] = []
    for message in messages:
        if message["role"] == "assistant":
            status = about[len(turns)]["status"] if len(turns) < len(about) else None
            turns.append(_turn(message["content"]) | {"observation": None, "status": status})
        elif turns:
            turns[-1]["observation"] = message["content"]
    return turns


def _turn(text: str) -> Plain:
    """A message told apart; whole where the grammar says that something stands outside its tags."""
    parsed = parse(text)
    return {
        "thought": parsed.thought,
        "code": parsed.code,
        "answer": parsed.answer,
        "text": text if parsed.problems else None,
        "problems": [problem.value for problem in parsed.problems],
    }


def _hop(hop: Plain) -> Plain:
    reference = hop.get("reference")
    return {
        "category": hop["category"],
        "question": hop["question"],
        "program": hop["program"],
        "slots": {slot["name"]: _slot(slot) for slot in hop["slots"]},
        "wiring": hop["wiring"],
        "answer": reference["text"] if reference else None,
    }


def _slot(slot: Plain) -> str:
    if slot["wired"] is not None:
        return f"answer of step {slot['wired'] + 1}"
    if slot["column"] is not None:
        return f"{slot['table']}.{slot['column']}" if slot["table"] else str(slot["column"])
    return json.dumps(slot["value"], ensure_ascii=False)


def _name_of(payload: Plain) -> str | None:
    file = payload.get("file") if isinstance(payload.get("file"), dict) else payload
    assert isinstance(file, dict)
    return file.get("name")


def _file_of(trajectories: Iterable[Plain]) -> str | None:
    for trajectory in trajectories:
        for message in trajectory["prompt"]:
            if found := _FILE.search(message["content"]):
                return found[1]
    return None


def finite(value: Any) -> Any:
    """JSON that a browser reads: NaN and infinities as text."""
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    if isinstance(value, dict):
        return {key: finite(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [finite(inner) for inner in value]
    return value


def parse_payload(text: str) -> Plain:
    """A rejected row's payload, as an object."""
    plain = json.loads(text) if text else {}
    return plain if isinstance(plain, dict) else {"payload": plain}
