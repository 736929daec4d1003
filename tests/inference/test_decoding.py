import itertools
import random
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import (
    AddedToken,
    GPT2LMHeadModel,
    LogitsProcessorList,
    TemperatureLogitsWarper,
    TopKLogitsWarper,
    TopPLogitsWarper,
)

from attune.generators.adapters import add_virtual_tokens
from attune.generators.encoding import Room, encode_prompt
from attune.generators.prompts import examples
from attune.inference.decoding import (
    GREEDY,
    Limits,
    generate,
    stop_token_ids,
    stream_reply,
    write_replies,
)
from attune.inference.next_token import choose
from attune.inference.reply import reply_of, up_to_stop
from attune.parameters.decoding import Decoding
from tests.generators.tiny import CHAT, dialogue_rows, gpt, lfm2, llama, saved, tokenizer, with_lora

WORDS = tokenizer()
EXAMPLES = examples(dialogue_rows())
SAMPLING = Decoding(method="sampling", temperature=0.9, top_k=30, top_p=0.95)
BEAM = Decoding(method="beam", beams=3, no_repeat_ngram=2, early_stopping=True)
STOP = WORDS.eos_token_id
LIMITS = Limits(12, (STOP,))
ROOM = Room(40)


def tuned(folder: Path) -> Any:
    saved(gpt(), folder)
    return add_virtual_tokens(GPT2LMHeadModel.from_pretrained(folder), folder, virtual_tokens=4)


@pytest.mark.parametrize("make", [gpt, lambda: gpt("gpt_neo"), llama, lfm2, tuned, with_lora])
@pytest.mark.parametrize("decoding", [SAMPLING, GREEDY, BEAM])
def test_a_reply_does_not_depend_on_its_batch(make: Any, decoding: Decoding, tmp_path: Path) -> None:
    model = make(tmp_path) if make is tuned else make()
    together = write_replies(model, WORDS, EXAMPLES, decoding, LIMITS, ROOM, batch_size=24, seed=5)
    some = slice(None, None, -3)  # of both lengths
    alone = write_replies(model, WORDS, EXAMPLES[some], decoding, LIMITS, ROOM, batch_size=1, seed=5)
    assert together[some] == alone


@pytest.mark.parametrize("decoding", [SAMPLING, GREEDY, BEAM])
def test_a_streamed_reply_grows_into_the_written_one(decoding: Decoding) -> None:
    for example in EXAMPLES[:6]:
        (whole,) = write_replies(gpt(), WORDS, [example], decoding, LIMITS, ROOM, batch_size=1, seed=5)
        prompt = encode_prompt(example, WORDS, ROOM).ids
        *parts, last = stream_reply(gpt(), WORDS, example.id, prompt, decoding, LIMITS, seed=5)
        assert last == whole
        assert all(part.truncated for part in parts)
        assert bool(parts) == (decoding is not BEAM)
        assert all(last.text.startswith(part.text) for part in parts)
        assert all(last.uncut.startswith(part.uncut) for part in parts)
        assert last.uncut == last.text if not last.truncated else last.uncut.startswith(last.text)
        assert [each.tokens for each in parts] == list(range(1, len(parts) + 1))
        assert last.tokens == len(parts) + 1 if parts else 1 < last.tokens <= LIMITS.tokens


def test_examples_of_the_same_prompt_have_replies_of_their_own() -> None:
    same = [replace(EXAMPLES[0], id=f"e{at}") for at in range(4)]
    replies = write_replies(gpt(), WORDS, same, SAMPLING, LIMITS, ROOM, 4, seed=5)
    assert len({reply.uncut for reply in replies}) > 1
    assert len({reply.uncut for reply in write_replies(gpt(), WORDS, same, GREEDY, LIMITS, ROOM, 4, seed=5)}) == 1


def test_another_seed_gives_other_replies() -> None:
    first, second = (write_replies(gpt(), WORDS, EXAMPLES, SAMPLING, LIMITS, ROOM, 8, seed) for seed in (1, 2))
    assert first != second


def test_greedy_tokens_are_those_of_transformers_generate() -> None:
    model, prompt = gpt(), encode_prompt(EXAMPLES[1], WORDS, ROOM).ids
    wanted = model.generate(
        torch.tensor([prompt]), max_new_tokens=12, do_sample=False, pad_token_id=WORDS.eos_token_id
    )[0, len(prompt) :].tolist()
    assert generate(model, [prompt], torch.zeros(1, 12), GREEDY, LIMITS) == [wanted]


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
    assert generate(model, [[3, 10]], torch.zeros(1, 9), GREEDY, Limits(9, (eos,))) == [[11, 12, 13, 14, eos]]


NONE = torch.empty(4, 0, dtype=torch.long)


def test_sampling_inverts_the_filtered_distribution() -> None:
    logits = torch.tensor([[0.5, 0.3, 0.2]]).log().repeat(4, 1)
    draws = torch.tensor([0.0, 0.49, 0.51, 0.99], dtype=torch.float64)
    assert choose(logits, draws, Decoding(method="sampling"), NONE).tolist() == [0, 0, 1, 2]
    rounded = torch.ones(4)  # what a draw just below 1 becomes where there is no float64
    assert choose(logits, rounded, Decoding(method="sampling"), NONE).tolist() == [2, 2, 2, 2]
    two = Decoding(method="sampling", top_k=2)  # 5/8 and 3/8
    assert choose(logits, torch.tensor([0.6, 0.63, 0.7, 0.99]), two, NONE).tolist() == [0, 1, 1, 1]


def test_what_was_written_is_penalised_or_barred() -> None:
    logits, draws = torch.tensor([[2.0, 1.5, 0.0]]), torch.zeros(1)
    written = torch.tensor([[0, 1, 0]])
    assert choose(logits, draws, GREEDY, written).tolist() == [0]
    # Token 0 and 1 were written: 2 / 3 and 1.5 / 3 are still above 0.
    assert choose(logits, draws, Decoding(method="greedy", repetition_penalty=3.0), written).tolist() == [0]
    assert choose(logits, draws, Decoding(method="greedy", repetition_penalty=3.0), written[:, 1:2]).tolist() == [0]
    assert choose(logits, draws, Decoding(method="greedy", repetition_penalty=3.0), written[:, :1]).tolist() == [1]
    # The bigram 0 1 was written, so after 0 comes no 1; the likeliest, 0, was not yet written after 0.
    assert choose(
        logits.flip(0)[:, [1, 0, 2]], draws, Decoding(method="greedy", no_repeat_ngram=2), written
    ).tolist() == [0]


def test_beam_search_is_transformers_own() -> None:
    model, prompt = gpt(), encode_prompt(EXAMPLES[1], WORDS, ROOM).ids
    free = Decoding(method="beam", beams=3)
    wanted = model.generate(torch.tensor([prompt]), max_new_tokens=12, num_beams=3, pad_token_id=STOP)[0, len(prompt) :]
    assert generate(model, [prompt], torch.zeros(1, 12), free, LIMITS) == [up_to_stop(wanted.tolist(), (STOP,))]


def test_what_a_model_s_own_settings_ask_for_is_not_done() -> None:
    model, prompt = gpt(), encode_prompt(EXAMPLES[1], WORDS, ROOM).ids
    free = Decoding(method="beam", beams=3)
    wanted = generate(model, [prompt], torch.zeros(1, 12), free, LIMITS)
    model.generation_config.repetition_penalty = 3.0
    model.generation_config.no_repeat_ngram_size = 1
    assert generate(model, [prompt], torch.zeros(1, 12), free, LIMITS) == wanted
    assert model.generation_config.repetition_penalty == 3.0


def test_a_model_s_own_settings_stay_in_place_while_beams_are_searched() -> None:
    """Another thread may be using the model."""
    model, prompt = gpt(), encode_prompt(EXAMPLES[1], WORDS, ROOM).ids
    own, seen = model.generation_config, list[bool]()
    model.transformer.register_forward_hook(lambda *_: seen.append(model.generation_config is own))
    generate(model, [prompt], torch.zeros(1, 12), Decoding(method="beam", beams=3), LIMITS)
    assert seen
    assert all(seen)


def test_more_beams_than_fit_into_memory_are_refused() -> None:
    with pytest.raises(ValueError, match="beams is 1000; at most 64 fit into memory"):
        Decoding(method="beam", beams=1000)


@pytest.mark.parametrize("decoding", [GREEDY, BEAM])
def test_lora_s_changes_are_written_with(decoding: Decoding) -> None:
    prompts = [encode_prompt(each, WORDS, ROOM).ids for each in EXAMPLES[:6]]
    draws = torch.zeros(6, 12)
    changed = generate(with_lora(), prompts, draws, decoding, LIMITS)
    assert changed == generate(with_lora().merge_and_unload(), prompts, draws, decoding, LIMITS)
    assert changed != generate(gpt(), prompts, draws, decoding, LIMITS)


def test_no_bigram_stands_twice_in_a_reply_of_beam_search() -> None:
    prompts = [encode_prompt(each, WORDS, ROOM).ids for each in EXAMPLES[:6]]
    for ids in generate(gpt(), prompts, torch.zeros(6, 12), BEAM, LIMITS):
        pairs = list(itertools.pairwise(ids))
        assert len(pairs) == len(set(pairs))


def test_a_reply_cut_inside_of_a_character_ends_before_it() -> None:
    ids = WORDS("So sad. It is \U0001f97a")["input_ids"][:-1]
    assert WORDS.decode(ids).endswith("\ufffd")
    assert reply_of(WORDS, ids, (STOP,)).uncut == "So sad. It is "
    assert reply_of(WORDS, ids, (STOP,), finished=False).text == "So sad. It is "


def test_a_turn_of_one_line_stops_where_its_line_ends() -> None:
    words, model = tokenizer(), gpt()
    line = words("\n", add_special_tokens=False)["input_ids"][0]
    assert line in stop_token_ids(model, words, lines=True)
    assert stop_token_ids(model, words, lines=False) == (STOP,)
    words.chat_template = CHAT
    assert stop_token_ids(model, words, lines=True) == (STOP,)
    model.generation_config.eos_token_id = [STOP, 7]
    assert stop_token_ids(model, words, lines=False) == tuple(sorted((STOP, 7)))


def test_a_stop_token_is_no_part_of_the_reply_but_what_stands_before_its_line_break_is() -> None:
    words = tokenizer()
    words.add_tokens([AddedToken("<end_of_turn>", special=False), AddedToken(".\n", special=False)])
    mark, line = words.convert_tokens_to_ids(["<end_of_turn>", ".\n"])
    said = words("So sad", add_special_tokens=False)["input_ids"]
    for stop, text in ((mark, "So sad"), (line, "So sad."), (STOP, "So sad")):
        reply = reply_of(words, [*said, stop], (STOP, mark, line))
        assert (reply.text, reply.truncated) == (text, False)


@pytest.mark.parametrize("settings", [{"top_k": 7}, {"top_p": 0.8}, {"top_k": 20, "top_p": 0.6, "temperature": 0.7}])
def test_sampling_filters_as_transformers_does(settings: dict[str, float]) -> None:
    decoding = Decoding(method="sampling", **settings)
    logits = torch.randn(50, 400, generator=torch.Generator().manual_seed(1)) * 3
    filtered = LogitsProcessorList([TemperatureLogitsWarper(decoding.temperature)])
    filtered += [TopKLogitsWarper(decoding.top_k)] if decoding.top_k else []
    filtered += [TopPLogitsWarper(decoding.top_p)] if decoding.top_p < 1 else []
    sums = filtered(None, logits).double().softmax(-1).cumsum(-1)
    draws = torch.rand(50, dtype=torch.float64, generator=torch.Generator().manual_seed(2))
    wanted = (sums <= draws[:, None]).sum(-1)
    assert choose(logits, draws, decoding, NONE).tolist() == wanted.tolist()


@pytest.mark.parametrize("temperature", [1e-300, 1e-45, 1e-38, 1e-7])
def test_the_coldest_sampling_is_greedy(temperature: float) -> None:
    logits = torch.randn(4, 400, generator=torch.Generator().manual_seed(1)) * 3
    for settings in ({}, {"top_k": 7}, {"top_p": 0.8}):
        decoding = Decoding(method="sampling", temperature=temperature, **settings)
        assert choose(logits, torch.full((4,), 0.99), decoding, NONE).tolist() == logits.argmax(-1).tolist()


@pytest.mark.parametrize("make", [gpt, lfm2])
def test_rows_that_have_ended_are_no_longer_computed(make: Any) -> None:
    model, sizes = make(), []
    model.register_forward_pre_hook(
        lambda _model, _args, named: sizes.append(len(named["attention_mask"])), with_kwargs=True
    )
    prompts = [[*each] for each in dict.fromkeys(tuple(encode_prompt(each, WORDS, ROOM).ids) for each in EXAMPLES)]
    draws = torch.rand(len(prompts), 12, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    many = Limits(12, tuple(range(0, len(WORDS), 5)))  # so that replies end at different lengths
    written = generate(model, prompts, draws, SAMPLING, many)
    going = [sum(len(ids) >= step for ids in written) for step in range(1, len(sizes) + 1)]
    assert sizes[0] == len(prompts)
    assert all(alive <= size <= max(alive * 4 / 3, 1) for alive, size in zip(going, sizes, strict=True))
    assert sizes[-1] < len(prompts)


@pytest.mark.parametrize("make", [gpt, lfm2])
def test_each_row_may_have_a_decoding_of_its_own_and_equal_prompts_are_read_once(make: Any) -> None:
    model, read, asked = make(), [], EXAMPLES[:4]
    points = (SAMPLING, GREEDY, Decoding(method="sampling", top_k=5, repetition_penalty=2.0))
    wanted = [reply for point in points for reply in write_replies(model, WORDS, asked, point, LIMITS, ROOM, 4, 5)]
    model.register_forward_pre_hook(
        lambda _model, _args, named: read.append(named.get("inputs_embeds")), with_kwargs=True
    )
    each = [point for point in points for _ in asked]
    assert write_replies(model, WORDS, [*asked] * 3, each, LIMITS, ROOM, 12, 5) == wanted
    prompts = {tuple(encode_prompt(example, WORDS, ROOM).ids) for example in asked}
    assert sum(len(embeds) for embeds in read if embeds is not None) == len(prompts)
    with pytest.raises(ValueError, match="beam search chooses no single token"):
        write_replies(model, WORDS, asked, [BEAM] * 4, LIMITS, ROOM, 4, 5)


def alone(model: Any, prompt: list[int], decoding: Decoding, limits: Limits) -> list[int]:
    """The greedy reply by transformers, whose penalties would see the tokens of a prompt, but not its embeddings."""
    written = model.generate(
        inputs_embeds=model.get_input_embeddings()(torch.tensor([prompt])),
        attention_mask=torch.ones(1, len(prompt), dtype=torch.long),
        max_new_tokens=limits.tokens,
        do_sample=False,
        repetition_penalty=decoding.repetition_penalty,
        no_repeat_ngram_size=decoding.no_repeat_ngram,
        eos_token_id=list(limits.stop_token_ids),
        pad_token_id=STOP,
    )
    return written[0].tolist()


@pytest.mark.filterwarnings("ignore:Passing:UserWarning")
@pytest.mark.parametrize("make", [gpt, lambda: gpt("gpt_neo"), lfm2])
@pytest.mark.parametrize("penalties", [{}, {"repetition_penalty": 3.0}, {"no_repeat_ngram": 1}])
def test_a_row_that_goes_on_after_others_have_ended_is_written_as_it_is_alone(
    make: Any, penalties: dict[str, float]
) -> None:
    model, greedy, chance = make(), Decoding(method="greedy", **penalties), random.Random(1)
    prompts = [[chance.randrange(len(WORDS)) for _ in range(chance.randint(1, 20))] for _ in range(12)]
    often = Limits(12, tuple(range(0, len(WORDS), 7)))
    wanted = [alone(model, prompt, greedy, often) for prompt in prompts]
    assert len({len(reply) for reply in wanted}) > 3
    assert generate(model, prompts, torch.zeros(len(prompts), 12), greedy, often) == wanted


def test_a_row_keeps_its_draws_and_its_settings_after_others_have_ended() -> None:
    model, chance = gpt(), random.Random(1)
    prompts = [[chance.randrange(len(WORDS)) for _ in range(5)] for _ in range(12)]
    draws = torch.rand(len(prompts), 12, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    often = Limits(12, tuple(range(0, len(WORDS), 7)))
    own = [SAMPLING, Decoding(method="sampling", top_k=5, repetition_penalty=2.0), GREEDY] * 4
    rows = range(len(prompts))
    wanted = [generate(model, [prompts[at]], draws[at : at + 1], own[at], often)[0] for at in rows]
    assert len({len(reply) for reply in wanted}) > 3
    assert generate(model, prompts, draws, own, often) == wanted
