"""Small GPT-2- and GPT-Neo-shaped language models with a byte-level BPE, pretrained on a corpus' train text.

Architectures: GPT-2 (Radford et al. 2019); GPT-Neo alternates global and local attention (Black et al. 2021).
Importing this imports torch and transformers.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from tokenizers import ByteLevelBPETokenizer
from transformers import (
    GPT2Config,
    GPT2LMHeadModel,
    GPTNeoConfig,
    GPTNeoForCausalLM,
    PreTrainedModel,
    PreTrainedTokenizerFast,
)

from attune.core.errors import AttuneError
from attune.training.checkpoints import newest_complete
from attune.training.trainer import FiniteTrainer, MarkComplete, arguments

END = "<|endoftext|>"  # GPT-2's only special token: beginning, end and padding
# Standard deviation of the initial weights. GPT-2's 0.02 suits a width of 768; at 128 it learns far more slowly.
# GPT-Neo does not scale its attention scores down, and learns badly from weights as large as GPT-2 tolerates.
INITIAL_SCALE = {"gpt2": 0.06, "gpt_neo": 0.03}


@dataclass(frozen=True)
class Shape:
    """`family`: gpt2 or gpt_neo. `positions`: longest input in tokens, and the length of the training blocks."""

    family: str
    layers: int
    width: int
    heads: int
    vocabulary: int
    positions: int


@dataclass(frozen=True)
class Schedule:
    """`lr`: AdamW's peak rate, warmed up over a twentieth of `steps` and decayed to 0 along a cosine."""

    steps: int
    batch_tokens: int
    lr: float
    seed: int


# Names before the turns in half of the texts: a model of web text knows the format `Name: words` and continues it.
SPEAKERS = (
    ("Anna", "Ben"),
    ("Mother", "Son"),
    ("Sam", "Alex"),
    ("Guest", "Host"),
    ("Mia", "Tom"),
    ("Visitor", "Guide"),
)


def documents(rows: Iterable[dict[str, Any]]) -> list[str]:
    """One text per conversation with one line per turn; every second text has the speakers' names.

    The roles of `attune.generators.prompts` are not among the names, so that fine-tuning still has a format to teach.
    """
    texts = []
    for number, row in enumerate(rows):
        lines = row["utterances"] if "utterances" in row else row["turns"]
        if number % 2:
            names = SPEAKERS[number // 2 % len(SPEAKERS)]
            lines = [f"{names[turn % 2]}: {line}" for turn, line in enumerate(lines)]
        texts.append("\n".join(lines))
    return texts


def train_tokenizer(texts: Sequence[str], vocabulary: int, positions: int) -> PreTrainedTokenizerFast:
    """A byte-level BPE, as GPT-2's, of at most `vocabulary` tokens; it can encode any text."""
    bpe = ByteLevelBPETokenizer()
    bpe.train_from_iterator(texts, vocab_size=vocabulary, special_tokens=[END], show_progress=False)
    return PreTrainedTokenizerFast(
        tokenizer_object=bpe._tokenizer,
        bos_token=END,
        eos_token=END,
        pad_token=END,
        model_max_length=positions,
        clean_up_tokenization_spaces=False,
    )


def packed_blocks(tokenizer: PreTrainedTokenizerFast, texts: Sequence[str], length: int) -> list[list[int]]:
    """Blocks of exactly `length` tokens of the texts joined by END; a shorter remainder is dropped."""
    stream = [tokenizer.eos_token_id]
    for ids in tokenizer(list(texts), add_special_tokens=False, verbose=False)["input_ids"]:
        stream += [*ids, tokenizer.eos_token_id]
    return [stream[at : at + length] for at in range(0, len(stream) - length + 1, length)]


def untrained(shape: Shape, tokenizer: PreTrainedTokenizerFast, seed: int) -> PreTrainedModel:
    """Random weights. No dropout: so short a training sees its text too rarely to memorise it."""
    torch.manual_seed(seed)
    common = {
        "vocab_size": len(tokenizer),
        "max_position_embeddings": shape.positions,
        "initializer_range": INITIAL_SCALE[shape.family],
        "bos_token_id": tokenizer.bos_token_id,
        "eos_token_id": tokenizer.eos_token_id,
    }
    sizes = {"hidden_size": shape.width, "num_layers": shape.layers, "num_heads": shape.heads}
    if shape.family == "gpt2":
        names = {"hidden_size": "n_embd", "num_layers": "n_layer", "num_heads": "n_head"}
        dropout = {"resid_pdrop": 0.0, "embd_pdrop": 0.0, "attn_pdrop": 0.0}
        return GPT2LMHeadModel(GPT2Config(**common, **dropout, **{names[key]: size for key, size in sizes.items()}))
    attention = [[["global", "local"], shape.layers // 2], [["global"], shape.layers % 2]]
    return GPTNeoForCausalLM(GPTNeoConfig(**common, **sizes, attention_types=attention))


def pretrain(
    texts: Sequence[str], shape: Shape, schedule: Schedule, checkpoints: Path, target: Path
) -> dict[str, float]:
    """Train tokenizer and model on `texts`, save both in `target`; return tokens, steps and losses (nats per token).

    Resumes from the newest complete checkpoint in `checkpoints`.

    Raises
    ------
    AttuneError
        for texts that are shorter than one block.
    """
    tokenizer = train_tokenizer(texts, shape.vocabulary, shape.positions)
    blocks = packed_blocks(tokenizer, texts, shape.positions)
    if not blocks:
        raise AttuneError(f"the train text is shorter than a block of {shape.positions} tokens; lower `positions`")
    model = untrained(shape, tokenizer, schedule.seed)
    trainer = FiniteTrainer(
        model=model,
        args=_arguments(shape, schedule, checkpoints),
        train_dataset=blocks,
        data_collator=_batch,
        callbacks=[MarkComplete()],
    )
    trainer.train(resume_from_checkpoint=newest_complete(checkpoints))
    losses = [entry["loss"] for entry in trainer.state.log_history if "loss" in entry]
    model.save_pretrained(target)
    tokenizer.save_pretrained(target)
    return {
        "tokens": len(blocks) * shape.positions,
        "steps": schedule.steps,
        "first_loss": round(losses[0], 4),
        "last_loss": round(losses[-1], 4),
    }


def _arguments(shape: Shape, schedule: Schedule, checkpoints: Path) -> Any:
    log_every = max(1, schedule.steps // 20)
    return arguments(
        checkpoints,
        schedule.seed,
        max_steps=schedule.steps,
        per_device_train_batch_size=max(1, schedule.batch_tokens // shape.positions),
        learning_rate=schedule.lr,
        lr_scheduler_type="cosine",
        warmup_steps=0.05,
        adam_beta2=0.95,  # GPT-3's (Brown et al. 2020, appendix B), as is the decay
        weight_decay=0.1,
        logging_first_step=True,
        logging_steps=log_every,
        save_steps=7 * log_every,  # a checkpoint between two logs would lose the losses since the earlier one
        remove_unused_columns=False,
    )


def _batch(blocks: list[list[int]]) -> dict[str, torch.Tensor]:
    ids = torch.tensor(blocks)
    return {"input_ids": ids, "labels": ids}
