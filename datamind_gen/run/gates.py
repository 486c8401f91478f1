"""Where rows wait for each other: decisions that need a whole set, not one row.

Two sets are complete before all rows are: the profiles of all files, on which a wave's plan rests, and
one file's composed questions of one wave, among which near duplicates are looked for. Nothing here
depends on the order in which rows arrive.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict

from datamind_gen.rows import Profile
from datamind_gen.run.envelope import Envelope
from datamind_gen.run.stopping import Draining


class ProfileGate:
    """Opens when every file has been profiled, or rejected on the way."""

    def __init__(self) -> None:
        self.profiles: dict[str, Profile] = {}
        """By file id, kept ones only."""
        self._expected: int | None = None
        self._settled: set[str] = set()
        self._open = asyncio.Event()
        self._abandoned = False

    def expect(self, files: int) -> None:
        self._expected = files
        self._check()

    def settle(self, file: str, profile: Profile | None) -> None:
        self._settled.add(file)
        if profile is not None:
            self.profiles[file] = profile
        self._check()

    async def wait(self) -> None:
        """Raises Draining when a stop left a file undone."""
        await self._open.wait()
        if self._abandoned:
            raise Draining

    def abandon(self) -> None:
        """A stop left a file undone: nobody need wait."""
        self._abandoned = True
        self._open.set()

    def _check(self) -> None:
        if self._expected is not None and len(self._settled) >= self._expected:
            self._open.set()


class FileGate:
    """Opens for one file and wave when all its composed questions are there."""

    def __init__(self) -> None:
        self._expected: dict[tuple[int, str], int] = {}
        self._arrived: dict[tuple[int, str], dict[str, Envelope]] = defaultdict(dict)
        self._open: dict[tuple[int, str], asyncio.Event] = defaultdict(asyncio.Event)
        self._abandoned: set[tuple[int, str]] = set()

    def expect(self, wave: int, file: str, questions: int) -> None:
        """Says how many will come. Said again, the set starts anew."""
        self._expected[wave, file] = questions
        self._arrived.pop((wave, file), None)
        self._open.pop((wave, file), None)

    async def arrive(self, envelope: Envelope) -> list[Envelope]:
        """Waits for the set to be complete, and gives it back, sorted by id.

        Raises Draining when a stop left one of the set undone.
        """
        place = (envelope.wave, envelope.file)
        self._arrived[place][envelope.id] = envelope
        if len(self._arrived[place]) >= self._expected[place]:
            self._open[place].set()
        await self._open[place].wait()
        if place in self._abandoned:
            raise Draining
        return [self._arrived[place][key] for key in sorted(self._arrived[place])]

    def abandon(self, wave: int, file: str) -> None:
        """A stop left one of the set undone: nobody need wait for the rest."""
        self._abandoned.add((wave, file))
        self._open[wave, file].set()

    def leave(self, wave: int, file: str) -> None:
        """Forgets a set that was dealt with."""
        self._arrived.pop((wave, file), None)
