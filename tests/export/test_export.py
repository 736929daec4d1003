import re
import runpy
import shutil
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from huggingface_hub import ModelCard
from transformers import AutoModelForCausalLM, AutoTokenizer

from attune.cobert.matchers import MATCHERS
from attune.core.errors import AttuneError
from attune.core.files import read_json, write_json
from attune.corpora.own import OWN_DATA
from attune.corpora.wording import tokenised
from attune.export import models
from attune.export.facts import SECONDS
from attune.export.generator_card import exported
from attune.export.models import export
from attune.generators.adapters import add_virtual_tokens
from attune.generators.loading import load_base, load_tokenizer, read_card, write_card
from attune.generators.saving import save_generator
from attune.inference.generator import Generator
from attune.inference.ranker import Ranker
from tests.chat.tiny_pipeline import BASE, built
from tests.cobert.test_storage import trained
from tests.export.records import record, write_rows
from tests.generators.sentencepiece import bpe
from tests.generators.tiny import CHAT, gpt, saved, tokenizer
from tests.project import changed
from tools.repro import TIMES

RANKER = "attune-small-happy"


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = built(tmp_path_factory)
    scores = {"perplexity": 12.5, "perplexity_low": 10.25, "perplexity_high": 15.0, "similarity": 0.25}
    write_json(folder / "metrics/generators_intervals.json", {"persona": scores, "rag+rag": scores})
    ranking = {"mrr": 0.5, "mrr_low": 0.4, "mrr_high": 0.6, "r@1": 0.25}
    write_json(folder / "metrics/cobert_intervals.json", {"small": {"happy": {"attune": ranking}}})
    write_rows(folder, "persona", "rag")
    record(folder)
    write_json(folder / SECONDS, {"train_generator@persona": 61.6, f"train_cobert@{RANKER}": 19.5})
    return folder


@pytest.mark.parametrize("name", ["persona", "full", "prompted"])
def test_a_generator_loads_elsewhere_without_attune_and_writes_the_same(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    export(root / "models/generators" / name, tmp_path / "written")
    (tmp_path / "written").rename(tmp_path / name)
    monkeypatch.chdir(tmp_path)
    original = Generator.from_pretrained(root / "models/generators" / name, root / "models/base" / BASE)
    assert Generator.from_pretrained(name).reply(["My cat ran away."]) == original.reply(["My cat ran away."])
    ids = AutoTokenizer.from_pretrained(name)("My cat ran away.", return_tensors="pt")
    model = AutoModelForCausalLM.from_pretrained(name)
    assert type(model).__module__.startswith("transformers.")
    with torch.no_grad():
        torch.testing.assert_close(model(**ids).logits, original.model.cpu()(**ids).logits, rtol=1e-4, atol=1e-5)
    card = (tmp_path / name / "README.md").read_text().replace('"written"', f'"{name}"')
    code = re.findall(r"```python\n(.*?)```", card, re.DOTALL)[0]
    assert "attune" not in code
    capsys.readouterr()
    exec(code, {})
    assert capsys.readouterr().out.strip()


REFUSES_SYSTEM = "{% if messages[0].role == 'system' %}{{ raise_exception('no') }}{% endif %}" + CHAT


@pytest.mark.parametrize("template", [None, CHAT, REFUSES_SYSTEM, f"{CHAT} "])
@pytest.mark.parametrize("made", [tokenizer, bpe])
@pytest.mark.parametrize("instruction", ["", "Be kind."])
@pytest.mark.parametrize("trained_on", [("empathetic_dialogues", 0), ("empathetic_dialogues", 60), ("pec", 60)])
def test_the_card_s_code_makes_the_prompt_that_attune_makes(
    root: Path,
    tmp_path: Path,
    template: str | None,
    made: Callable[[], Any],
    instruction: str,
    trained_on: tuple[str, int],
) -> None:
    (corpus, persona), folder, words = trained_on, tmp_path / "g", made()
    words.chat_template = template
    card = replace(
        read_card(root / "models/generators/full"), instruction=instruction, max_length=200, partial=False,
        corpus=corpus, persona_tokens=persona,
    )  # fmt: skip
    saved(gpt(positions=256), folder, words)
    write_card(folder, card)
    code = re.findall(r"```python\n(.*?)```", exported("g", card, words), re.DOTALL)[0]
    (line,) = [line for line in code.splitlines() if line.startswith("inputs = ")]
    found: dict[str, Any] = {"tokenizer": AutoTokenizer.from_pretrained(folder)}
    exec(line, found)
    generator = Generator.from_pretrained(folder)
    texts = ["I had such a hard day at work today.", *(["I have two dogs.", "I love the sea."] if persona else [])]
    said, *sentences = map(tokenised, texts) if corpus == "pec" else texts
    wanted = generator.prompt(generator.example("c", [said], (), sentences)).ids
    assert found["inputs"]["input_ids"].tolist() == [wanted]
    assert ".pad(" not in line or template == f"{CHAT} "  # whose last space may be part of the reply's first token


@pytest.mark.parametrize("name", ["full", "prompted", "lora_openorca"])
def test_an_exported_generator_ends_its_replies_where_the_original_does(root: Path, tmp_path: Path, name: str) -> None:
    original = root / "models/generators" / name
    export(original, tmp_path / "written")
    base = root / "models/base" / BASE
    limits = Generator.from_pretrained(tmp_path / "written").limits
    assert limits == Generator.from_pretrained(original, base).limits
    assert len(limits.stop_token_ids) > 1  # line breaks are among them


def test_the_card_says_how_many_replies_were_held_out_where_any_was_trained_on(root: Path) -> None:
    full, untrained = (models.card(root / "models/generators" / name, root) for name in ("full", "prompted"))
    assert "Held out from training were about 10 % of the train conversations and at most 32\nreplies" in full
    assert "The loss on at most 16 of these replies chose the weights." in full
    for words in ("Held out", "Seed 13", "not that of the seed", "tokens in training", "it was trained on", "How long"):
        assert words in full
        assert words not in untrained
    assert "There was none: the weights are those of the base." in untrained


def test_the_card_says_how_the_prompts_of_the_training_were(root: Path, tmp_path: Path) -> None:
    cards = {name: models.card(root / "models/generators" / name, root) for name in ("full", "persona", "rag")}
    export(root / "models/generators/persona", tmp_path / "persona")
    cards["exported"] = (tmp_path / "persona" / "README.md").read_text()
    asked = "['i had such a hard day at work today .'], persona=['i have two dogs .', 'i love the sea .']"
    assert f"generator.reply({asked})" in cards["persona"]
    assert "You are someone who says about yourself: i have two dogs . i love the sea ." in cards["exported"]
    for name in ("persona", "exported"):
        assert "All text in training was lower-cased and tokenised like this" in cards[name]
        assert "Perplexity is of the reply's tokens alone, with the persona in the prompt." in cards[name]
    assert "retrieved passages before the conversation, of at most 16 tokens together" in cards["rag"]
    assert "generator.reply(['I had such a hard day at work today.'])" in cards["full"]
    assert not re.search("persona|passages before", cards["full"].split("## Use")[1].split("## Training")[0])


def test_the_card_of_what_was_not_trained_speaks_of_no_prompts_in_training(root: Path, tmp_path: Path) -> None:
    model = shutil.copytree(root / "models/generators/prompted", tmp_path / "models/generators/prompted")
    changed(tmp_path)
    write_card(model, replace(read_card(model), corpus="pec", persona_tokens=32, passage_tokens=16))
    used = models.card(model, tmp_path).split("## Use")[1].split("## Training")[0]
    assert "A persona may have 32 tokens. A prompt may have retrieved passages before the conversation" in used
    assert "in training" not in used.lower()


@pytest.mark.parametrize("name", ["persona", "prompted", "full"])
def test_what_was_exported_is_exported_again_as_what_it_is(root: Path, tmp_path: Path, name: str) -> None:
    export(root / "models/generators" / name, tmp_path / "once")
    export(tmp_path / "once", tmp_path / "twice", root)
    made_by = read_card(root / "models/generators" / name).method
    assert {read_card(tmp_path / each).made_by for each in ("once", "twice")} == {made_by}
    cards = [(tmp_path / each / "README.md").read_text() for each in ("once", "twice")]
    (first, second) = (re.findall(r"Made from .* by .*,", text) for text in cards)
    assert first == second
    assert {"There was none: the weights are those of the base." in text for text in cards} == {name == "prompted"}


def test_the_card_counts_the_parameters_that_are_written(root: Path, tmp_path: Path) -> None:
    export(root / "models/generators/persona", tmp_path / "persona")
    count = AutoModelForCausalLM.from_pretrained(tmp_path / "persona").num_parameters()
    assert count < read_card(root / "models/generators/persona").parameters
    assert read_card(tmp_path / "persona").parameters == count
    assert f"{count:,} parameters are few" in (tmp_path / "persona" / "README.md").read_text()


@pytest.mark.parametrize("parameters", [10**9 - 1, 10**9])
@pytest.mark.parametrize("own", [False, True])
def test_only_small_models_are_called_so_and_only_those_of_built_in_corpora_english(
    root: Path, tmp_path: Path, parameters: int, own: bool
) -> None:
    model = shutil.copytree(root / "models/generators/full", tmp_path / "models/generators/full")
    write_card(model, replace(read_card(model), parameters=parameters))
    changed(tmp_path)
    about = {"source": "path", "licence": None, "url": None, "revision": None, "files": []}
    notice = f"{OWN_DATA}, a.csv" if own else None
    write_json(tmp_path / "data/raw/empathetic_dialogues/manifest.json", about | {"notice": notice})
    (limitations,) = re.findall(r"## Limitations\n\n(.*?)\n\n", models.card(model, tmp_path), re.DOTALL)
    assert ("parameters are few: replies can be" in limitations) == (parameters < 10**9)
    assert ("- Replies can be" in limitations) == (parameters >= 10**9)
    assert ("- English only; prompt and reply were" in limitations) == (not own)
    assert ("- Prompt and reply were" in limitations) == own
    write_card(model, replace(read_card(model), corpus="mine"))
    assert "- Prompt and reply were" in models.card(model, tmp_path)


def test_a_ranker_loads_elsewhere_without_its_encoder(root: Path, tmp_path: Path) -> None:
    export(root / "models/cobert" / RANKER, tmp_path / "written")
    original = Ranker.from_pretrained(root / "models/cobert" / RANKER)
    assert original.model.config.frozen_layers == 1
    asked = (["my cat ran away ."], ["i love cats ."], ["oh no !", "it rains .", "did it come back ?"])
    exported = Ranker.from_pretrained(tmp_path / "written").rank(*asked)
    assert [each.reply for each in exported] == [each.reply for each in original.rank(*asked)]
    assert [each.score for each in exported] == pytest.approx([each.score for each in original.rank(*asked)], rel=1e-4)


@pytest.mark.parametrize("matching", MATCHERS)
def test_a_ranker_of_any_matching_scores_elsewhere_as_before(tmp_path: Path, matching: str) -> None:
    trained(tmp_path, matching=matching, frozen_layers=1)
    changed(tmp_path)
    model = tmp_path / "models/cobert" / RANKER
    for name, place in (("encoder", tmp_path / "models/base/encoder"), ("saved", model)):
        place.parent.mkdir(parents=True)
        (tmp_path / name).rename(place)
    asked = (["i lost my dog .", "so sad ?"], ["i love the sea ."], ["the dog !", "i like the sea .", "so glad !"])
    expected = Ranker.from_pretrained(model).rank(*asked)
    export(model, tmp_path / "written")
    shutil.rmtree(tmp_path / "models")
    assert Ranker.from_pretrained(tmp_path / "written").rank(*asked) == expected


def test_a_hub_reads_the_cards_test_scores_with_intervals(root: Path, tmp_path: Path) -> None:
    for kind, name, base, scores in (
        ("generators", "persona", "HuggingFaceTB/SmolLM2-135M-Instruct", {"perplexity": 12.5, "similarity": 0.25}),
        ("cobert", RANKER, "sentence-transformers/all-MiniLM-L6-v2", {"mrr": 0.5, "r@1": 0.25}),
    ):
        export(root / "models" / kind / name, tmp_path / name)
        card = ModelCard.load(tmp_path / name / "README.md")
        assert card.data.model_name == name
        assert {each.metric_type: each.metric_value for each in card.data.eval_results} == scores
        assert card.data.license == "other"  # where a manifest does not say that it is the sample
        assert card.data.base_model == base
        assert {"## Intended use", "## Limitations", "## Test scores"} <= set(card.content.splitlines())
    assert "12.500 (10.250 to 15.000)" in (tmp_path / "persona" / "README.md").read_text()
    assert "0.500 (0.400 to 0.600)" in card.content
    assert "It took 62 s" in (tmp_path / "persona" / "README.md").read_text()
    assert "It took 20 s" in card.content
    assert ": 100 train, 20 valid, 100 test." in card.content
    assert Path(SECONDS) == TIMES


def test_the_card_says_what_it_was_trained_on_and_how_much_of_the_encoder_s_change_was_kept(
    root: Path, tmp_path: Path
) -> None:
    model = tmp_path / "models/cobert" / RANKER
    shutil.copytree(root / "models/cobert" / RANKER, model)
    shutil.copytree(root / "models/base/encoder", tmp_path / "models/base/encoder")
    changed(tmp_path, ("subsets.large.train", None), ("subsets.small.train", None))
    write_json(model / "config.json", read_json(model / "config.json") | {"trained_share": 0.25})
    export(model, tmp_path / "exported", tmp_path)
    card = (tmp_path / "exported" / "README.md").read_text()
    assert "25% was kept" in card
    write_json(model / "config.json", read_json(model / "config.json") | {"trained_share": None})
    untrained = models.card(model, tmp_path)
    assert "The weights are those of the untrained model" in untrained
    assert "trained epoch" not in untrained
    # The table may have a higher MRR in its first row, of the untrained model.
    assert "those of the trained epoch with\nthe highest MRR among the validation replies; epoch 0 is the untr" in card
    assert "The 1 lowest layers of the encoder were frozen." in card
    assert ": all train, 20 valid, 100 test." in card


def test_the_card_of_a_ranker_leaves_out_what_is_1_for_any_model(root: Path, tmp_path: Path) -> None:
    model = shutil.copytree(root / "models/cobert" / RANKER, tmp_path / "models/cobert" / RANKER)
    changed(tmp_path, ("cobert.candidates", 10))
    scores = {"mrr": 0.5, "r@1": 0.25, "r@10": 1.0}
    write_json(tmp_path / "metrics/cobert_intervals.json", {"small": {"happy": {"attune": scores}}})
    record(tmp_path)
    card = models.card(model, tmp_path)
    assert "| r@1 | 0.250 |" in card
    assert "r@10" not in card


def test_a_base_that_has_left_the_parameters_since_is_named_as_it_was(root: Path, tmp_path: Path) -> None:
    model = shutil.copytree(root / "models/generators/full", tmp_path / "models/generators/full")
    write_card(model, replace(read_card(model), base="renamed"))
    changed(tmp_path)
    card = models.card(model, tmp_path)
    assert "Made from `renamed` by" in card
    assert ModelCard(card).data.base_model is None


def test_scores_that_were_not_measured_are_said_to_be_missing(root: Path, tmp_path: Path) -> None:
    export(root / "models/generators/full", tmp_path / "full")
    card = ModelCard.load(tmp_path / "full" / "README.md")
    assert "Not measured." in card.content
    assert "How long it took was not recorded." in card.content
    assert card.data.eval_results is None


def test_what_cannot_be_exported_is_refused(root: Path, tmp_path: Path) -> None:
    (tmp_path / "there").mkdir()
    with pytest.raises(AttuneError, match="there exists already"):
        export(root / "models/generators/full", tmp_path / "there")
    with pytest.raises(AttuneError, match="embedder holds no model that this pipeline has trained"):
        export(root / "models/base/embedder", tmp_path / "new")
    base, folder = root / "models/base" / BASE, tmp_path / "prompt_tuning"
    tokenizer = load_tokenizer(base)
    save_generator(add_virtual_tokens(load_base(base), base, virtual_tokens=2), tokenizer, folder, BASE)
    write_card(folder, replace(read_card(root / "models/generators/full"), method="prompt_tuning", partial=False))
    with pytest.raises(AttuneError, match="it stays a PEFT adapter"):
        export(folder, tmp_path / "new", root)
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize(
    ("model", "advice"),
    [
        ("models/generators/full", "`make repro` writes it"),
        ("quick/models/cobert/attune-small-all", "`make quick` writes it"),
        ("elsewhere/full", "name a folder such as models/generators/NAME or "),
    ],
)
def test_a_model_that_does_not_exist_is_said_with_what_writes_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, model: str, advice: str
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(AttuneError, match=f"^{model} does not exist; {advice}"):
        export(Path(model), tmp_path / "new")


def test_a_generator_of_another_seed_or_a_copy_has_none_of_the_main_model_s_scores(root: Path, tmp_path: Path) -> None:
    changed(tmp_path, ("seed", 13), ("seeds.varies", "order"))
    write_json(tmp_path / "metrics/generators_intervals.json", {"full": {"perplexity": 12.5}})
    places = ("models/generators", "models/seeds/14", "elsewhere")
    copies = {place: shutil.copytree(root / "models/generators/full", tmp_path / place / "full") for place in places}
    write_rows(tmp_path, "full")
    record(tmp_path)
    write_json(tmp_path / SECONDS, {"train_generator@full": 61.6})
    cards = {place: models.card(model, tmp_path) for place, model in copies.items()}
    assert [place for place, card in cards.items() if "12.500" in card] == ["models/generators"]
    assert [place for place, card in cards.items() if "It took 62 s" in card] == ["models/generators"]
    assert [place for place, card in cards.items() if ModelCard(card).data.eval_results] == ["models/generators"]
    assert [place for place, card in cards.items() if "| steps |" in card] == ["models/generators", "models/seeds/14"]
    assert "Seed 13, " in cards["models/generators"]
    assert "Seed 14 (`seeds.varies`: order), " in cards["models/seeds/14"]
    assert "Seed" not in cards["elsewhere"]
    assert "Not measured." in cards["elsewhere"]


SMALL, LARGE = (f"Trained on the subset `{subset}` of the domain `all`: " for subset in ("small", "large"))


@pytest.mark.parametrize(
    ("place", "trained_on", "mrr", "seconds", "epochs", "seed"),
    [
        ("cobert/tuned-small-all", f"{SMALL}3 train, 2 valid, 6 test.", 0.1, 11, 3, "13"),
        ("compared/bi_encoder-large-all", f"{LARGE}5 train, 2 valid, 9 test.", 0.2, 12, 4, "13"),
        ("personas/5", f"{SMALL}3 train, 2 valid, 9 test.", 0.3, 13, 5, "13"),
        ("seeds/14/tuned-all", f"{LARGE}5 train, 2 valid, 9 test.", None, None, None, "14 (`seeds.varies`: order)"),
        ("copied", "", None, None, None, ""),
    ],
)
def test_the_card_of_a_ranker_reports_what_is_known_of_models_in_its_place(
    root: Path, tmp_path: Path, place: str, trained_on: str, mrr: float | None, seconds: int | None,
    epochs: int | None, seed: str,
) -> None:  # fmt: skip
    large = {"train": 5, "valid": 2, "test": 9, "evaluate": None}
    small = {"train": 3, "valid": 2, "test": 2, "evaluate": 6}
    changed(tmp_path, ("seed", 13), ("seeds.varies", "order"), ("subsets", {"large": large, "small": small}))
    write_json(tmp_path / "metrics/cobert_intervals.json", {"small": {"all": {"tuned": {"mrr": 0.1}}}})
    write_json(tmp_path / "metrics/compare.json", {"all": {"bi_encoder": {"mrr": 0.2}, "tuned": {"mrr": 0.9}}})
    write_json(tmp_path / "metrics/personas.json", {"5": {"mrr": 0.3}})
    for count, name in enumerate(("cobert/tuned-small-all", "compared/bi_encoder-large-all", "personas/5"), start=3):
        path = tmp_path / "metrics/curves" / f"{name}.csv"
        path.parent.mkdir(parents=True)
        path.write_text(f"epoch,valid_mrr\n{count},0.5\n")
    model = shutil.copytree(root / "models/cobert" / RANKER, tmp_path / "models" / place)
    record(tmp_path)
    stages = ("train_cobert@tuned-small-all", "studies/dvc.yaml:train_compared@bi_encoder-all")
    write_json(tmp_path / SECONDS, dict(zip((*stages, "studies/dvc.yaml:train_personas@5"), (11, 12, 13), strict=True)))
    card = models.card(model, tmp_path)
    assert trained_on in card
    assert ("Trained on the subset" in card) == bool(trained_on)
    results = ModelCard(card).data.eval_results or []
    assert [each.metric_value for each in results] == ([] if mrr is None else [mrr])
    assert ("Not measured." in card) == (mrr is None)
    assert ("not recorded" if seconds is None else f"It took {seconds} s") in card
    assert re.findall(r"^\| (\d) \| 0.5 \|$", card, re.MULTILINE) == ([] if epochs is None else [str(epochs)])
    assert re.findall(r"^\| seed \| (.*) \|$", card, re.MULTILINE) == ([seed] if seed else [])
    assert "``" not in card.replace("```", "")


def exported_by_command(patch: pytest.MonkeyPatch, *words: object) -> str:
    """What `python -m attune.export` ends with."""
    patch.setattr(sys, "argv", ["attune.export", *map(str, words)])
    with pytest.raises(SystemExit) as raised:
        runpy.run_module("attune.export", run_name="__main__")
    return str(raised.value)


def test_the_pipeline_s_folder_is_the_nearest_with_parameters_or_must_be_named(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    nested = shutil.copytree(root / "models/generators/persona", root / "models/seeds/14/persona")
    monkeypatch.chdir(nested)
    export(Path(), tmp_path / "persona")
    shutil.rmtree(nested)
    assert ModelCard.load(tmp_path / "persona" / "README.md").data.model_name == "persona"
    answer = exported_by_command(monkeypatch, tmp_path / "persona", tmp_path / "again")
    assert answer == (
        f"error: no folder above {tmp_path / 'persona'} has a params.yaml, of which the card reports; name the "
        "pipeline's folder by --root"
    )
    answer = exported_by_command(monkeypatch, tmp_path / "persona", tmp_path / "again", "--root", tmp_path)
    assert answer.startswith(f"error: {tmp_path} has no params.yaml")
    export(tmp_path / "persona", tmp_path / "again", root)
    assert "Not measured." in (tmp_path / "again" / "README.md").read_text()


@pytest.mark.parametrize("target", ["/proc/foo/bar", "file/new"])
def test_a_target_that_cannot_be_made_is_one_sentence(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, target: str
) -> None:
    (tmp_path / "file").touch()
    answer = exported_by_command(monkeypatch, root / "models/cobert" / RANKER, tmp_path / target)
    assert re.fullmatch(r"error: \[Errno \d+\] .*'(/proc/foo|.*/file)'", answer)


@pytest.mark.parametrize("sentences", [10, 0])
@pytest.mark.parametrize("turn_length", [30, 120])
def test_the_card_of_a_ranker_says_what_it_reads_and_its_code_runs(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    sentences: int,
    turn_length: int,
) -> None:
    """As models of the studies `personas` and `compared` without a persona are."""
    trained(tmp_path, num_personas=sentences, turn_length=turn_length)
    changed(tmp_path)
    model = tmp_path / "models/personas" / str(sentences)
    for name, place in (("encoder", tmp_path / "models/base/encoder"), ("saved", model)):
        place.parent.mkdir(parents=True)
        (tmp_path / name).rename(place)
    export(model, tmp_path / "written")
    card = ModelCard.load(tmp_path / "written/README.md")
    monkeypatch.chdir(tmp_path)
    exec(re.findall(r"```python\n(.*?)```", card.content, re.DOTALL)[0], {})
    assert "Ranked(" in capsys.readouterr().out
    about = card.content.split("## Data")[0].split("---")[-1]
    for said in ("by the persona of the one who replies", '["i love road trips ."]'):
        assert (said in about) == bool(sentences)
    assert ("persona" in card.data.tags) == bool(sentences)
    inputs = Ranker.from_pretrained("written").inputs
    texts = inputs.context([" ".join(["the"] * 999)]), inputs.response(" ".join(["the"] * 999))
    first, other = (len(each.ids) - 2 for each in texts)
    limits = " ".join(card.content.split("## Limitations")[1].split())
    assert f"The first turn loses its end above {first}, later turns and replies above {other}" in limits
    assert ("sentences of the persona above 22; only the first 10 are read" in limits) == bool(sentences)


@pytest.mark.parametrize("model", [f"cobert/{RANKER}", "generators/persona"])
def test_the_card_of_what_is_exported_says_where_attune_is_from(root: Path, tmp_path: Path, model: str) -> None:
    export(root / "models" / model, tmp_path / "written")
    card = " ".join((tmp_path / "written/README.md").read_text().split())
    assert "Attune is not on PyPI, where `attune` is another project: run `pip install .` in a clone" in card
