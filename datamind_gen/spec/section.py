"""What every section of a pipeline has in common.

A section is a closed mapping: an unknown key is a mistake. Attribute docstrings become the descriptions
in the JSON Schema that editors show. When a pipeline extends another, sections are merged key by key;
everything else (a number, a list, a map of shares) is replaced whole.
"""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class Section(BaseModel):
    """A part of a pipeline: frozen, closed, described by its attributes' docstrings."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True, allow_inf_nan=False)
