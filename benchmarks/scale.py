"""What training on the whole corpora would take, planned from measured rates: `python -m benchmarks.scale`.

Measured here: the FLOP of a training step (counted by torch) and the tokens per second and FLOP/s that this processor
reaches, for bert-base's and gpt-neo-1.3B's shape with random weights, the latter with a few of its layers. Extrapolated
from them: a training's FLOP by tokens, layers and weights; hours by FLOP/s; disk by the bytes of weights and moments.
`benchmarks.gpu` measures the same trainings' steps on a GPU.
"""

import os
from dataclasses import asdict, dataclass
from statistics import median
from typing import Any

from attune.core.determinism import pin, prepare
from benchmarks.harness import options, rounded, seconds, write

prepare()
os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")

ROUNDS, BATCH, LENGTH, LAYERS = 3, 2, 128, 2
GIB = 2**30


@dataclass(frozen=True)
class Shape:
    """A transformer's size. output: it has an output layer over the vocabulary, tied to the embeddings."""

    layers: int
    width: int
    vocabulary: int
    positions: int
    output: bool

    def multiplied(self, layers: int) -> int:
        """Weights that each token is multiplied with, in so many layers (inner width 4 x `width`) and the output."""
        return layers * 12 * self.width**2 + self.output * self.vocabulary * self.width

    def weights(self) -> int:
        return self.layers * 12 * self.width**2 + (self.vocabulary + self.positions) * self.width


@dataclass(frozen=True)
class Plan:
    """A training: examples of so many tokens on average, in batches of `batch` on each GPU.

    lora: the model's own weights are frozen, in 16 bits, so that no gradient is computed for them.
    """

    what: str
    model: str
    examples: int
    tokens: int
    epochs: int
    batch: int
    lora: bool = False

    @property
    def all_tokens(self) -> int:
        return self.examples * self.tokens * self.epochs

    @property
    def flop_per_token(self) -> float:
        return flop_per_token(self.model, SHAPES[self.model].layers, self.tokens, self.lora)


SHAPES = {
    "bert-base": Shape(12, 768, 30522, 512, output=False),
    "gpt-neo-1.3B": Shape(24, 2048, 50257, 2048, output=True),
}
PLANS = (
    # 281,163 conversations, 10 epochs (paper, section 5); mean lengths of context, reply and persona: 82, 21, 134.
    Plan("CoBERT, PEC", "bert-base", 281_163, 82 + 21 + 134, 10, 16),
    # 80 % of the hub's 24,850 conversations, two replies each, 3 epochs (second report).
    Plan("full, EmpatheticDialogues", "gpt-neo-1.3B", 39_760, 80, 3, 16),
    # 80 % of 10,000 rows (third report), each cut to 512 tokens: an upper limit.
    Plan("lora, OpenOrca-10k", "gpt-neo-1.3B", 8_000, 512, 1, 8, lora=True),
)


def model_of(name: str, layers: int) -> Any:
    """A model of random weights in the shape of `name`, with so many layers."""
    import torch
    from transformers import BertConfig, BertModel, GPTNeoConfig, GPTNeoForCausalLM

    torch.manual_seed(1)
    shape = SHAPES[name]
    size = {"vocab_size": shape.vocabulary, "max_position_embeddings": shape.positions, "hidden_size": shape.width}
    if not shape.output:
        return BertModel(BertConfig(num_hidden_layers=layers, **size), add_pooling_layer=False)
    kinds = [[["global", "local"], layers // 2]]
    return GPTNeoForCausalLM(GPTNeoConfig(num_layers=layers, attention_types=kinds, **size))


def rate(name: str, layers: int, chosen: Any) -> dict[str, Any]:
    """Counted FLOP and measured speed of forward and backward passes on this processor."""
    import torch
    from torch.utils.flop_counter import FlopCounterMode

    model = model_of(name, layers).train()
    ids = torch.randint(1000, 30000, (BATCH, LENGTH))

    def step() -> None:
        loss = model(ids, labels=ids).loss if SHAPES[name].output else model(ids).last_hidden_state.square().mean()
        loss.backward()
        model.zero_grad()

    with FlopCounterMode(display=False) as counter:
        step()
    flop, tokens = counter.get_total_flops(), BATCH * LENGTH
    taken = median(seconds(step) for _ in range(chosen.rounds))
    return {
        "model": name, "layers": layers, "length": LENGTH, "flop_per_token": rounded(flop / tokens),
        "expected_flop_per_token": rounded(flop_per_token(name, layers, LENGTH)),
        "tokens_per_s": rounded(tokens / taken), "gflops": rounded(flop / taken / 1e9),
    }  # fmt: skip


def flop_per_token(name: str, layers: int, length: int, lora: bool = False) -> float:
    """Of a training step (Kaplan et al. 2020, section 2.1): 6 per weight, 4 where it is frozen, and attention's."""
    shape = SHAPES[name]
    return (4 if lora else 6) * shape.multiplied(layers) + 12 * layers * length * shape.width


def extrapolated(plan: Plan, gflops: float) -> dict[str, Any]:
    """FLOP, hours and disk of a training; gflops: what this processor reaches."""
    flop = plan.all_tokens * plan.flop_per_token
    # Two checkpoints with both moments and the best weights while it trains, all in float32.
    disk = 0 if plan.lora else (2 * 12 + 4) * SHAPES[plan.model].weights()
    return asdict(plan) | {
        "flop": rounded(flop), "hours_here": rounded(flop / (gflops * 1e9) / 3600), "disk_gib": rounded(disk / GIB)
    }  # fmt: skip


def main() -> None:
    chosen = options(__doc__, rounds=ROUNDS, layers=LAYERS)
    pin(1, chosen.threads)
    measured = [rate("bert-base", SHAPES["bert-base"].layers, chosen), rate("gpt-neo-1.3B", chosen.layers, chosen)]
    speeds = {each["model"]: each["gflops"] for each in measured}
    plans = [extrapolated(plan, speeds[plan.model]) for plan in PLANS]
    rows = [{"kind": "measured"} | each for each in measured] + [{"kind": "extrapolated"} | each for each in plans]
    print(*rows, sep="\n", flush=True)
    write("scale", rows, chosen.threads)


if __name__ == "__main__":
    main()
