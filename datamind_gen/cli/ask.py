"""`ask FILE [QUESTION]`: the agent on one file, its turns shown as they come."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from datamind_gen.cli.output import fail, require_files
from datamind_gen.cli.validate import load_or_exit

if TYPE_CHECKING:
    from rich.console import Console

    from datamind_gen.rows import Query, Trajectory, Turn
    from datamind_gen.run.asking import Desk
    from datamind_gen.spec.loader import LoadedPipeline


def ask_command(
    file: Annotated[Path, typer.Argument(help="A data file of any format.")],
    question: Annotated[
        str | None, typer.Argument(help="A question, or the number of a proposed one. Without it: proposals.")
    ] = None,
    model: Annotated[
        str | None, typer.Option(help="A model at an OpenAI-compatible endpoint, instead of the pipeline's.")
    ] = None,
    base_url: Annotated[str | None, typer.Option(help="The model's endpoint. Default: OpenAI's.")] = None,
    api_key_env: Annotated[
        str | None, typer.Option(help="The environment variable that holds the endpoint's key.")
    ] = None,
    pipeline: Annotated[
        Path, typer.Option(help="Where the model, the prompts and the limits come from.")
    ] = Path("quickstart"),
    set_: Annotated[
        list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="Override a value; repeatable.")
    ] = None,
    json_: Annotated[bool, typer.Option("--json", help="One JSON object.")] = False,
    allow_unsandboxed: Annotated[
        bool, typer.Option("--allow-unsandboxed", help="Run even where this machine cannot confine code.")
    ] = False,
) -> None:
    """Asks one question about one file, and shows each thought, each piece of code and what it printed.

    Without --model the embedded scripted model answers. It is no language model: it can answer the questions
    that programs make of the file, which `ask FILE` lists. Exits 1 when there is no answer.

    Examples:

      python -m datamind_gen ask sales.csv

      python -m datamind_gen ask sales.csv 2

      python -m datamind_gen ask sales.csv "Which month sold best?" --model qwen3 --base-url http://localhost:8000/v1
    """
    import asyncio

    from datamind_gen.files import FileError
    from datamind_gen.sandbox import SandboxUnavailable

    if model is None and (base_url or api_key_env):
        fail("--base-url and --api-key-env say where a --model is; give --model too")
    require_files([file])
    overrides = [*(set_ or ()), *_model_overrides(model, base_url, api_key_env)]
    loaded = load_or_exit(pipeline, overrides)
    try:
        code = asyncio.run(_ask(loaded, file, question, as_json=json_, allow_unsandboxed=allow_unsandboxed))
    except FileError as error:
        fail(f"{file}: {error.detail.removeprefix(f'{file}: ')}")
    except (ValueError, SandboxUnavailable) as error:
        fail(str(error))
    raise typer.Exit(code)


def _model_overrides(model: str | None, base_url: str | None, api_key_env: str | None) -> list[str]:
    import json

    if model is None:
        return []
    given = {"provider": "openai", "model": model, "base_url": base_url, "api_key_env": api_key_env}
    return ["models.expert=" + json.dumps({key: value for key, value in given.items() if value})]


async def _ask(
    loaded: LoadedPipeline, file: Path, question: str | None, *, as_json: bool, allow_unsandboxed: bool
) -> int:
    from rich.console import Console

    from datamind_gen.prompts.render import Prompts
    from datamind_gen.run.asking import ask, open_desk
    from datamind_gen.taxonomy import load_taxonomy

    console = Console(highlight=False)
    async with open_desk(
        loaded.spec,
        prompts=Prompts(loaded.prompts_folder),
        taxonomy=load_taxonomy(loaded.taxonomy_folder or loaded.spec.taxonomy),
        path=file,
        allow_unsandboxed=allow_unsandboxed,
    ) as desk:
        query = await _find_question(desk, question, file, console, as_json=as_json)
        if query is None:
            return 0
        if as_json:
            trajectory = await ask(desk, query)
            _print_json(query, trajectory)
        else:
            console.rule(f"[bold]{file.name}[/]", align="left")
            console.print(query.question, style="bold", markup=False)
            trajectory = await ask(desk, query, on_turn=lambda turn: _show_turn(console, turn))
            _show_end(console, trajectory)
    return 0 if trajectory.answer is not None else 1


async def _find_question(
    desk: Desk, question: str | None, file: Path, console: Console, *, as_json: bool
) -> Query | None:
    """The question to ask; None where the proposals were shown instead."""
    from rich.console import Console

    from datamind_gen.run.asking import make_question, propose_questions

    is_number = question is not None and question.isdecimal()
    if question is not None and not is_number and not desk.is_scripted:
        return make_question(desk, question)
    with Console(stderr=True).status("Looking for questions…"):
        proposed = await propose_questions(desk)
    if question is None:
        _show_proposals(console, desk, proposed, file, as_json=as_json)
        return None
    if is_number:
        if not 1 <= int(question) <= len(proposed):
            raise ValueError(f"there is no proposed question {question}: there are {len(proposed)}")
        return proposed[int(question) - 1]
    same = [query for query in proposed if query.question.casefold() == question.strip().casefold()]
    if not same:
        raise ValueError(
            "the embedded scripted model is no language model: it answers only the questions that "
            f"`ask {file}` lists. Give a model: --model NAME [--base-url URL]"
        )
    return same[0]


def _show_proposals(
    console: Console, desk: Desk, proposed: list[Query], file: Path, *, as_json: bool
) -> None:
    import json

    from rich import box
    from rich.table import Table
    from rich.text import Text

    if as_json:
        listed = [{"category": query.category, "question": query.question} for query in proposed]
        print(json.dumps({"file": desk.file.file.name, "questions": listed}, ensure_ascii=False, indent=2))
        return
    table = Table("", "question", "category", box=box.SIMPLE_HEAD)
    for number, query in enumerate(proposed, 1):
        table.add_row(str(number), Text(query.question), Text(query.category, style="dim"))
    console.print(table)
    console.print(f"next: python -m datamind_gen ask {file} 1", markup=False)


def _show_turn(console: Console, turn: Turn) -> None:
    from rich.markdown import Markdown
    from rich.panel import Panel
    from rich.syntax import Syntax
    from rich.text import Text

    if turn.thought:
        console.print(Markdown(turn.thought, style="dim"))
    if turn.code:
        console.print(Panel(Syntax(turn.code, "python", background_color="default", word_wrap=True)))
    if turn.observation and turn.code:
        seen = turn.observation.removeprefix("<interpreter>").removesuffix("</interpreter>").strip("\n")
        console.print(Text(seen, style="" if turn.status == "ok" else "yellow"))


def _show_end(console: Console, trajectory: Trajectory) -> None:
    from rich.text import Text

    console.rule(align="left")
    if trajectory.answer is None:
        why = trajectory.error or trajectory.stop.value.replace("_", " ")
        console.print(Text.assemble(("No answer: ", "bold red"), why))
        return
    console.print(Text.assemble(("Answer: ", "bold green"), trajectory.answer))
    if trajectory.result_csv is not None:
        console.print(Text(trajectory.result_csv.rstrip("\n")))


def _print_json(query: Query, trajectory: Trajectory) -> None:
    import json

    turns = [
        {
            "thought": turn.thought,
            "code": turn.code,
            "status": turn.status,
            "observation": turn.observation,
        }
        for turn in trajectory.turns
    ]
    found = {
        "question": query.question,
        "answer": trajectory.answer,
        "result_csv": trajectory.result_csv,
        "stop": trajectory.stop.value,
        "error": trajectory.error,
        "model": trajectory.model,
        "turns": turns,
    }
    print(json.dumps(found, ensure_ascii=False, indent=2))
