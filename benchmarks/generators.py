"""Speed of training and decoding beside the usual alternatives: `python -m benchmarks.generators`.

Training: the same rows, model and number of updates through this project's trainer, through TRL's SFTTrainer and
through a Trainer that pads every row to 128 tokens, as the reports' notebooks did. Decoding: this project's batches
beside transformers' `generate` with one prompt at a time. Run `make repro` first: data and base are read from the
current folder.
"""

import argparse
import json
import os
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import median
from typing import Any

from attune.core.determinism import pin, prepare

prepare()
os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")

import torch  # noqa: E402
from datasets import Dataset  # noqa: E402
from transformers import GPT2Config, GPT2LMHeadModel, Trainer  # noqa: E402

from attune.core.files import read_parquet  # noqa: E402
from attune.generators.batches import IGNORED, scored_batch  # noqa: E402
from attune.generators.encoding import Encoded, Room, encode_prompt  # noqa: E402
from attune.generators.length_sampler import GroupingTrainer  # noqa: E402
from attune.generators.loading import load_base, load_tokenizer  # noqa: E402
from attune.generators.prompts import Example, examples, prompt_text, reply_text  # noqa: E402
from attune.generators.rows import encoded, write_rows  # noqa: E402
from attune.inference.decoding import GREEDY, Limits, write_replies  # noqa: E402
from attune.training.trainer import arguments  # noqa: E402

LENGTH, BATCH, NEW_TOKENS = 128, 16, 64
BASE = Path("models/base/smollm2")
ROWS = Path("data/processed/empathetic_dialogues")


def model_of(name: str, vocabulary: int) -> Any:
    """The pipeline's base, or a GPT-2 of distilgpt2's size with random weights."""
    if name == "base":
        return load_base(BASE)
    torch.manual_seed(1)
    return GPT2LMHeadModel(GPT2Config(n_layer=6, vocab_size=max(vocabulary, 50257)))


def settings(folder: str, updates: int) -> dict[str, Any]:
    """What all three trainers have in common."""
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


def ours(model: Any, rows: Dataset, pad: int, updates: int, folder: str) -> Trainer:
    """This project's trainer."""
    return GroupingTrainer(
        model=model,
        args=arguments(**settings(folder, updates)),
        train_dataset=rows,
        data_collator=lambda batch: scored_batch([encoded(row) for row in batch], pad, ends=True),
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
        {"prompt": prompt_text(each, len(each.history), True, (), tokenizer), "completion": reply_text(each, tokenizer)}
        for each in rows
    ]
    options = settings(folder, updates)
    options |= {"output_dir": str(options.pop("folder")), "remove_unused_columns": True}
    config = SFTConfig(
        **options, max_length=LENGTH, bf16=False, gradient_checkpointing=False, report_to="none",
        use_cpu=not torch.cuda.is_available(), disable_tqdm=True,
    )  # fmt: skip
    return SFTTrainer(model=model, args=config, train_dataset=Dataset.from_list(texts), processing_class=tokenizer)


def training(name: str, updates: int, rounds: int) -> dict[str, float]:
    """Samples per second of each trainer, the median of `rounds`; the trainers take turns."""
    tokenizer = load_tokenizer(BASE)
    chosen = examples(read_parquet(ROWS / "train.parquet"))[: updates * BATCH]
    pad = tokenizer.eos_token_id
    with tempfile.TemporaryDirectory() as place:
        mapped = write_rows(Path(place) / "rows.arrow", chosen, tokenizer, Room(LENGTH))
        rows = [encoded(row) for row in mapped]
        trainers: dict[str, Callable[[Any, str], Trainer]] = {
            "attune": lambda model, folder: ours(model, mapped, pad, updates, folder),
            "trl": lambda model, folder: trl(model, chosen, tokenizer, updates, folder),
            "fixed": lambda model, folder: fixed(model, rows, pad, updates, folder),
        }
        seconds: dict[str, list[float]] = {trainer: [] for trainer in trainers}
        for _ in range(rounds):
            for trainer, build in trainers.items():
                with tempfile.TemporaryDirectory() as folder:
                    ready = build(model_of(name, len(tokenizer)), folder)
                    start = time.perf_counter()
                    ready.train()
                    seconds[trainer].append(time.perf_counter() - start)
    print(f"{sum(row.length for row in rows) / len(rows):.1f} tokens per row of at most {LENGTH}", flush=True)
    return {trainer: round(updates * BATCH / median(times), 1) for trainer, times in seconds.items()}


def decoding(name: str, prompts: int, rounds: int) -> dict[str, float]:
    """Replies per second, greedy, of NEW_TOKENS tokens each."""
    tokenizer = load_tokenizer(BASE)
    model = model_of(name, len(tokenizer)).eval()
    asked = examples(read_parquet(ROWS / "test.parquet"))[:prompts]
    never = Limits(NEW_TOKENS, (-1,))  # no token ends a reply, so that both write equally many
    encoded_prompts = [encode_prompt(each, tokenizer, Room(LENGTH)).ids for each in asked]
    seconds: dict[str, list[float]] = {"attune": [], "generate": []}
    for _ in range(rounds):
        start = time.perf_counter()
        write_replies(model, tokenizer, asked, GREEDY, never, Room(LENGTH), 32, 1)
        seconds["attune"].append(time.perf_counter() - start)
        start = time.perf_counter()
        for prompt in encoded_prompts:
            ids = torch.tensor([prompt], device=model.device)
            model.generate(
                ids, attention_mask=torch.ones_like(ids), do_sample=False, max_new_tokens=NEW_TOKENS,
                min_new_tokens=NEW_TOKENS, pad_token_id=tokenizer.eos_token_id,
            )  # fmt: skip
        seconds["generate"].append(time.perf_counter() - start)
    return {name: round(prompts / median(times), 1) for name, times in seconds.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", choices=("base", "distilgpt2"), default="base")
    parser.add_argument("--updates", type=int, default=20)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    pin(1, 2)
    results = {
        "model": options.model,
        "training samples per second": training(options.model, options.updates, options.rounds),
        "replies per second": decoding(options.model, 32, options.rounds),
    }
    print(json.dumps(results, indent=2))


if __name__ == "__main__":
    main()
