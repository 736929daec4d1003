import json
import os
import shutil
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest

from attune import Generator
from attune.core.errors import AttuneError
from attune.generators.loading import load_base, load_tokenizer, positions_of, read_card
from attune.generators.losses import reply_nats
from attune.generators.prompts import examples
from attune.generators.roles import DIALOGUE
from attune.generators.training import train
from attune.inference.decoding import GREEDY
from attune.parameters.decoding import Decoding
from attune.parameters.generators import GeneratorSettings
from tests.generators.tiny import dialogue_rows, generator, gpt, prompted, saved
from tests.git_lfs import POINTER

EXAMPLES = examples(dialogue_rows())
CONTEXT = ["I am sad.", "Why?", "My cat ran away."]
SAMPLING = Decoding(method="sampling", temperature=0.9, top_k=30, top_p=0.95)
SETTINGS = {"full": generator("full"), "prompt_tuning": generator("prompt_tuning"), "lora": generator("lora")}
SETTINGS["prompt"] = prompted()


def trained(root: Path, settings: GeneratorSettings, instruction: str = "", positions: int = 64) -> Path:
    """models/base/tiny and a generator on it, as the pipeline lays them out: a copy, since tests change them."""
    made = _trained_once(type(settings), settings.model_dump_json(), instruction, positions)
    shutil.copytree(Path(made.name) / "models", root / "models")
    return root / "models" / "generators" / "g"


@cache
def _trained_once(
    section: type[GeneratorSettings], settings: str, instruction: str, positions: int
) -> "TemporaryDirectory[str]":
    made = TemporaryDirectory()
    root = Path(made.name)
    base = saved(gpt(positions=positions), root / "models" / "base" / "tiny")
    given = examples(dialogue_rows(), instruction)
    train(section.model_validate_json(settings), base, given, 1, root / "checkpoints", root / "models/generators/g")
    return made


@pytest.mark.parametrize("method", SETTINGS)
def test_a_folder_is_all_that_it_takes(method: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = trained(tmp_path, SETTINGS[method], SETTINGS[method].instruction)
    found = Generator.from_pretrained(folder, max_new_tokens=8)
    assert (found.card.method, found.card.base, found.card.roles) == (method, "tiny", DIALOGUE)
    assert found.card.instruction == SETTINGS[method].instruction
    reply = found.reply(CONTEXT)
    assert reply == found.reply(CONTEXT, seed=14)  # greedy
    monkeypatch.chdir(folder.parent)
    assert Generator.from_pretrained("g", max_new_tokens=8).reply(CONTEXT) == reply
    elsewhere = saved(gpt(), tmp_path / "elsewhere")
    assert Generator.from_pretrained("g", elsewhere, max_new_tokens=8).reply(CONTEXT) == reply


def test_a_generator_scores_and_writes_as_it_was_trained_to(tmp_path: Path) -> None:
    folder = trained(tmp_path, SETTINGS["full"])
    found = Generator.from_pretrained(folder, max_new_tokens=8)
    nats, encoded = found.nats(EXAMPLES, 5)
    model, words = load_base(folder), load_tokenizer(folder)
    assert nats == reply_nats(model, encoded, words.eos_token_id, 5)
    base = reply_nats(load_base(tmp_path / "models/base/tiny"), encoded, words.eos_token_id, 5)
    assert sum(nats) < sum(base)


def test_one_reply_is_that_of_the_batch(tmp_path: Path) -> None:
    found = Generator.from_pretrained(trained(tmp_path, SETTINGS["lora"]), max_new_tokens=8)
    asked = found.example("reply", CONTEXT)
    assert (asked.history, asked.question, asked.roles) == (("I am sad.", "Why?"), "My cat ran away.", DIALOGUE)
    together = found.replies([*EXAMPLES[:5], asked], SAMPLING, batch_size=6, seed=5)
    assert found.reply(CONTEXT, decoding=SAMPLING, seed=5) == together[-1]
    *_, last = found.stream("reply", found.prompt(asked), SAMPLING, seed=5)
    assert last == together[-1]
    others = {found.reply(CONTEXT, decoding=SAMPLING, seed=seed).text for seed in range(5)}
    assert len(others) > 1


def test_passages_stand_in_the_prompt_where_there_is_room(tmp_path: Path) -> None:
    settings = generator("full", rows="passages/empathetic_dialogues", passage_tokens=8, max_length=40)
    folder = trained(tmp_path, settings)
    passage = "Oh.\n"
    for found, kept in (
        (Generator.from_pretrained(folder, max_new_tokens=8), [passage]),
        (Generator.from_pretrained(folder, max_new_tokens=8, passage_tokens=0), []),
    ):
        assert found.prompt(found.example("c", ["I am sad."], [passage])).passages == kept
    assert Generator.from_pretrained(folder, max_new_tokens=8).reply(["I am sad."], [passage]).text != ""


def test_replies_of_one_line_stop_where_it_ends(tmp_path: Path) -> None:
    folder = trained(tmp_path, SETTINGS["full"])
    one_line = Generator.from_pretrained(folder).limits.stop_token_ids
    card = json.loads((folder / "card.json").read_text())
    (folder / "card.json").write_text(json.dumps(card | {"one_line": False}))
    found = Generator.from_pretrained(folder).limits.stop_token_ids
    assert found == (load_tokenizer(folder).eos_token_id,)
    assert set(found) < set(one_line)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"format_version": 1}, "knows prompts of format 1, not 5; `dvc repro train_generator` trains it again"),
        ({"method": "ia3"}, "was trained by the unknown method 'ia3'; known: prompt, full"),
        ({"roles": None}, "was written by another version"),
        ({"extra": 1}, "was written by another version"),
        ({"max_length": 8}, r"^max_length = 8 in card\.json leaves a prompt 8 tokens, and it needs 16; raise it, or"),
        ({"max_length": 65}, "need 65 positions, but the base tiny has 64"),
        ({"base": "other"}, r"which is not in .*/base/other; name the base"),
    ],
)
def test_a_card_that_does_not_fit_is_one_clear_error(change: dict[str, object], message: str, tmp_path: Path) -> None:
    folder = trained(tmp_path, SETTINGS["lora"])
    card = json.loads((folder / "card.json").read_text())
    (folder / "card.json").write_text(json.dumps(card | change))
    with pytest.raises(AttuneError, match=message):
        Generator.from_pretrained(folder)


def test_a_folder_without_a_generator_names_the_stage(tmp_path: Path) -> None:
    with pytest.raises(AttuneError, match=r"card\.json is missing; `dvc repro train_generator` writes it"):
        Generator.from_pretrained(tmp_path)


def test_what_cannot_be_answered_is_refused(tmp_path: Path) -> None:
    folder = trained(tmp_path, SETTINGS["full"])
    found = Generator.from_pretrained(folder, max_new_tokens=8)
    with pytest.raises(ValueError, match="context is empty"):
        found.reply([])
    with pytest.raises(ValueError, match=r"context must be a list of strings, not a string; write \['Hi'\]"):
        found.reply("Hi")
    with pytest.raises(ValueError, match="passages is None; it must be a list of strings"):
        found.reply(CONTEXT, passages=None)
    with pytest.raises(ValueError, match="1 decodings for 2 examples; each needs one"):
        found.replies([found.example(name, CONTEXT) for name in "ab"], [GREEDY], 2, 13)
    with pytest.raises(ValueError, match="passage_tokens is -1; it must be a whole number of at least 0"):
        Generator.from_pretrained(folder, passage_tokens=-1)
    positions = positions_of(found.model)
    with pytest.raises(AttuneError, match=f"max_new_tokens = 60 leaves 4 of the model's {positions} positions"):
        Generator.from_pretrained(folder, max_new_tokens=60)


@pytest.mark.parametrize(("method", "positions", "longest"), [("full", 64, 48), ("prompt_tuning", 64, 44)])
def test_the_longest_reply_leaves_a_prompt_its_room(method: str, positions: int, longest: int, tmp_path: Path) -> None:
    folder = trained(tmp_path, SETTINGS[method], positions=positions)
    found = Generator.from_pretrained(folder)
    assert (found.limits.tokens, found.writing_room.whole) == (longest, 16)
    assert found.reply(CONTEXT) == Generator.from_pretrained(folder, max_new_tokens=longest).reply(CONTEXT)
    with pytest.raises(AttuneError, match=f"max_new_tokens = {longest + 1} leaves 15 of the model's"):
        Generator.from_pretrained(folder, max_new_tokens=longest + 1)


def test_what_is_no_decoding_and_no_number_of_tokens_is_refused(tmp_path: Path) -> None:
    folder = trained(tmp_path, SETTINGS["full"])
    found = Generator.from_pretrained(folder, max_new_tokens=8)
    wrong: list[Any] = ["greedy", ["greedy"], 5, None]
    for given in wrong:
        with pytest.raises(ValueError, match="decoding must be a Decoding, or one per example"):
            found.reply(CONTEXT, decoding=given)
    counts: list[Any] = [0, -1, 1.5]
    for tokens in counts:
        with pytest.raises(ValueError, match=f"^tokens is {tokens}; it must be a whole number of at least 1"):
            next(found.stream("a", found.prompt(found.example("a", CONTEXT)), GREEDY, 13, tokens))
        with pytest.raises(ValueError, match=f"max_new_tokens is {tokens}; it must be a whole number of at least 1"):
            Generator.from_pretrained(folder, max_new_tokens=tokens)


def test_the_model_card_s_code_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from attune.generators.model_card import model_card

    trained(tmp_path, SETTINGS["full"])
    text = model_card(
        "g", SETTINGS["full"], 24, [{"step": 0, "epoch": 0.25, "valid_loss": 3.0, "saved": 1}], tokenised=False
    )
    code = text.split("```python\n")[1].split("```")[0].replace(")\nprint", ", max_new_tokens=8)\nprint")
    monkeypatch.chdir(tmp_path)
    assert os.fspath(Path.cwd()) == os.fspath(tmp_path)
    exec(code, {})


def test_the_model_card_says_how_many_replies_were_held_out_and_nothing_of_it_where_none_was_trained_on() -> None:
    from attune.generators.model_card import model_card

    curve = [{"step": 0, "epoch": 0.25, "valid_loss": 3.0, "saved": 1}]
    full, untrained = (model_card("g", SETTINGS[name], 24, curve, tokenised=False) for name in ("full", "prompt"))
    assert "Of the 24 replies of the train split of empathetic_dialogues, at most 32, or those of one longer\n" in full
    assert "Training went through the others 0.25 times. The loss on at most 16\nof those held out chose" in full
    assert "None was trained on. The loss below is that of at most 16 replies of the train split" in untrained
    assert "held out" not in untrained


def test_a_persona_is_read_by_a_generator_that_was_trained_with_one(tmp_path: Path) -> None:
    sentences = ["I am sad.", "I am glad."]
    for tokens in (24, 0):
        folder = trained(
            tmp_path / str(tokens), generator("lora", persona_tokens=tokens, max_length=150), positions=160
        )
        found = Generator.from_pretrained(folder, max_new_tokens=8)
        text = found.tokenizer.decode(found.prompt(found.example("c", ["Why?"], persona=sentences)).ids)
        assert ("I am sad. I am glad." in text) is (tokens > 0)
        assert found.reply(["I am sad."], persona=sentences).text != ""
    with pytest.raises(ValueError, match="persona must be a list of strings"):
        found.reply(CONTEXT, persona="I won.")


def test_a_generator_whose_lower_layers_were_frozen_needs_its_base(tmp_path: Path) -> None:
    folder = trained(tmp_path, generator("full", frozen_layers=1))
    found = Generator.from_pretrained(folder, max_new_tokens=8)
    nats, encoded = found.nats(EXAMPLES, 5)
    base = reply_nats(load_base(tmp_path / "models/base/tiny"), encoded, found.tokenizer.eos_token_id, 5)
    assert sum(nats) < sum(base)
    (tmp_path / "models/base/tiny").rename(tmp_path / "moved")
    with pytest.raises(AttuneError, match=r"which is not in .*/base/tiny; name the base"):
        Generator.from_pretrained(folder)
    assert Generator.from_pretrained(folder, tmp_path / "moved", 8).nats(EXAMPLES, 5)[0] == nats


@pytest.mark.fault("an adapter on another base of the same shape", "refused")
def test_a_generator_that_was_moved_away_from_its_base_says_how_to_name_it(tmp_path: Path) -> None:
    folder = trained(tmp_path, SETTINGS["lora"])
    moved = folder.rename(tmp_path / "moved")
    with pytest.raises(AttuneError, match=r"moved needs its base tiny, which is not in .*; name the base's folder"):
        Generator.from_pretrained(moved)
    assert Generator.from_pretrained(moved, tmp_path / "models/base/tiny", max_new_tokens=8).reply(CONTEXT)


def test_an_adapter_on_another_base_of_the_same_shape_is_refused(tmp_path: Path) -> None:
    folder = trained(tmp_path, SETTINGS["lora"])
    saved(gpt(seed=2), tmp_path / "models" / "base" / "tiny")
    with pytest.raises(AttuneError, match=r"was trained from another base than the one in .*base/tiny"):
        Generator.from_pretrained(folder)
    saved(gpt(), tmp_path / "models" / "base" / "tiny")
    weights = folder / "adapter_model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-8])
    with pytest.raises(AttuneError, match=r"adapter_model\.safetensors has [\d,]+ bytes, but its header describes"):
        Generator.from_pretrained(folder)


@pytest.mark.parametrize("content", [POINTER, "", '{"peft_type": "LO', "{}", "[]", '{"peft_type": "unknown"}'])
@pytest.mark.fault("a generator's broken adapter_config.json", "named, with the stage that writes it")
def test_a_broken_configuration_of_an_adapter_is_named_with_its_stage(tmp_path: Path, content: str) -> None:
    folder = trained(tmp_path, SETTINGS["lora"])
    (folder / "adapter_config.json").write_text(content)
    with pytest.raises(AttuneError, match=r"adapter_config\.json is broken \(.*`dvc repro train_generator` writes it"):
        Generator.from_pretrained(folder)
    (folder / "adapter_config.json").unlink()
    with pytest.raises(AttuneError, match=r"adapter_config\.json is missing; `dvc repro train_generator` writes it"):
        Generator.from_pretrained(folder)


@pytest.mark.parametrize("content", [POINTER, "", "{}", "[]"])
@pytest.mark.fault("a generator's broken card.json", "named, with the stage that writes it")
def test_a_broken_card_is_named_with_its_stage(tmp_path: Path, content: str) -> None:
    (tmp_path / "card.json").write_text(content)
    with pytest.raises(AttuneError, match=r"card\.json is broken \(.*`dvc repro train_generator` writes it"):
        read_card(tmp_path)
