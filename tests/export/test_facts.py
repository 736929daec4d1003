from pathlib import Path

import pytest
from huggingface_hub import ModelCard

from attune.core.files import write_json
from attune.corpora.own import OWN_DATA
from attune.export.facts import Facts, Score
from tests.project import changed


@pytest.mark.parametrize(
    ("source", "base", "licence"),
    [
        ("sample", "SmolLM2-135M-Instruct", "gpl-3.0"),
        ("sample", "all-MiniLM-L6-v2", "gpl-3.0"),
        ("sample", "meta-llama/Llama-3.2-1B-Instruct@abc", "other"),
        ("sample", "data/llama", "other"),
        ("sample", "", "other"),
        ("hub", "SmolLM2-135M-Instruct", "other"),
        ("directory", "SmolLM2-135M-Instruct", "other"),
        ("path", "SmolLM2-135M-Instruct", "other"),
    ],
)
def test_only_models_of_the_sample_and_of_an_installed_base_are_under_the_gpl(
    tmp_path: Path, source: str, base: str, licence: str
) -> None:
    changed(tmp_path)
    write_json(tmp_path / "data/raw/pec/manifest.json", {"source": source})
    write_json(tmp_path / "data/raw/openorca/manifest.json", {"source": "sample"})
    card = ModelCard(Facts(tmp_path).front_matter("persona", "pec", base, []))
    assert card.data.license == licence
    assert (card.data.license_name is None) == (licence == "gpl-3.0")
    # A hub takes LICENSE or LICENSE.md of the folder, which has neither, or an address.
    assert card.data.license_link is None


@pytest.mark.parametrize("source", ["hub", "path"])
def test_own_data_are_called_so_and_of_no_known_language(tmp_path: Path, source: str) -> None:
    changed(tmp_path)
    about = {"licence": None, "url": None, "revision": None, "files": []}
    for name, notice in (("pec", f"{OWN_DATA}, Dr. Smith. 2024.csv"), ("openorca", None)):
        write_json(tmp_path / f"data/raw/{name}/manifest.json", about | {"source": source, "notice": notice})
    facts = Facts(tmp_path)
    own, other = facts.data_sentences("pec"), facts.data_sentences("openorca")
    assert own.startswith("The corpus `pec` from your own data, licence: not recorded. Own data, Dr. Smith. 2024.csv.")
    assert other.startswith(f"The corpus `openorca` from {'its published' if source == 'hub' else 'a local'} copy")
    languages = [
        ModelCard(facts.front_matter("g", corpus, "SmolLM2-135M-Instruct", [])).data.language
        for corpus in ("pec", "openorca")
    ]
    assert languages == [None, "en"]
    assert facts.result("text-generation", "pec", Score("loss", 1.0, None, None)).dataset_name == "pec (own data)"


@pytest.mark.parametrize(
    ("base", "name"),
    [
        ("gpt2", "gpt2"),
        ("roberta-base@main", "roberta-base"),
        ("EleutherAI/gpt-neo-125m", "EleutherAI/gpt-neo-125m"),
        ("all-MiniLM-L6-v2", "sentence-transformers/all-MiniLM-L6-v2"),
        ("data/llama", None),
        ("llama", None),
        ("data/models/llama", None),
        ("./llama", None),
        ("/llama", None),
        ("~/llama", None),
        ("", None),
    ],
)
def test_a_base_of_the_hub_is_named_and_a_folder_of_the_pipeline_is_not(
    tmp_path: Path, base: str, name: str | None
) -> None:
    changed(tmp_path)
    (tmp_path / "data/llama").mkdir(parents=True)
    (tmp_path / "llama").mkdir()
    assert ModelCard(Facts(tmp_path).front_matter("g", "pec", base, [])).data.base_model == name
