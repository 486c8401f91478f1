"""Whether the models of a pipeline can be reached: what `doctor` tries before anything is spent.

    for found in reach_models({Role.EXPERT: settings}):
        print(found.name, found.reached, found.detail)

An endpoint is asked for its list of models, which costs nothing; no completion is asked for.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.util import find_spec

import httpx

from datamind_gen.models.base import Role
from datamind_gen.models.settings import (
    BaseSettings,
    DistilabelSettings,
    OpenAISettings,
    ScriptedSettings,
    VLLMSettings,
)

WAIT_S = 10.0


@dataclass(frozen=True, slots=True)
class Reached:
    """One model, and whether it answers; `detail` says what was seen, or the fix."""

    roles: tuple[Role, ...]
    name: str
    endpoint: str
    reached: bool
    detail: str


def reach_models(roles: Mapping[Role, BaseSettings]) -> Iterator[Reached]:
    """Tries each model once, however many roles it plays."""
    grouped: dict[str, list[Role]] = {}
    for role, settings in roles.items():
        grouped.setdefault(settings.connection(), []).append(role)
    for players in grouped.values():
        settings = roles[players[0]]
        reached, detail = _reach(settings)
        yield Reached(tuple(players), settings.model_name, settings.endpoint, reached, detail)


def _reach(settings: BaseSettings) -> tuple[bool, str]:
    match settings:
        case ScriptedSettings():
            return True, "embedded; no language model"
        case OpenAISettings():
            return _reach_endpoint(settings)
        case VLLMSettings():
            there = find_spec("vllm") is not None
            return there, "vllm is installed" if there else 'install it: pip install "datamind-gen[vllm]"'
        case DistilabelSettings():
            package = settings.llm_class.partition(".")[0]
            there = find_spec(package) is not None
            return there, f"{package} is {'installed' if there else 'not installed'}"
    return False, f"nothing is known of {type(settings).__name__}"


def _reach_endpoint(settings: OpenAISettings) -> tuple[bool, str]:
    try:
        key = settings.read_key()
        headers = {"Authorization": f"Bearer {key.get_secret_value()}"} if key else {}
        reply = httpx.get(f"{settings.base_url}/models", headers=headers, timeout=WAIT_S)
    except ValueError as error:
        return False, str(error)
    except httpx.HTTPError as error:
        return False, f"{type(error).__name__}: {error}; check base_url, and that the server runs"
    if reply.status_code in (401, 403):
        return (
            False,
            f"answers {reply.status_code}: the key is refused; check api_key_env or api_key_file",
        )
    if reply.status_code >= 500:
        return False, f"answers {reply.status_code}: the server is in trouble"
    return _find_model(settings, reply)


def _find_model(settings: OpenAISettings, reply: httpx.Response) -> tuple[bool, str]:
    """Endpoints without a list of models are taken at their word."""
    try:
        names = [str(entry["id"]) for entry in reply.json()["data"]]
    except (ValueError, KeyError, TypeError):
        return True, f"answers {reply.status_code}, and lists no models"
    if settings.model in names:
        return True, "serves the model"
    return False, f"serves no {settings.model!r}, but {', '.join(names[:5]) or 'nothing'}"
