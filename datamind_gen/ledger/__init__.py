"""What is done, durably: append-only segments that survive kill -9, and the funnel they add up to."""

from datamind_gen.ledger.ledger import Ledger, LedgerLocked
from datamind_gen.ledger.segment import RecordKind

__all__ = ["Ledger", "LedgerLocked", "RecordKind"]
