"""Training a generator: fully, by prompt tuning or by LoRA, with its loss on the replies alone."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

from attune.core.errors import AttuneError
from attune.core.files import write_json
from attune.generators.batches import ends_together, scored_batch
from attune.generators.encoding import Encoded, Room, encode_all
from attune.generators.held_out import hold_out
from attune.generators.learning_curve import MeasureHeldOut, curve_rows
from attune.generators.length_sampler import GroupingTrainer
from attune.generators.loading import (
    CARD,
    add_lora,
    check_positions,
    load_base,
    load_tokenizer,
    parameter_counts,
    positions_of,
    save_generator,
    tune_prompt,
)
from attune.generators.losses import mean_loss, training_loss
from attune.generators.prompts import FORMAT_VERSION, Example
from attune.parameters.generators import Generator, Prompted, Trained
from attune.training.checkpoints import newest_whole
from attune.training.trainer import MarkWhole, arguments

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
    """Train on `examples` from the model in `base`, save into `target` and give the curve's rows.

    A prompted base is measured once and not trained.
    """
    tokenizer = load_tokenizer(base)
    passages = generator.passage_tokens
    room = Room(generator.max_length, passages, generator.max_length + passages)
    learned, held_out = hold_out(examples, HELD_OUT_SHARE, HELD_OUT_ROWS, seed)
    held = encode_all(held_out, tokenizer, room)
    if not learned:
        raise AttuneError(f"{generator.corpus} has one conversation in its train split; training needs two")
    pad = tokenizer.eos_token_id
    if isinstance(generator, Prompted):
        model: Any = load_base(base)
        check_positions(generator, generator.max_length, positions_of(model))
        tokenizer.save_pretrained(target)
        history = [{"step": 0, "epoch": 0.0, "valid_loss": mean_loss(model, held, pad, _SCORED_AT_ONCE)}]
    else:
        model = _trainable(generator, base, room, seed)
        rows = encode_all(learned, tokenizer, room)
        trainer = _trainer(generator, model, rows, held, pad, seed, checkpoints)
        trainer.train(resume_from_checkpoint=newest_whole(checkpoints))
        save_generator(model, tokenizer, target, generator.base)
        history = trainer.state.log_history
    write_json(target / CARD, _card(generator, model))
    return curve_rows(history)


def _trainable(generator: Trained, base: Path, room: Room, seed: int) -> Any:
    model = load_base(base, generator.load_in_4bit)
    torch.manual_seed(seed)  # LoRA begins with random numbers, before the trainer seeds its own
    positions = positions_of(model)
    check_positions(generator, room.whole or room.prompt, positions and positions - (generator.virtual_tokens or 0))
    if generator.gradient_checkpointing:
        model.enable_input_require_grads()  # frozen embeddings would leave nothing to go back to
    if generator.virtual_tokens:
        return tune_prompt(model, base, generator.virtual_tokens)
    if generator.lora_rank and generator.lora_alpha:
        return add_lora(model, generator.lora_rank, generator.lora_alpha, generator.lora_dropout or 0.0)
    return model


def _trainer(
    generator: Trained,
    model: Any,
    train_rows: Sequence[Encoded],
    held: Sequence[Encoded],
    pad: int,
    seed: int,
    checkpoints: Path,
) -> GroupingTrainer:
    log_every = generator.log_steps or max(1, generator.steps // 20)
    # A checkpoint between two logs would lose the losses since the first of them.
    every = generator.save_steps or 4 * log_every
    ends = ends_together(model)

    def measure(current: Any) -> float:
        return mean_loss(current, held, pad, _SCORED_AT_ONCE)

    return GroupingTrainer(
        model=model,
        args=arguments(
            checkpoints,
            seed,
            max_steps=generator.steps,
            per_device_train_batch_size=generator.batch_size,
            gradient_accumulation_steps=generator.accumulation,
            activation_checkpointing=generator.gradient_checkpointing,
            activation_checkpointing_kwargs={"use_reentrant": False},
            bf16=generator.bf16 and torch.cuda.is_available() and torch.cuda.is_bf16_supported(),
            learning_rate=generator.lr,
            lr_scheduler_type=generator.schedule,
            warmup_steps=generator.warmup,
            logging_first_step=True,
            logging_steps=log_every,
            save_steps=every,
            remove_unused_columns=False,
        ),
        train_dataset=train_rows,
        data_collator=lambda rows: scored_batch(rows, pad, ends),
        compute_loss_func=training_loss,
        callbacks=[MarkWhole(), MeasureHeldOut(measure, every)],
    )


def _card(generator: Generator, model: Any) -> dict[str, Any]:
    trainable, total = parameter_counts(model)
    if isinstance(generator, Prompted):
        trainable = 0
    return {
        "method": generator.method,
        "base": generator.base,
        "corpus": generator.corpus,
        "format_version": FORMAT_VERSION,
        "trainable_parameters": trainable,
        "parameters": total,
    }
