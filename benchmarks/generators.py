"""Training and writing against what people would use instead: `python -m benchmarks.generators`.

Training: the same rows, model and number of updates through this project's trainer, through TRL's SFTTrainer and
through a Trainer that pads every row to 128 tokens, as the reports' notebooks did. Writing: this project's batches
against transformers' `generate`, one prompt at a time. Needs `make repro` before, whose data and base it takes
from the current folder.
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
from attune.generators.encoding import Encoded, Room, encode_all, encode_prompt  # noqa: E402
from attune.generators.length_sampler import GroupingTrainer  # noqa: E402
from attune.generators.loading import load_base, load_tokenizer  # noqa: E402
from attune.generators.losses import training_loss  # noqa: E402
from attune.generators.prompts import Example, examples, prompt_text, reply_text  # noqa: E402
from attune.inference.decoding import Limits, write_replies  # noqa: E402
from attune.parameters.generators import Decoding  # noqa: E402
from attune.training.trainer import arguments  # noqa: E402

LENGTH, BATCH, NEW_TOKENS = 128, 16, 64
BASE = Path("models/base/gpt2")
ROWS = Path("data/processed/empathetic_dialogues")


def model_of(name: str, vocabulary: int) -> Any:
    """The pipeline's small GPT-2, or one of distilgpt2's size with random weights."""
    if name == "small":
        return load_base(BASE)
    torch.manual_seed(1)
    return GPT2LMHeadModel(GPT2Config(n_layer=6, vocab_size=max(vocabulary, 50257)))


def settings(folder: str, updates: int) -> dict[str, Any]:
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


def ours(model: Any, rows: Sequence[Encoded], pad: int, updates: int, folder: str) -> Trainer:
    return GroupingTrainer(
        model=model,
        args=arguments(**settings(folder, updates)),
        train_dataset=rows,
        data_collator=lambda batch: scored_batch(batch, pad, ends=True),
        compute_loss_func=training_loss,
    )


def fixed(model: Any, rows: Sequence[Encoded], pad: int, updates: int, folder: str) -> Trainer:
    """Every row padded to LENGTH, the loss on all its tokens."""

    def collate(batch: Sequence[Encoded]) -> dict[str, torch.Tensor]:
        ids = torch.full((len(batch), LENGTH), pad)
        mask = torch.zeros_like(ids)
        for at, row in enumerate(batch):
            ids[at, : row.length] = torch.tensor(row.prompt + row.reply)
            mask[at, : row.length] = 1
        return {"input_ids": ids, "attention_mask": mask, "labels": ids.masked_fill(mask == 0, IGNORED)}

    return Trainer(model=model, args=arguments(**settings(folder, updates)), train_dataset=rows, data_collator=collate)


def trl(model: Any, given: Sequence[Example], tokenizer: Any, updates: int, folder: str) -> Trainer:
    """SFTTrainer with the loss on the completion, in float32 as the others are."""
    from trl import SFTConfig, SFTTrainer

    texts = [
        {"prompt": prompt_text(each, len(each.history), True, (), tokenizer), "completion": reply_text(each, tokenizer)}
        for each in given
    ]
    options = settings(folder, updates)
    options |= {"output_dir": str(options.pop("folder")), "remove_unused_columns": True}
    config = SFTConfig(
        **options, max_length=LENGTH, bf16=False, gradient_checkpointing=False, report_to="none",
        use_cpu=not torch.cuda.is_available(), disable_tqdm=True,
    )  # fmt: skip
    return SFTTrainer(model=model, args=config, train_dataset=Dataset.from_list(texts), processing_class=tokenizer)


def training(name: str, updates: int, rounds: int) -> dict[str, float]:
    """Samples a second of each way, the median of `rounds`, taken in turn."""
    tokenizer = load_tokenizer(BASE)
    given = examples(read_parquet(ROWS / "train.parquet"))[: updates * BATCH]
    rows = encode_all(given, tokenizer, Room(LENGTH))
    pad = tokenizer.eos_token_id
    ways: dict[str, Callable[[Any, str], Trainer]] = {
        "attune": lambda model, folder: ours(model, rows, pad, updates, folder),
        "trl": lambda model, folder: trl(model, given, tokenizer, updates, folder),
        "fixed": lambda model, folder: fixed(model, rows, pad, updates, folder),
    }
    seconds: dict[str, list[float]] = {way: [] for way in ways}
    for _ in range(rounds):
        for way, build in ways.items():
            with tempfile.TemporaryDirectory() as folder:
                trainer = build(model_of(name, len(tokenizer)), folder)
                start = time.perf_counter()
                trainer.train()
                seconds[way].append(time.perf_counter() - start)
    print(f"{sum(row.length for row in rows) / len(rows):.1f} tokens a row of at most {LENGTH}", flush=True)
    return {way: round(updates * BATCH / median(times), 1) for way, times in seconds.items()}


def writing(name: str, prompts: int, rounds: int) -> dict[str, float]:
    """Replies a second, greedy, of NEW_TOKENS tokens each."""
    tokenizer = load_tokenizer(BASE)
    model = model_of(name, len(tokenizer)).eval()
    asked = examples(read_parquet(ROWS / "test.parquet"))[:prompts]
    never = Limits(NEW_TOKENS, (-1,))  # nothing ends a reply, so that both write as much
    encoded = [encode_prompt(each, tokenizer, Room(LENGTH)).ids for each in asked]
    seconds: dict[str, list[float]] = {"attune": [], "generate": []}
    for _ in range(rounds):
        start = time.perf_counter()
        write_replies(model, tokenizer, asked, Decoding(method="greedy"), never, Room(LENGTH), 32, 1)
        seconds["attune"].append(time.perf_counter() - start)
        start = time.perf_counter()
        for prompt in encoded:
            ids = torch.tensor([prompt], device=model.device)
            model.generate(
                ids, attention_mask=torch.ones_like(ids), do_sample=False, max_new_tokens=NEW_TOKENS,
                min_new_tokens=NEW_TOKENS, pad_token_id=tokenizer.eos_token_id,
            )  # fmt: skip
        seconds["generate"].append(time.perf_counter() - start)
    return {way: round(prompts / median(times), 1) for way, times in seconds.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", choices=("small", "distilgpt2"), default="small")
    parser.add_argument("--updates", type=int, default=20)
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args()
    pin(1, 2)
    found = {
        "model": given.model,
        "training samples a second": training(given.model, given.updates, given.rounds),
        "replies a second": writing(given.model, 32, given.rounds),
    }
    print(json.dumps(found, indent=2))


if __name__ == "__main__":
    main()
