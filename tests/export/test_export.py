import re
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from huggingface_hub import ModelCard
from transformers import AutoModelForCausalLM, AutoTokenizer

from attune.cobert.matchers import MATCHERS
from attune.core.errors import AttuneError
from attune.core.files import read_json, write_json
from attune.export import models
from attune.export.facts import SECONDS
from attune.export.models import export
from attune.generators.loading import load_base, load_tokenizer, read_card, write_card
from attune.generators.saving import save_generator
from attune.inference.generator import Generator
from attune.inference.ranker import Ranker
from attune.parameters.methods import add_virtual_tokens
from tests.chat.tiny_pipeline import BASE, built
from tests.cobert.test_storage import trained
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
    assert "The 1 lowest layers of the encoder were frozen." in card
    assert ": all train, 20 valid, 100 test." in card


def test_a_base_that_has_left_the_parameters_since_is_named_as_it_was(root: Path, tmp_path: Path) -> None:
    model = shutil.copytree(root / "models/generators/full", tmp_path / "models/generators/full")
    write_card(model, replace(read_card(model), base="renamed"))
    changed(tmp_path)
    assert "Made from `renamed` by" in models.card(model, tmp_path)


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
