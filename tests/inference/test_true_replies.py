from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import GPT2LMHeadModel

from attune import Generator
from attune.generators.adapters import add_virtual_tokens
from attune.generators.encoding import Room, encode_all
from attune.generators.losses import reply_nats
from attune.generators.prompts import Example, examples
from attune.inference.cache import keeps_all
from attune.inference.decoding import GREEDY, Limits, score_and_write, write_replies
from attune.inference.true_replies import TrueReplies
from attune.parameters.decoding import Decoding
from tests.generators.tiny import dialogue_rows, generator, gpt, lfm2, llama, saved, tokenizer, with_lora
from tests.inference.test_generator import trained

WORDS = tokenizer()
EXAMPLES = examples(dialogue_rows())
SAMPLING = Decoding(method="sampling", temperature=0.9, top_k=30, top_p=0.95)
BEAM = Decoding(method="beam", beams=3)
LONG = "My cat ran away and I am sorry that I am so sad today."


def tuned(folder: Path) -> Any:
    saved(gpt(), folder)
    return add_virtual_tokens(GPT2LMHeadModel.from_pretrained(folder), folder, virtual_tokens=4)


def tokens_read(model: Any) -> list[int]:
    """A list to which the lowest layer adds how many tokens, padding included, each call has."""
    counts: list[int] = []
    lowest = next(module for name, module in model.named_modules() if name.endswith((".h.0", ".layers.0")))
    lowest.register_forward_hook(lambda _, __, output: counts.append(output.numel() // output.shape[-1]))
    return counts


@pytest.mark.parametrize("make", [gpt, lambda: gpt("gpt_neo"), llama, tuned, with_lora])
@pytest.mark.parametrize("decoding", [SAMPLING, GREEDY])
@pytest.mark.parametrize("most", [2, 12])  # tokens of a written reply: fewer than the true ones have, and more
def test_a_prompt_that_is_read_once_gives_the_loss_and_the_reply_of_two_readings(
    make: Any, decoding: Decoding, most: int, tmp_path: Path
) -> None:
    model = make(tmp_path) if make is tuned else make()
    assert keeps_all(model)
    limits, room = Limits(most, (WORDS.eos_token_id,)), Room(60)
    asked = [*EXAMPLES[::2], replace(EXAMPLES[0], id="again", reply="I."), replace(EXAMPLES[0], id="long", reply=LONG)]
    rows = encode_all(asked, WORDS, room)
    assert len(rows[-1].reply) > 12
    found = score_and_write(model, WORDS, rows, decoding, limits, batch_size=10, seed=5)
    wanted = reply_nats(model, rows, WORDS.eos_token_id, 10)
    torch.testing.assert_close([nats for nats, _ in found], wanted, rtol=1e-5, atol=1e-4)
    assert [reply for _, reply in found] == write_replies(model, WORDS, asked, decoding, limits, room, 10, seed=5)


def both(found: Generator, asked: list[Example], decoding: Decoding) -> None:
    """Check `nats_and_replies` against `nats` and `replies`."""
    nats, rows, replies = zip(*found.nats_and_replies(asked, decoding, 8, 5), strict=True)
    wanted, read = found.nats(asked, 8)
    torch.testing.assert_close(list(nats), wanted, rtol=1e-5, atol=1e-4)
    assert list(rows) == read
    assert list(replies) == found.replies(asked, decoding, 8, 5)


@pytest.mark.parametrize("decoding", [SAMPLING, BEAM])
def test_a_prompt_that_a_true_reply_shortens_is_read_again(decoding: Decoding, tmp_path: Path) -> None:
    folder = trained(tmp_path, generator("full"))
    found = Generator.from_pretrained(folder, max_new_tokens=8)
    history = ("I am sad.", "Why?") * 6
    long = replace(EXAMPLES[1], id="long", history=history, reply=LONG)
    ((row,), whole) = (encode_all([long], found.tokenizer, found.room), found.prompt(long))
    assert len(row.prompt) < len(whole.ids)
    both(found, [EXAMPLES[0], long, EXAMPLES[3]], decoding)
    assert found.nats_and_replies([], decoding, 8, 5) == []


def test_most_prompts_are_read_once(tmp_path: Path) -> None:
    found = Generator.from_pretrained(trained(tmp_path, generator("full")), max_new_tokens=1)
    counts = tokens_read(found.model)
    asked = EXAMPLES[::2]  # the prompts of the others lose turns to their replies
    found.nats_and_replies(asked, GREEDY, len(asked), 5)
    together = sum(counts)
    counts.clear()
    _, rows = found.nats(asked, len(asked))
    apart = sum(counts)
    found.replies(asked, GREEDY, len(asked), 5)
    assert sum(counts) - apart >= sum(len(row.prompt) for row in rows)
    assert together <= apart


def test_a_model_that_forgets_reads_each_prompt_twice() -> None:
    assert not keeps_all(lfm2())
    assert not keeps_all(llama(layer_types=["sliding_attention", "full_attention"], sliding_window=8))
    assert keeps_all(llama())


def test_out_of_memory_halves_the_rows_that_are_scored_and_written_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    model, limits = gpt(), Limits(4, (WORDS.eos_token_id,))
    rows = encode_all(EXAMPLES[::2], WORDS, Room(60))
    wanted = score_and_write(model, WORDS, rows, GREEDY, limits, batch_size=3, seed=5)
    score, sizes = TrueReplies.score, list[int]()

    def limited(true: TrueReplies, *given: Any) -> None:
        sizes.append(len(true.ids))
        if len(true.ids) > 3:
            raise torch.OutOfMemoryError
        score(true, *given)

    monkeypatch.setattr(TrueReplies, "score", limited)
    found = score_and_write(model, WORDS, rows, GREEDY, limits, batch_size=12, seed=5)
    assert sizes == [12, 6, 3, 3, 3, 3]
    assert found == wanted
    monkeypatch.setattr(TrueReplies, "score", lambda *_: (_ for _ in ()).throw(torch.OutOfMemoryError))
    with pytest.raises(torch.OutOfMemoryError):
        score_and_write(model, WORDS, rows, GREEDY, limits, batch_size=4, seed=5)
