"""Speed of training and writing beside the usual alternatives: `python -m benchmarks.generators`.

Training: the same replies once and equally many rows in a batch, through this project's trainer, through TRL's
SFTTrainer and through a Trainer that pads every row to 128 tokens, as the reports' notebooks did. Writing: this
project's batches beside transformers' `generate`, with one prompt at a time and in batches padded on the left. Run
`make repro` first: data and base are read from `--data` and `--base`.
"""

import argparse
import os
import tempfile
from collections.abc import Callable, Sequence
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from attune.core.determinism import pin, prepare

prepare()
os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")

import torch  # noqa: E402
from datasets import Dataset  # noqa: E402
from transformers import GPT2Config, GPT2LMHeadModel, Trainer  # noqa: E402

from attune.core.devices import device  # noqa: E402
from attune.core.files import read_parquet  # noqa: E402
from attune.generators.batches import scored_batch  # noqa: E402
from attune.generators.encoded import IGNORED, Encoded  # noqa: E402
from attune.generators.encoding import Room, encode_prompt  # noqa: E402
from attune.generators.length_sampler import GroupingTrainer  # noqa: E402
from attune.generators.loading import load_base, load_tokenizer  # noqa: E402
from attune.generators.prompts import Example, examples, prompt_parts, reply_text  # noqa: E402
from attune.generators.rows import encoded, joined, last_of_chains, write_rows  # noqa: E402
from attune.inference.decoding import GREEDY, Limits, write_replies  # noqa: E402
from attune.training.trainer import arguments  # noqa: E402
from benchmarks.harness import comparison, in_turn, options, require, seconds, write  # noqa: E402

LENGTH, BATCH = 128, 16
UPDATES, ROUNDS = 5, 2
# Prompts and tokens per reply that each model writes.
WRITTEN = {"small": (32, 64), "base": (8, 24)}
GOALS = {"TRL": 2.0, "padding to 128": 2.0, "generate, one at a time": None, "generate, in batches": None}


def model_of(name: str, base: Path, vocabulary: int) -> Any:
    """The pipeline's base, or a GPT-2 of six layers of width 384 with random weights."""
    if name == "base":
        return load_base(base)
    torch.manual_seed(1)
    return GPT2LMHeadModel(
        GPT2Config(n_layer=6, n_embd=384, n_head=6, vocab_size=vocabulary, bos_token_id=0, eos_token_id=0)
    ).to(device())


def settings(folder: str, updates: int) -> dict[str, Any]:
    """What all three trainers have in common, but that ours has fewer updates."""
    return {
        "folder": Path(folder),
        "seed": 1,
        "max_steps": updates,
        "per_device_train_batch_size": BATCH,
        "learning_rate": 1e-4,
        "logging_strategy": "no",
        "save_strategy": "no",
        "remove_unused_columns": False,
    }


def ours(model: Any, rows: Dataset, pad: int, folder: str) -> Trainer:
    """This project's trainer, which has a conversation's replies in one row, and so fewer updates for all of them."""
    last = last_of_chains(rows, range(len(rows)))
    return GroupingTrainer(
        model=model,
        args=arguments(**settings(folder, -(-len(last) // BATCH))),
        train_dataset=rows.select(last),
        data_collator=lambda batch: scored_batch([joined(row) for row in batch], pad, left=True),
    )


def fixed(model: Any, rows: Sequence[Encoded], pad: int, updates: int, folder: str) -> Trainer:
    """A Trainer with every row padded to LENGTH and the loss on all its tokens."""

    def collate(batch: Sequence[Encoded]) -> dict[str, torch.Tensor]:
        ids = torch.full((len(batch), LENGTH), pad)
        mask = torch.zeros_like(ids)
        for at, row in enumerate(batch):
            ids[at, : row.length] = torch.tensor(row.prompt + row.reply)
            mask[at, : row.length] = 1
        return {"input_ids": ids, "attention_mask": mask, "labels": ids.masked_fill(mask == 0, IGNORED)}

    return Trainer(model=model, args=arguments(**settings(folder, updates)), train_dataset=rows, data_collator=collate)


def trl(model: Any, rows: Sequence[Example], tokenizer: Any, updates: int, folder: str) -> Trainer:
    """TRL's SFTTrainer with the loss on the completion, in float32 as the others."""
    from trl import SFTConfig, SFTTrainer

    texts = [
        {
            "prompt": prompt_parts(each, len(each.history), True, (), tokenizer).text,
            "completion": reply_text(each, tokenizer),
        }
        for each in rows
    ]
    chosen = settings(folder, updates)
    chosen |= {"output_dir": str(chosen.pop("folder")), "remove_unused_columns": True}
    config = SFTConfig(
        **chosen, max_length=LENGTH, bf16=False, gradient_checkpointing=False, report_to="none",
        use_cpu=device() == "cpu", disable_tqdm=True,
    )  # fmt: skip
    return SFTTrainer(model=model, args=config, train_dataset=Dataset.from_list(texts), processing_class=tokenizer)


def training(name: str, chosen: argparse.Namespace) -> list[dict[str, Any]]:
    """Samples per second of each trainer; the trainers take turns, each time with a fresh model."""
    tokenizer, updates = load_tokenizer(chosen.base), chosen.updates
    rows = examples(read_parquet(chosen.data / "train.parquet"))[: updates * BATCH]
    pad = tokenizer.eos_token_id
    with tempfile.TemporaryDirectory() as place:
        mapped = write_rows(Path(place) / "rows.arrow", rows, tokenizer, Room(LENGTH))
        lines = [encoded(row) for row in mapped]
        builders: dict[str, Callable[[Any, str], Trainer]] = {
            "attune": lambda model, folder: ours(model, mapped, pad, folder),
            "padding to 128": lambda model, folder: fixed(model, lines, pad, updates, folder),
        }
        if find_spec("trl"):
            builders["TRL"] = lambda model, folder: trl(model, rows, tokenizer, updates, folder)
        else:
            print("TRL is left out: it is not installed; `pip install -e '.[bench]'`", flush=True)

        def trained(build: Callable[[Any, str], Trainer]) -> float:
            with tempfile.TemporaryDirectory() as folder:
                return seconds(build(model_of(name, chosen.base, len(tokenizer)), folder).train)

        times = in_turn({each: partial(trained, build) for each, build in builders.items()}, chosen.rounds)
    tokens = round(sum(line.length for line in lines) / len(lines), 1)
    amount = updates * BATCH
    return [
        comparison("training", times, "attune", peer, amount, "samples/s", model=name, goal=GOALS[peer], tokens=tokens)
        for peer in times
        if peer != "attune"
    ]


def writing(name: str, chosen: argparse.Namespace) -> list[dict[str, Any]]:
    """Replies per second, greedy; no token ends a reply, so that all write equally many."""
    tokenizer = load_tokenizer(chosen.base)
    model = model_of(name, chosen.base, len(tokenizer)).eval()
    count, tokens = WRITTEN[name]
    asked = examples(read_parquet(chosen.data / "test.parquet"))[:count]
    room = Room(LENGTH)
    prompts = [encode_prompt(each, tokenizer, room).ids for each in asked]

    def generated(size: int) -> None:
        for start in range(0, count, size):
            batch = tokenizer.pad(
                {"input_ids": prompts[start : start + size]}, padding_side="left", return_tensors="pt"
            )
            model.generate(
                **batch.to(model.device), do_sample=False, max_new_tokens=tokens, min_new_tokens=tokens,
                pad_token_id=tokenizer.eos_token_id,
            )  # fmt: skip

    sides = {
        "attune": lambda: write_replies(model, tokenizer, asked, GREEDY, Limits(tokens, (-1,)), room, count, 1),
        "generate, one at a time": lambda: generated(1),
        "generate, in batches": lambda: generated(count),
    }
    times = in_turn({each: partial(seconds, side) for each, side in sides.items()}, chosen.rounds)
    return [
        comparison("writing", times, "attune", peer, count, "replies/s", model=name, goal=GOALS[peer], tokens=tokens)
        for peer in times
        if peer != "attune"
    ]


def main() -> None:
    chosen = options(
        __doc__, updates=UPDATES, rounds=ROUNDS, trained=("small",), written=tuple(WRITTEN),
        data=Path("data/processed/empathetic_dialogues"), base=Path("models/base/smollm2"),
    )  # fmt: skip
    require(chosen.data, chosen.base)
    pin(1, chosen.threads)
    rows = [row for name in chosen.trained for row in training(name, chosen)]
    rows += [row for name in chosen.written for row in writing(name, chosen)]
    print(*rows, sep="\n", flush=True)
    write("generators", rows, chosen.threads, updates=chosen.updates, rounds=chosen.rounds, batch=BATCH)


if __name__ == "__main__":
    main()
