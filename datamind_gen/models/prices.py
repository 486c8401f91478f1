"""What models cost, from the dated file prices.yaml or from a pipeline's own `prices:`.

A price belongs to a host and a model's name, or the name before a date suffix. Whatever is not listed
is unknown, a model of one's own on localhost included: it is never taken to be free.
"""

from __future__ import annotations

import datetime
import re
from functools import cache
from importlib.resources import files

import yaml
from pydantic import BaseModel, ConfigDict

from datamind_gen.models.settings import BaseSettings, OpenAISettings, Prices, ScriptedSettings


class PriceList(BaseModel):
    """The shipped list: US dollars for a million tokens, by host and model."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    as_of: datetime.date
    note: str
    hosts: dict[str, dict[str, Prices]]


@cache
def price_list() -> PriceList:
    """The list that ships with the package."""
    text = files("datamind_gen.models").joinpath("prices.yaml").read_text(encoding="utf-8")
    return PriceList.model_validate(yaml.safe_load(text))


def prices_of(settings: BaseSettings) -> Prices | None:
    """The prices of a role's model; None is unknown."""
    if settings.prices is not None:
        return settings.prices
    if isinstance(settings, ScriptedSettings):
        return Prices(input=0.0, output=0.0)
    if not isinstance(settings, OpenAISettings):
        return None
    listed = price_list().hosts.get(settings.host, {})
    dateless = re.sub(r"-\d{4}-\d{2}-\d{2}$", "", settings.model)
    return listed.get(settings.model) or listed.get(dateless)
