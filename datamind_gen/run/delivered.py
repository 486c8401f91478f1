"""The rows at the end of the graph: where they are in memory, what they hold on disk."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path

from datamind_gen.ledger.shelf import Shelf
from datamind_gen.rows import Candidate, Stage, decode
from datamind_gen.run.envelope import Envelope

Key = tuple[str, Stage]
"""A row and the stage that last said something of it."""


class Delivered:
    """Rows by key; of a key that comes again, the last."""

    def __init__(self, folder: Path) -> None:
        self._shelf = Shelf(folder)
        self._places: dict[tuple[int, str], dict[Key, int]] = defaultdict(dict)
        """By wave and file, which salvage forgets as one."""

    def put(self, envelope: Envelope) -> None:
        place = self._shelf.put(json.dumps(envelope.to_wire()))
        self._places[envelope.wave, envelope.file][envelope.id, envelope.stage] = place

    def forget(self, wave: int, file: str) -> None:
        """These rows go through again."""
        self._places.pop((wave, file), None)

    def values(self) -> Iterator[Envelope]:
        return map(self.at, self.places())

    def places(self) -> Iterable[int]:
        """A number for each row, by which `at` finds it."""
        return (place for found in self._places.values() for place in found.values())

    def candidate_at(self, place: int) -> Candidate:
        """The candidate that a row there is, as the filter keeps it."""
        return decode(Candidate, self.at(place).payload)

    def at(self, place: int) -> Envelope:
        return Envelope.from_wire(json.loads(self._shelf.get(place)))
