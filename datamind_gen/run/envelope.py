"""The envelope: how a row travels between stages. One fixed schema of text, whatever is inside.

Rows that were rejected or failed travel on with their status, so that nothing disappears on the way;
only `payload` changes its meaning from stage to stage (see `run/flow.py` for what each one takes).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from datamind_gen.rows import Reason, Stage, Status

COLUMNS = ("id", "file", "wave", "stage", "status", "reason", "detail", "payload")


@dataclass(frozen=True, slots=True)
class Envelope:
    id: str
    file: str
    """The id of the data file that the row is about."""
    wave: int
    stage: Stage
    """The stage that last said something of the row."""
    status: Status
    reason: Reason | None = None
    detail: str = ""
    payload: str = ""
    """JSON text of the row."""

    @property
    def kept(self) -> bool:
        return self.status is Status.KEPT

    def ended(
        self,
        *,
        id: str,
        stage: Stage,
        status: Status,
        reason: Reason | None,
        detail: str,
        payload: str,
    ) -> Envelope:
        """The row as a stage leaves it."""
        return replace(self, id=id, stage=stage, status=status, reason=reason, detail=detail, payload=payload)

    def to_wire(self) -> dict[str, str]:
        """A flat row of text, as distilabel carries it."""
        return {
            "id": self.id,
            "file": self.file,
            "wave": str(self.wave),
            "stage": self.stage.value,
            "status": self.status.value,
            "reason": self.reason.value if self.reason else "",
            "detail": self.detail,
            "payload": self.payload,
        }

    @classmethod
    def from_wire(cls, row: dict[str, str]) -> Envelope:
        return cls(
            id=row["id"],
            file=row["file"],
            wave=int(row["wave"]),
            stage=Stage(row["stage"]),
            status=Status(row["status"]),
            reason=Reason(row["reason"]) if row["reason"] else None,
            detail=row["detail"],
            payload=row["payload"],
        )
