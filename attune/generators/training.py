"""Training a generator by any method, with the loss on the replies alone."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import torch
from datasets import Dataset
from transformers import TrainerCallback, TrainingArguments

from attune.core.errors import AttuneError
from attune.generators.adapters import ADAPTERS, frozen_count
from attune.generators.batches import accepts_left_padding, scored_batch
from attune.generators.best_weights import BestWeights
from attune.generators.encoded import IGNORED, Encoded, Joined
from attune.generators.encoding import Room, encode_all
from attune.generators.frozen import lower_states_kept
from attune.generators.held_out import MEASURED_ROWS, hold_out, opening
from attune.generators.learning_curve import MeasureHeldOut, curve_rows
from attune.generators.length_sampler import GroupingTrainer
from attune.generators.loading import (
    card_of,
    check_positions,
    four_bit_config,
    load_base,
    load_tokenizer,
    positions_of,
    transformer_of,
    write_card,
)
from attune.generators.losses import mean_loss
from attune.generators.prompts import Example
from attune.generators.rows import encoded, joined, last_of_chains, some_without_passages, write_rows
from attune.generators.saving import save_generator
from attune.generators.sharding import ShardingTrainer, shard
from attune.parameters.generators import GeneratorSettings, TrainedSettings
from attune.parameters.methods import METHODS
from attune.training.checkpoints import newest_complete
from attune.training.distributed import barrier, share
from attune.training.launcher import is_writer
from attune.training.precision import instead_of_bf16, uses_bf16
from attune.training.trainer import Follow, MarkComplete, arguments

_SCORED_AT_ONCE = 16


def train(
    settings: GeneratorSettings,
    base: Path,
    examples: Iterable[Example],
    seed: int,
    checkpoints: Path,
    target: Path,
    *,
    drawing_seed: int | None = None,
    fsdp: bool = False,
    follow: Callable[[list[dict[str, float]]], None] = lambda _: None,
    trackers: Sequence[TrainerCallback] = (),
) -> list[dict[str, float]]:
    """Train the model in `base` on `examples`, write the generator into `target` and return the learning curve's rows.

    examples: gone through more than once. `checkpoints` also holds the tokenised rows. The weights written are those
    of the lowest held-out loss; an untrained base is measured once. drawing_seed: of what is held out and which prompts
    have no passages (None: `seed`), which models of several seeds share. fsdp: each process holds a part of the
    training's state. follow: gets the growing curve.

    Raises
    ------
    AttuneError
        if the examples are of fewer than two conversations, the base has too few positions, or a loss is not finite.
    """
    _check_four_bits(settings)  # before the rows are tokenised
    tokenizer, room, drawn = load_tokenizer(base), _room(settings), seed if drawing_seed is None else drawing_seed
    read = partial(_read, examples, settings, drawn)
    first, pad = _first(read, settings), tokenizer.eos_token_id
    if isinstance(settings, TrainedSettings):
        parts = _split(_rows(checkpoints / "rows.arrow", read(), tokenizer, room), settings.corpus, drawn)
        untrained = partial(_trainable, settings, base, room, seed)
        followers = [Follow(lambda history: follow(curve_rows(history))), *trackers]
        model, history = _trained(settings, untrained, *parts, pad, seed, checkpoints, fsdp, followers)
        _save(model, tokenizer, target, settings.base)
    else:
        model, history = _measured(settings, base, _held_out(read, settings.corpus, tokenizer, room, drawn), pad)
        tokenizer.save_pretrained(target)
    _write_card(target, settings, first, examples, model, base)
    return curve_rows(history)


def _save(model: Any, tokenizer: Any, target: Path, base: str) -> None:
    if is_writer():
        save_generator(model, tokenizer, target, base)


def _check_four_bits(settings: GeneratorSettings) -> None:
    if settings.load_in_4bit:
        four_bit_config()


def _room(settings: GeneratorSettings) -> Room:
    whole = settings.max_length + settings.passage_tokens
    return Room(settings.max_length, settings.passage_tokens, whole, settings.persona_tokens)


def _write_card(
    target: Path, settings: GeneratorSettings, first: Example, examples: Iterable[Example], model: Any, base: Path
) -> None:
    if is_writer():
        precision = instead_of_bf16(isinstance(settings, TrainedSettings) and settings.bf16)
        write_card(target, card_of(settings, first.roles, _one_line(settings, examples), model, base, precision))


def _read(examples: Iterable[Example], settings: GeneratorSettings, seed: int) -> Iterator[Example]:
    """The examples in their order; where they are read with passages, some have none (`some_without_passages`)."""
    return some_without_passages(examples, seed) if settings.passage_tokens else iter(examples)


def _one_line(settings: GeneratorSettings, examples: Iterable[Example]) -> bool:
    """Whether a reply ends at its first line break, since no reply in training has one or there is no training.

    An untrained base has not learned where a reply ends, and would continue with the other person's next turn.
    """
    return not settings.trains or not any("\n" in each.reply.strip() for each in examples)


def _first(read: Callable[[], Iterator[Example]], settings: GeneratorSettings) -> Example:
    first = next(read(), None)
    if first is None:
        raise AttuneError(f"{settings.corpus} has no train rows; run the stages subset and preprocess first")
    return first


def _measured(settings: GeneratorSettings, base: Path, held_out: Sequence[Encoded], pad: int) -> tuple[Any, list[Any]]:
    """The model in `base`, and a log with its held-out loss."""
    model = load_base(base, settings.load_in_4bit)
    check_positions(settings, settings.max_length, positions_of(model))
    return model, [{"step": 0, "epoch": 0.0, "valid_loss": mean_loss(model, held_out, pad, _SCORED_AT_ONCE)}]


def _trained(
    settings: TrainedSettings,
    untrained: Callable[[], Any],
    train_rows: Dataset,
    held_out: Sequence[Encoded],
    pad: int,
    seed: int,
    checkpoints: Path,
    fsdp: bool,
    followers: Sequence[TrainerCallback],
) -> tuple[Any, list[dict[str, Any]]]:
    """The model that `untrained` gives, with the weights of its lowest held-out loss (the writer's), and the log."""
    model = untrained()
    best = BestWeights(checkpoints / "best.safetensors")
    log_every = settings.steps_between_logs
    # A checkpoint between two logs would lose the losses since the first of them.
    every, left = settings.save_steps or 4 * log_every, accepts_left_padding(model)
    measure = partial(mean_loss, rows=held_out, pad=pad, batch_size=_SCORED_AT_ONCE)
    transformer = transformer_of(model)
    # With FSDP each process must call each layer as often as the others, whatever rows it has seen.
    kept = 0 if fsdp else frozen_count(transformer, settings.frozen_layers)
    with lower_states_kept(transformer, kept):
        trainer = (ShardingTrainer if fsdp else GroupingTrainer)(
            model=shard(model) if fsdp else model,
            args=_arguments(settings, checkpoints, seed, log_every, every),
            train_dataset=train_rows,
            data_collator=lambda batch: _shared([joined(row) for row in batch], pad, left),
            callbacks=[MarkComplete(), MeasureHeldOut(measure, every, best, settings.early_stopping), *followers],
        )
        trainer.train(resume_from_checkpoint=newest_complete(checkpoints))
    if is_writer():
        model = untrained() if fsdp else model  # no process has the whole of the trained one
        best.restore(model)
    return model, trainer.state.log_history


def _shared(rows: Sequence[Joined], pad: int, left: bool) -> dict[str, torch.Tensor]:
    """This process's share of a batch; where it has none, the first row without a token that is scored."""
    own = share(rows)
    batch = scored_batch(own or rows[:1], pad, left=left)
    return batch if own else batch | {"labels": torch.full_like(batch["labels"], IGNORED)}


def _rows(path: Path, examples: Iterable[Example], tokenizer: Any, room: Room) -> Dataset:
    """The tokenised rows, which one process writes for all."""
    if is_writer():
        write_rows(path, examples, tokenizer, room)
    barrier()
    return Dataset.from_file(str(path))


def _split(rows: Dataset, corpus: str, seed: int) -> tuple[Dataset, list[Encoded]]:
    """The rows to train on, from the disk and to be `joined`, and the few held out whose loss is measured."""
    positions, held_out = _positions(rows["conversation"][:], rows["opening"][:], corpus, seed)
    return rows.select(last_of_chains(rows, positions)), [encoded(row) for row in rows.select(held_out)]


def _held_out(
    read: Callable[[], Iterator[Example]], corpus: str, tokenizer: Any, room: Room, seed: int
) -> list[Encoded]:
    """The rows whose loss `_split` would have measured, without tokenising those to train on."""
    conversations, openings = zip(*((each.conversation, opening(each)) for each in read()), strict=True)
    _, held_out = _positions(conversations, openings, corpus, seed)
    places = set(held_out)
    found = {at: each for at, each in enumerate(read()) if at in places}
    return encode_all([found[at] for at in held_out], tokenizer, room)


def _positions(
    conversations: Sequence[str], openings: Sequence[str], corpus: str, seed: int
) -> tuple[list[int], list[int]]:
    """Which rows to train on, and which of those held out to measure the loss of."""
    positions, held_out = hold_out(conversations, openings, seed)
    if not positions:
        raise AttuneError(f"{corpus} has one conversation in its train split; training needs two")
    return positions, held_out[:MEASURED_ROWS]


def _trainable(settings: TrainedSettings, base: Path, room: Room, seed: int) -> Any:
    model = load_base(base, settings.load_in_4bit)
    torch.manual_seed(seed)  # adapters start from random numbers, before the trainer seeds its own
    if settings.gradient_checkpointing:
        model.enable_input_require_grads()  # with frozen embeddings, checkpointed blocks would get no gradient
    keys = settings.method_keys
    if METHODS[settings.method].freezes_layers:
        keys |= {"frozen_layers": frozen_count(model, settings.frozen_layers)}
    model = ADAPTERS[settings.method](model, base, **keys)
    check_positions(settings, room.whole or room.prompt, positions_of(model))
    return model


def _arguments(
    settings: TrainedSettings, checkpoints: Path, seed: int, log_every: int, save_every: int
) -> TrainingArguments:
    return arguments(
        checkpoints,
        seed,
        max_steps=settings.steps,
        per_device_train_batch_size=settings.batch_size,
        gradient_accumulation_steps=settings.accumulation,
        activation_checkpointing=settings.gradient_checkpointing,
        activation_checkpointing_kwargs={"use_reentrant": False},
        bf16=uses_bf16(settings.bf16),
        learning_rate=settings.lr,
        lr_scheduler_type=settings.schedule,
        warmup_steps=settings.warmup,
        logging_first_step=True,
        logging_steps=log_every,
        save_steps=save_every,
        remove_unused_columns=False,
    )
