"""Training a generator: fully, by prompt tuning or by LoRA, with its loss on the replies alone."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

from attune.checkpoints import newest_whole
from attune.errors import AttuneError
from attune.files import write_json
from attune.generation.adapters import (
    add_lora,
    load_base,
    load_tokenizer,
    parameter_counts,
    save_generator,
    tune_prompt,
)
from attune.generation.batches import scored_batch
from attune.generation.curves import MeasureHeldOut, curve_rows
from attune.generation.encoding import Encoded, encode_all
from attune.generation.order import GroupingTrainer
from attune.generation.prompts import FORMAT_VERSION, Example
from attune.generation.scores import reply_loss
from attune.generation.splits import hold_out
from attune.parameters import Generator
from attune.trainer import MarkWhole, arguments

HELD_OUT_SHARE = 0.1
HELD_OUT_ROWS = 200
_SCORED_AT_ONCE = 32


def train(
    generator: Generator,
    base: Path,
    examples: Sequence[Example],
    seed: int,
    checkpoints: Path,
    target: Path,
) -> list[dict[str, float]]:
    """Train on `examples` from the model in `base`, save into `target` and give the curve's rows."""
    tokenizer = load_tokenizer(base)
    train_rows, held = (
        encode_all(part, tokenizer, generator.max_length)
        for part in hold_out(examples, HELD_OUT_SHARE, HELD_OUT_ROWS, seed)
    )
    if not train_rows:
        raise AttuneError(f"{generator.corpus} has one conversation in its train split; training needs two")
    model = _trainable(generator, base, seed)
    trainer = _trainer(generator, model, train_rows, held, tokenizer.eos_token_id, seed, checkpoints)
    trainer.train(resume_from_checkpoint=newest_whole(checkpoints))
    save_generator(model, tokenizer, target, generator.base)
    write_json(target / "card.json", _card(generator, model))
    return curve_rows(trainer.state.log_history)


def _trainable(generator: Generator, base: Path, seed: int) -> Any:
    model = load_base(base)
    torch.manual_seed(seed)  # LoRA begins with random numbers, before the trainer seeds its own
    positions = getattr(model.config, "max_position_embeddings", None)
    needed = generator.max_length + (generator.virtual_tokens or 0)
    if positions and needed > positions:
        raise AttuneError(
            f"max_length = {generator.max_length} and the virtual tokens need {needed} positions, but "
            f"the base {generator.base} has {positions}; lower max_length"
        )
    if generator.virtual_tokens:
        return tune_prompt(model, base, generator.virtual_tokens)
    if generator.lora_rank and generator.lora_alpha:
        return add_lora(model, generator.lora_rank, generator.lora_alpha, generator.lora_dropout or 0.0)
    return model


def _trainer(
    generator: Generator,
    model: Any,
    train_rows: Sequence[Encoded],
    held: Sequence[Encoded],
    pad: int,
    seed: int,
    checkpoints: Path,
) -> GroupingTrainer:
    log_every = max(1, generator.steps // 20)
    # A checkpoint between two logs would lose the losses since the first of them.
    every = 4 * log_every

    def measure(current: Any) -> float:
        return reply_loss(current, held, pad, _SCORED_AT_ONCE).mean

    return GroupingTrainer(
        model=model,
        args=arguments(
            checkpoints,
            seed,
            max_steps=generator.steps,
            per_device_train_batch_size=generator.batch_size,
            gradient_accumulation_steps=generator.accumulation,
            learning_rate=generator.lr,
            lr_scheduler_type=generator.schedule,
            warmup_steps=generator.warmup,
            logging_first_step=True,
            logging_steps=log_every,
            save_steps=every,
            remove_unused_columns=False,
        ),
        train_dataset=train_rows,
        data_collator=lambda rows: scored_batch(rows, pad),
        callbacks=[MarkWhole(), MeasureHeldOut(measure, every)],
    )


def _card(generator: Generator, model: Any) -> dict[str, Any]:
    trainable, total = parameter_counts(model)
    return {
        "method": generator.method,
        "base": generator.base,
        "corpus": generator.corpus,
        "format_version": FORMAT_VERSION,
        "trainable_parameters": trainable,
        "parameters": total,
    }
