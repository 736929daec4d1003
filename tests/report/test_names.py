from attune import parameters
from attune.report.names import generator_names, system_names
from tests.project import ROOT


def test_every_system_has_a_name_of_its_own() -> None:
    settings = parameters.load(ROOT / "params.yaml")
    names = system_names(settings)
    assert len(set(names.values())) == len(names)
    assert not any("_" in name for name in names.values())
    assert names["full+rag"] == "Full fine-tuning + passages"


def test_generators_of_one_method_and_corpus_keep_their_keys() -> None:
    full = parameters.load(ROOT / "params.yaml").generators["full"]
    assert generator_names({"a": full, "b": full}) == {"a": "Full fine-tuning (a)", "b": "Full fine-tuning (b)"}
