"""Duplicates: the same question about the same file, asked twice in nearly the same words.

Near duplicates are found by MinHash over character n-grams, then checked by their true Jaccard similarity;
questions that differ in a number, a quoted value or a name with a digit are never duplicates. Of each group
the first by id stays. Trajectories of one query are duplicates only if their texts are equal.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Literal

from datasketch import MinHash, MinHashLSH
from pydantic import Field

from datamind_gen.rows import Candidate, Reason, hash_text
from datamind_gen.rules.base import RuleFinding, RuleParams, SetRule

_SPACES = re.compile(r"[\W_]+")
_LITERAL = re.compile(r"\w*\d[\w.,%-]*|'[^']*'|\"[^\"]*\"|`[^`]*`")


class DuplicatesRule(SetRule):
    """A pure function of the whole, sorted set."""

    name = "duplicates"
    reason = Reason.DUPLICATE

    class Params(RuleParams):
        threshold: float = Field(0.85, gt=0, le=1)
        """Jaccard similarity of the questions' character 5-grams from which they are the same."""
        scope: Literal["file", "all"] = "file"
        """Whether questions about different files can be duplicates."""
        permutations: int = Field(128, ge=16)

    params: Params

    def check_all(self, candidates: Sequence[Candidate]) -> dict[str, RuleFinding]:
        findings: dict[str, RuleFinding] = {}
        texts: dict[str, str] = {}
        queries: dict[str, Candidate] = {}
        for candidate in sorted(candidates, key=lambda one: one.id):
            text = hash_text(candidate.query.id, *(turn.text for turn in candidate.trajectory.turns))
            if text in texts:
                findings[candidate.id] = RuleFinding(f"the same trajectory as {texts[text]}")
            texts.setdefault(text, candidate.id)
            queries.setdefault(candidate.query.id, candidate)
        doubles = self._find_doubles(list(queries.values()))
        for candidate in candidates:
            if candidate.query.id in doubles:
                findings[candidate.id] = RuleFinding(doubles[candidate.query.id])
        return findings

    def _find_doubles(self, firsts: Sequence[Candidate]) -> dict[str, str]:
        """For each query that repeats an earlier one, of which."""
        # the index is only a net: below the threshold, so that what it misses is far from it
        index = MinHashLSH(threshold=0.75 * self.params.threshold, num_perm=self.params.permutations)
        kept: dict[str, tuple[frozenset[str], Candidate]] = {}
        doubles: dict[str, str] = {}
        for candidate in sorted(firsts, key=lambda one: one.query.id):
            query = candidate.query
            grams = _grams(query.question)
            sketch = MinHash(num_perm=self.params.permutations, seed=1)
            sketch.update_batch([gram.encode() for gram in sorted(grams)])
            for other in sorted(index.query(sketch)):
                grams_there, original = kept[other]
                similarity = len(grams & grams_there) / len(grams | grams_there)
                if similarity >= self.params.threshold and self._is_same(query.question, candidate, original):
                    doubles[query.id] = f"{similarity:.0%} the question of {other}"
                    break
            else:
                kept[query.id] = (grams, candidate)
                index.insert(query.id, sketch)
        return doubles

    def _is_same(self, question: str, candidate: Candidate, original: Candidate) -> bool:
        if self.params.scope == "file" and candidate.query.file_id != original.query.file_id:
            return False
        return sorted(_LITERAL.findall(question)) == sorted(_LITERAL.findall(original.query.question))


def _grams(text: str, size: int = 5) -> frozenset[str]:
    plain = _SPACES.sub(" ", text.lower()).strip()
    return frozenset(plain[i : i + size] for i in range(max(1, len(plain) - size + 1)))
