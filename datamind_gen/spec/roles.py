"""Which model speaks in which role."""

from __future__ import annotations

from datamind_gen.models.base import Role
from datamind_gen.models.settings import ModelSettings, ScriptedSettings
from datamind_gen.spec.section import Section

_EMBEDDED = ScriptedSettings(provider="scripted")


class ModelRoles(Section):
    """`models:` in a pipeline. A role that is left out is played by the embedded scripted model.

    A role that names another `provider` than the pipeline that it extends is replaced whole.
    """

    author: ModelSettings = _EMBEDDED
    """Writes queries and paraphrases those of programs."""
    expert: ModelSettings = _EMBEDDED
    """Answers queries, turn by turn, running code."""
    judge: ModelSettings = _EMBEDDED
    """Says whether the samples of a query agree."""

    def of(self, role: Role) -> ModelSettings:
        """The settings of a role's model."""
        return {Role.AUTHOR: self.author, Role.EXPERT: self.expert, Role.JUDGE: self.judge}[role]
