"""Duplicates: the same question about the same file, asked twice in nearly the same words.

Near duplicates are found by MinHash over character n-grams, then checked by their true Jaccard similarity;
questions that differ in a number, a quoted value or a name with a digit are never duplicates. Of each group
the first by id stays. Trajectories of one query are duplicates only if their texts are equal.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
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
        texts: dict[bytes, str] = {}
        query_of: dict[str, str] = {}
        groups: dict[str, dict[str, str]] = defaultdict(dict)
        for candidate in candidates:
            query = candidate.query
            text = bytes.fromhex(hash_text(query.id, *(turn.text for turn in candidate.trajectory.turns)))
            if text in texts:
                findings[candidate.id] = RuleFinding(f"the same trajectory as {texts[text]}")
            texts.setdefault(text, candidate.id)
            query_of[candidate.id] = query.id
            groups[query.file_id if self.params.scope == "file" else ""].setdefault(query.id, query.question)
        doubles: dict[str, str] = {}
        for questions in groups.values():
            doubles |= self._find_doubles(questions)
        for id, query_id in query_of.items():
            if query_id in doubles:
                findings[id] = RuleFinding(doubles[query_id])
        return findings

    def _find_doubles(self, questions: Mapping[str, str]) -> dict[str, str]:
        """For each query that repeats an earlier one, of which. `questions` by the queries' ids."""
        # the index is only a net: below the threshold, so that what it misses is far from it
        index = MinHashLSH(threshold=0.75 * self.params.threshold, num_perm=self.params.permutations)
        # drawing the permutations costs more than all the rest: once for all
        permutations = MinHash(num_perm=self.params.permutations, seed=1).permutations
        doubles: dict[str, str] = {}
        for id in sorted(questions):
            grams = _grams(questions[id])
            sketch = MinHash(num_perm=self.params.permutations, seed=1, permutations=permutations)
            sketch.update_batch([gram.encode() for gram in sorted(grams)])
            for other in sorted(index.query(sketch)):
                there = _grams(questions[other])
                similarity = len(grams & there) / len(grams | there)
                alike = sorted(_LITERAL.findall(questions[id])) == sorted(_LITERAL.findall(questions[other]))
                if similarity >= self.params.threshold and alike:
                    doubles[id] = f"{similarity:.0%} the question of {other}"
                    break
            else:
                index.insert(id, sketch)
        return doubles


def _grams(text: str, size: int = 5) -> frozenset[str]:
    plain = _SPACES.sub(" ", text.lower()).strip()
    return frozenset(plain[i : i + size] for i in range(max(1, len(plain) - size + 1)))
