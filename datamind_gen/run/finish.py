"""The end of a run: what the whole set decides, the dataset, the funnel, the manifest."""

from __future__ import annotations

