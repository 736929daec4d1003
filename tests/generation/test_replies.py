from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import GPT2LMHeadModel

from attune.generation.adapters import tune_prompt
from attune.generation.encoding import encode_prompt
from attune.generation.prompts import examples
from attune.generation.replies import Decoding, choose, generate, write_replies
from tests.generation.tiny import dialogue_rows, gpt, llama, saved, tokenizer

WORDS = tokenizer()
EXAMPLES = examples(dialogue_rows())
SAMPLING = Decoding(sample=True, temperature=0.9, top_k=30, top_p=0.95, max_new_tokens=12)
GREEDY = Decoding(sample=False, temperature=1.0, top_k=0, top_p=1.0, max_new_tokens=12)


def tuned(folder: Path) -> Any:
    saved(gpt(), folder)
    return tune_prompt(GPT2LMHeadModel.from_pretrained(folder), folder, virtual_tokens=4)


@pytest.mark.parametrize("make", [gpt, lambda: gpt("gpt_neo"), llama, tuned])
@pytest.mark.parametrize("decoding", [SAMPLING, GREEDY])
def test_a_reply_does_not_depend_on_its_batch(make: Any, decoding: Decoding, tmp_path: Path) -> None:
    model = make(tmp_path) if make is tuned else make()
    together = write_replies(model, WORDS, EXAMPLES, decoding, 40, batch_size=24, seed=5)
    alone = write_replies(model, WORDS, EXAMPLES[::-1], decoding, 40, batch_size=1, seed=5)
    assert together == alone[::-1]


def test_another_seed_gives_other_replies() -> None:
    first, second = (write_replies(gpt(), WORDS, EXAMPLES, SAMPLING, 40, 8, seed) for seed in (1, 2))
    assert first != second


def test_greedy_tokens_are_those_of_transformers_generate() -> None:
    model, prompt = gpt(), encode_prompt(EXAMPLES[1], WORDS, 40)
    wanted = model.generate(
        torch.tensor([prompt]), max_new_tokens=12, do_sample=False, pad_token_id=WORDS.eos_token_id
    )[0, len(prompt) :].tolist()
    assert generate(model, [prompt], torch.zeros(1, 12), GREEDY, WORDS.eos_token_id) == [wanted]


def test_a_reply_holds_no_prompt_and_stops_at_eos() -> None:
    """A model whose next token is always the one after: the reply is what follows the prompt, up to eos."""
    model = gpt()
    eos = WORDS.eos_token_id
    follows = {token: token + 1 for token in range(10, 14)} | {14: eos}
    width = model.config.n_embd
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.zero_()
        model.transformer.ln_f.weight.fill_(1)
        codes = torch.randn(len(WORDS), width, generator=torch.Generator().manual_seed(1))
        model.lm_head.weight = torch.nn.Parameter(torch.zeros(len(WORDS), width))
        model.transformer.wte.weight.copy_(codes)
        for token, after in follows.items():
            code = torch.nn.functional.layer_norm(codes[token], (width,))
            model.lm_head.weight[after] = code
    assert generate(model, [[3, 10]], torch.zeros(1, 9), GREEDY, eos) == [[11, 12, 13, 14, eos]]


def test_sampling_inverts_the_filtered_distribution() -> None:
    logits = torch.tensor([[0.5, 0.3, 0.2]]).log().repeat(4, 1)
    draws = torch.tensor([0.0, 0.49, 0.51, 0.99], dtype=torch.float64)
    everything = Decoding(True, 1.0, 0, 1.0, 1)
    assert choose(logits, draws, everything).tolist() == [0, 0, 1, 2]
    two = Decoding(True, 1.0, 2, 1.0, 1)  # 5/8 and 3/8
    assert choose(logits, torch.tensor([0.6, 0.63, 0.7, 0.99]), two).tolist() == [0, 1, 1, 1]
