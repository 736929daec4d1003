"""A training step of each of `benchmarks.scale`'s plans on one NVIDIA GPU: `python -m benchmarks.gpu`.

Whole models of the real shapes with random weights and texts of the plans' lengths, in bf16: forward and backward
pass, clipping and AdamW's update. CoBERT's step is the pipeline's, at the paper's size. From a step's time follow the
hours of the training on this GPU; on eight, if none waits for another in EIGHT_GPUS of the time.
"""

import random
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

from attune.core.determinism import pin, prepare
from benchmarks.cobert import PERSONA, our_step, texts
from benchmarks.harness import options, peak_gib, rounded, seconds, write
from benchmarks.scale import PLANS, SHAPES, Plan, model_of

prepare()

WARM_UP, ROUNDS, EIGHT_GPUS = 3, 20, 0.9
# Does a training step and returns the number of its tokens, without padding.
Step = Callable[[], int]


def cobert_step(plan: Plan) -> Step:
    """CoBERT's on contexts of up to 256 tokens, ten persona sentences, and the batch's replies as candidates."""
    import torch

    from attune.cobert.model import Cobert, CobertConfig
    from attune.core.devices import device

    model = Cobert(CobertConfig(encoder=model_of(plan.model, SHAPES[plan.model].layers).config.to_dict()))
    model.to(device())
    optimizer = torch.optim.AdamW(model.parameters(), lr=2e-5, fused=True)
    draws = random.Random(1)

    def step() -> int:
        groups = texts(plan.batch, 256, draws)
        with torch.autocast(device(), torch.bfloat16):
            our_step(model, optimizer, groups)
        return sum(len(text) for group in groups for text in group)

    return step


def generator_step(plan: Plan) -> Step:
    """A causal language model's on texts of `plan.tokens` tokens, all of them scored; with LoRA the rest is in bf16."""
    import torch

    from attune.core.devices import device
    from attune.generators.adapters import add_lora

    with torch.device(device()):
        model = model_of(plan.model, SHAPES[plan.model].layers)
        ids = torch.randint(1, SHAPES[plan.model].vocabulary, (plan.batch, plan.tokens))
    if plan.lora:
        model = add_lora(model.to(torch.bfloat16), Path(), lora_rank=16, lora_alpha=32, lora_dropout=0.0)
    trained = [each for each in model.parameters() if each.requires_grad]
    optimizer = torch.optim.AdamW(trained, lr=2e-5, fused=True)

    def step() -> int:
        with torch.autocast(device(), torch.bfloat16):
            loss = model(input_ids=ids, labels=ids).loss
        loss.backward()
        torch.nn.utils.clip_grad_norm_(trained, 1.0)
        optimizer.step()
        optimizer.zero_grad()
        return ids.numel()

    return step


def measured(plan: Plan, rounds: int) -> dict[str, Any]:
    """Seconds and tokens per second of the plan's step (medians), FLOP/s by the formula, memory and hours."""
    step = (generator_step if SHAPES[plan.model].output else cobert_step)(plan)
    tokens: list[int] = []
    taken = [seconds(lambda: tokens.append(step())) for _ in range(WARM_UP + rounds)]
    rate = median(count / each for count, each in zip(tokens[WARM_UP:], taken[WARM_UP:], strict=True))
    hours = plan.all_tokens / rate / 3600
    return {
        "what": plan.what, "model": plan.model, "batch": plan.batch, "tokens": plan.tokens,
        "seconds": rounded(median(taken[WARM_UP:])), "tokens_per_s": rounded(rate),
        "tflops": rounded(rate * plan.flop_per_token / 1e12), "gib": rounded(peak_gib()),
        "hours": rounded(hours), "hours_8_gpus": rounded(hours / (8 * EIGHT_GPUS)),
    }  # fmt: skip


def main() -> None:
    import torch

    chosen = options(__doc__, rounds=ROUNDS)
    if not torch.cuda.is_available():
        raise SystemExit("error: there is no NVIDIA GPU that PyTorch can use")
    pin(1, chosen.threads)
    rows = []
    for plan in PLANS:
        torch.cuda.reset_peak_memory_stats()
        rows.append(measured(plan, chosen.rounds))
        print(rows[-1], flush=True)
    write("steps", rows, chosen.threads, rounds=chosen.rounds, personas_up_to=PERSONA[1], eight_gpus=EIGHT_GPUS)


if __name__ == "__main__":
    main()
