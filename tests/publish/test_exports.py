"""Exports, each opened by its target library or held against the target's published schema."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from datasets import load_dataset
from pydantic import TypeAdapter

from datamind_gen.publish import Finished, PublishedDataset, PublishError
from datamind_gen.publish.exports import FORMS, ExportFormat, export
from datamind_gen.publish.folder import PublishedRun
from datamind_gen.publish.schema import SCHEMAS, Config

CHAT_TEMPLATE = (
    "{% for message in messages %}<|{{ message['role'] }}|>{% if message['role'] == 'assistant' %}"
    "{% generation %}{{ message['content'] }}<|end|>{% endgeneration %}"
    "{% else %}{{ message['content'] }}<|end|>{% endif %}{% endfor %}"
)


def run_export(published: PublishedDataset, format: ExportFormat, folder: Path) -> Path:
    done = export(PublishedRun.open(published.folder.parent), format, folder / f"data{FORMS[format].suffix}")
    assert done.rows == (published.rl if format is ExportFormat.VERL else published.sft)
    return done.path


def read_lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


@pytest.fixture(scope="session")
def conversations(published: PublishedDataset) -> list[list[dict[str, str]]]:
    return [row["messages"] for row in PublishedRun.open(published.folder).rows(Config.SFT)]


def test_trl_trains_on_it(
    published: PublishedDataset, conversations: list[list[dict[str, str]]], tmp_path: Path
) -> None:
    trl = pytest.importorskip("trl")
    import torch
    from tokenizers import Tokenizer, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast, Qwen2Config, Qwen2ForCausalLM
    from trl.data_utils import is_conversational

    path = run_export(published, ExportFormat.TRL, tmp_path)
    rows = load_dataset("json", data_files=str(path), split="train", cache_dir=str(tmp_path / "cache"))
    assert rows["messages"] == conversations
    assert is_conversational(rows[0])

    torch.set_num_threads(1)
    torch.manual_seed(0)
    letters = {token: number for number, token in enumerate(["<|pad|>", "<|end|>", "<|unk|>"])}
    for text in sorted(
        {letter for talk in conversations for m in talk for letter in m["content"] + m["role"]}
    ):
        letters[text] = len(letters)
    raw = Tokenizer(models.WordLevel(letters, unk_token="<|unk|>"))
    raw.pre_tokenizer = pre_tokenizers.Split("", "isolated")
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=raw, pad_token="<|pad|>", eos_token="<|end|>")
    tokenizer.chat_template = CHAT_TEMPLATE
    model = Qwen2ForCausalLM(
        Qwen2Config(
            vocab_size=len(letters),
            hidden_size=16,
            intermediate_size=16,
            num_hidden_layers=1,
            num_attention_heads=2,
            num_key_value_heads=1,
            eos_token_id=1,
            pad_token_id=0,
        )
    )
    trainer = trl.SFTTrainer(
        model=model,
        args=trl.SFTConfig(
            output_dir=str(tmp_path / "out"),
            max_steps=1,
            per_device_train_batch_size=2,
            assistant_only_loss=True,
            max_length=None,
            report_to=[],
            use_cpu=True,
            bf16=False,
            save_strategy="no",
        ),
        train_dataset=rows,
        processing_class=tokenizer,
    )
    batch = next(iter(trainer.get_train_dataloader()))
    learned = tokenizer.decode([token for token in batch["labels"][0].tolist() if token >= 0]).replace(
        " ", ""
    )
    assert "<answer>" in learned
    assert "<interpreter>" not in learned, "observations are not learned from"
    assert trainer.train().training_loss > 0


def check_llamafactory(folder: Path) -> None:
    """The fields that LLaMA-Factory's dataset registry knows for the sharegpt form."""
    registry = json.loads((folder / "dataset_info.json").read_text())
    entry = registry["data"]
    assert entry["formatting"] == "sharegpt"
    tags = entry["tags"]
    speakers = {tags["user_tag"], tags["assistant_tag"]}
    for row in json.loads((folder / entry["file_name"]).read_text()):
        turns = row[entry["columns"]["messages"]]
        assert turns[0][tags["role_tag"]] == tags["system_tag"]
        roles = [turn[tags["role_tag"]] for turn in turns[1:]]
        assert set(roles) == speakers
        assert len(roles) % 2 == 0
        assert roles == [tags["user_tag"], tags["assistant_tag"]] * (len(roles) // 2)
        assert all(turn[tags["content_tag"]].strip() for turn in turns)


def test_llamafactory_files_follow_its_registry(published: PublishedDataset, tmp_path: Path) -> None:
    (tmp_path / "dataset_info.json").write_text('{"other": {"file_name": "other.json"}}')
    run_export(published, ExportFormat.LLAMAFACTORY, tmp_path)
    check_llamafactory(tmp_path)
    assert "other" in json.loads((tmp_path / "dataset_info.json").read_text()), "other entries stay"


def test_llamafactory_converts_it(published: PublishedDataset, tmp_path: Path) -> None:
    """With LLaMA-Factory's own parser and converter, where it is installed (it pins old transformers)."""
    pytest.importorskip("llamafactory.data.converter", exc_type=ImportError)
    from llamafactory.data.converter import get_dataset_converter
    from llamafactory.data.parser import get_dataset_list
    from llamafactory.hparams import DataArguments

    path = run_export(published, ExportFormat.LLAMAFACTORY, tmp_path)
    (attributes,) = get_dataset_list(["data"], str(tmp_path))
    converter = get_dataset_converter(
        attributes.formatting, attributes, DataArguments(dataset_dir=str(tmp_path))
    )
    for row in json.loads(path.read_text()):
        converted = converter(row)
        assert converted["_system"] == row["messages"][0]["content"]
        assert [m["content"] for m in converted["_prompt"] + converted["_response"]] == [
            m["content"] for m in row["messages"][1:]
        ]


def test_sharegpt_conversations(
    published: PublishedDataset, conversations: list[list[dict[str, str]]], tmp_path: Path
) -> None:
    rows = json.loads(run_export(published, ExportFormat.SHAREGPT, tmp_path).read_text())
    for row, talk in zip(rows, conversations, strict=True):
        assert [turn["value"] for turn in row["conversations"]] == [message["content"] for message in talk]
        assert [turn["from"] for turn in row["conversations"]][:3] == ["system", "human", "gpt"]
        assert {turn["from"] for turn in row["conversations"]} == {"system", "human", "gpt"}


def test_openai_lines_follow_its_types(published: PublishedDataset, tmp_path: Path) -> None:
    from openai.types.chat import ChatCompletionMessageParam

    message_type: TypeAdapter[Any] = TypeAdapter(ChatCompletionMessageParam)
    for row in read_lines(run_export(published, ExportFormat.OPENAI, tmp_path)):
        assert row.keys() == {"messages"}
        for message in row["messages"]:
            message_type.validate_python(message)
            assert message.keys() == {"role", "content"}
            assert isinstance(message["content"], str)
            assert message["content"]
        assert row["messages"][-1]["role"] == "assistant"


def test_verl_parquet_columns(published: PublishedDataset, tmp_path: Path) -> None:
    table = pd.read_parquet(run_export(published, ExportFormat.VERL, tmp_path))
    assert list(table.columns) == ["data_source", "prompt", "ability", "reward_model", "extra_info"]
    for row in table.to_dict("records"):
        assert [message["role"] for message in row["prompt"]] == ["system", "user"]
        assert isinstance(row["reward_model"]["ground_truth"], str)
        assert row["reward_model"]["style"] in {"rule", "model"}
        assert isinstance(row["extra_info"]["index"], int)
        assert (row["data_source"] == "darl/sql") == (row["extra_info"]["task_id"] is not None)


def test_verl_opens_it(published: PublishedDataset, tmp_path: Path) -> None:
    """With verl's own dataset class, where verl is installed."""
    pytest.importorskip("verl.utils.dataset.rl_dataset", exc_type=ImportError)
    from omegaconf import OmegaConf
    from tokenizers import Tokenizer, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast
    from verl.utils.dataset.rl_dataset import RLHFDataset

    path = run_export(published, ExportFormat.VERL, tmp_path)
    raw = Tokenizer(models.WordLevel({"<|unk|>": 0, "<|pad|>": 1}, unk_token="<|unk|>"))
    raw.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=raw, pad_token="<|pad|>", unk_token="<|unk|>")
    tokenizer.chat_template = CHAT_TEMPLATE
    settings = OmegaConf.create(
        {"cache_dir": str(tmp_path / "cache"), "max_prompt_length": 4096, "filter_overlong_prompts": False}
    )
    opened = RLHFDataset(data_files=[str(path)], tokenizer=tokenizer, config=settings)
    assert len(opened) == published.rl
    first = opened[0]
    assert first["data_source"].startswith("darl/")
    assert first["extra_info"]["question"]
    assert first["index"] == first["extra_info"]["index"]


def test_jsonl_holds_all_columns(published: PublishedDataset, tmp_path: Path) -> None:
    rows = read_lines(run_export(published, ExportFormat.JSONL, tmp_path))
    assert list(rows[0]) == SCHEMAS[Config.SFT].names
    assert isinstance(rows[0]["lineage"], dict)


@pytest.mark.parametrize("format", list(ExportFormat))
def test_wrong_suffix_names_the_right_one(
    format: ExportFormat, published: PublishedDataset, tmp_path: Path
) -> None:
    with pytest.raises(PublishError, match=rf"--out {tmp_path}/data\{FORMS[format].suffix}$"):
        export(PublishedRun.open(published.folder), format, tmp_path / "data.txt")
    assert list(tmp_path.iterdir()) == []


def test_nothing_kept_is_an_error(
    finished: Finished, make_run: Callable[[Finished], Path], tmp_path: Path
) -> None:
    run = make_run(replace(finished, kept=()))
    with pytest.raises(PublishError, match="no rows to export"):
        export(PublishedRun.open(run), ExportFormat.TRL, tmp_path / "data.jsonl")


def test_verb_offers_every_format() -> None:
    from datamind_gen.cli.export import Format

    assert {format.value for format in Format} == {format.value for format in ExportFormat}
