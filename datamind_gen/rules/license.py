"""Licence policy: which licences of the source file may be in the dataset."""

from __future__ import annotations

from typing import Literal

from datamind_gen.rows import Candidate, Reason
from datamind_gen.rules.base import RowRule, RuleContext, RuleFinding, RuleParams


class LicenseRule(RowRule):
    """Compares names without case; a file without a profile counts as unknown."""

    name = "license"
    reason = Reason.LICENSE

    class Params(RuleParams):
        allow: tuple[str, ...] | None = None
        """SPDX ids or declared texts; None allows all that are not denied."""
        deny: tuple[str, ...] = ()
        unknown: Literal["keep", "reject"] = "reject"

    params: Params

    def check(self, candidate: Candidate, context: RuleContext) -> RuleFinding | None:
        name = context.profile.file.license if context.profile else "unknown"
        low = name.strip().lower() or "unknown"
        if low == "unknown":
            rejected = self.params.unknown == "reject"
            return RuleFinding("the file's licence is not known") if rejected else None
        if low in {one.lower() for one in self.params.deny}:
            return RuleFinding(f"the licence {name!r} is denied")
        if self.params.allow is not None and low not in {one.lower() for one in self.params.allow}:
            return RuleFinding(f"the licence {name!r} is not among those allowed")
        return None
