from attune import parameters
from attune.evaluation.ranking.baselines import BASELINES
from attune.report.names import (
    candidates_title,
    generator_names,
    mean_title,
    ranking_name,
    sentences_title,
    system_names,
)
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


def test_every_way_to_match_has_a_name_in_words() -> None:
    recipes = parameters.load(ROOT / "params.yaml").recipes
    names = [ranking_name(each) for each in (*BASELINES, *recipes)]
    assert len(set(names)) == len(names)
    assert not any("_" in name for name in names)


def test_ways_to_match_are_written_as_their_papers_write_them() -> None:
    names = [ranking_name(each) for each in ("bi_encoder", "poly_encoder", "cross_encoder", "max_sim")]
    assert names == ["bi-encoder", "poly-encoder", "cross-encoder", "MaxSim"]


def test_domains_are_named_one_by_one() -> None:
    assert mean_title(["all"]) == "domain all"
    assert mean_title(["all", "happy", "sad"]) == "mean of all, happy and sad"


def test_one_persona_sentence_is_one() -> None:
    assert [sentences_title(count) for count in ("0", "1", "20")] == [
        "0 persona sentences",
        "1 persona sentence",
        "20 persona sentences",
    ]


def test_a_batch_may_have_fewer_candidates() -> None:
    settings = parameters.load(ROOT / "params.yaml").cobert.model_copy(update={"candidates": 100})
    assert candidates_title(settings.model_copy(update={"drawn_from": "test_split"})) == "100 candidates"
    assert candidates_title(settings.model_copy(update={"drawn_from": "in_batch"})) == "at most 100 candidates"
