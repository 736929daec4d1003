from pathlib import Path

import pytest

from attune.chat.about import about
from attune.chat.artifacts import Artifacts
from attune.chat.choices import decoding_note, persona_note, question_system, require_ready, starting_system
from attune.chat.engine import Engine
from attune.core.errors import AttuneError
from attune.core.files import write_json
from attune.parameters import Parameters, load
from attune.parameters.decoding import Decoding
from tests.chat.tiny_pipeline import SYSTEMS


@pytest.fixture
def parameters(root: Path) -> Parameters:
    return load(root / "params.yaml")


def ready(folder: Path, parameters: Parameters, *names: str) -> Engine:
    """An engine for whose systems `names` all is there, though the folders are empty."""
    engine = Engine(parameters, Artifacts(folder))
    for name in names:
        for path, _ in engine.systems[name].artifacts:
            path.mkdir(parents=True, exist_ok=True)
    return engine


def test_a_chat_starts_with_the_generator_that_fits_held_out_replies_best(
    tmp_path: Path, parameters: Parameters
) -> None:
    assert starting_system(ready(tmp_path, parameters)) == "cobert"
    assert starting_system(ready(tmp_path, parameters, "prompted")) == "prompted"
    for order in (1, -1):
        generators = dict([*parameters.generators.items()][::order])
        listed = parameters.model_copy(update={"generators": generators})
        assert starting_system(ready(tmp_path, listed, "prompted", "full")) == "full"  # trained
    scores = {"prompted": 20.0, "full": 21.0, "rag+rag": 18.0, "persona": 47.0, "lora_openorca": 4.0}
    write_json(tmp_path / "metrics/generators.json", {name: {"perplexity": each} for name, each in scores.items()})
    assert starting_system(ready(tmp_path, parameters)) == "prompted"
    assert starting_system(ready(tmp_path, parameters, "rag+rag")) == "prompted"  # without passages
    assert starting_system(ready(tmp_path, parameters, *SYSTEMS)) == "prompted"


def test_a_chat_does_not_start_with_a_system_that_answers_badly(tmp_path: Path, parameters: Parameters) -> None:
    bad, good = {"self_bleu": 80.0}, {"self_bleu": 20.0}
    every = dict.fromkeys(SYSTEMS, bad)
    for scores, wanted in (
        (every | {"full": good, "prompted": good | {"perplexity": 20.0}}, "prompted"),
        (every | {"rag+rag": good, "rag+persona_rag": good | {"perplexity": 20.0}}, "rag+persona_rag"),
        (every | {"rag+rag": good}, "rag+rag"),
        (every | {"persona": bad | {"perplexity": 29.0}}, "persona"),
    ):
        perplexity = {"perplexity": 30.0}
        write_json(tmp_path / "metrics/generators.json", {name: perplexity | each for name, each in scores.items()})
        assert starting_system(ready(tmp_path, parameters, *SYSTEMS)) == wanted


def test_a_chat_starts_with_the_best_whatever_feeling_it_answers_with(tmp_path: Path, parameters: Parameters) -> None:
    """Its label says so; the perplexity is of many more replies than those to everyday messages."""
    scores = {"full": {"perplexity": 20.0}, "persona": {"perplexity": 30.0}}
    write_json(tmp_path / "metrics/generators.json", scores)
    troubled = {"right_feeling_troubled": 0.2, "right_feeling_troubled_high": 0.3}
    write_json(tmp_path / "metrics/everyday.json", {"full": troubled})
    made = ready(tmp_path, parameters, "full", "persona")
    assert made.measured.weaknesses(made.system("full"))
    assert starting_system(made) == "full"


def test_a_page_without_any_model_is_refused(tmp_path: Path, parameters: Parameters) -> None:
    with pytest.raises(AttuneError, match=r"no system can answer yet: .* is missing; `dvc repro"):
        require_ready(Engine(parameters, Artifacts(tmp_path)))
    require_ready(ready(tmp_path, parameters, "full"))


def test_questions_go_to_an_instruction_model_that_is_ready(tmp_path: Path, parameters: Parameters) -> None:
    assert question_system(ready(tmp_path, parameters, "full")) == "full"
    assert question_system(ready(tmp_path, parameters, "lora_openorca")) == "lora_openorca"


def test_the_decoding_is_said_with_what_the_sweep_found(tmp_path: Path, parameters: Parameters) -> None:
    engine = Engine(parameters, Artifacts(tmp_path))
    note = decoding_note(engine, "rag+rag")
    assert note.endswith("(generation.decoding): sampling, temperature 0.9, top_k 30, top_p 0.95.")
    for best, found in (("0.5/15/0.97", False), ("0.9/30/0.95", True)):
        points = {"0.5/15/0.97": {"similarity": 0.2}, "0.9/30/0.95": {"similarity": 0.1}}
        points[best] |= {"best": True}
        write_json(tmp_path / "metrics/decoding.json", {"lora_openorca": points})
        assert decoding_note(engine, "rag+rag").startswith(note)
        assert ("The sweep chose these settings" in decoding_note(engine, "rag+rag")) == found
    assert "by the replies of LoRA on OpenOrca" in decoding_note(engine, "full")
    assert "decodes nothing" in decoding_note(engine, "cobert")
    chosen = decoding_note(engine, "full", (1.5, None, None))
    assert chosen.endswith(" decodes as you chose: sampling, temperature 1.5, top_p 0.95.")
    assert decoding_note(engine, "full", (None, None, None)) == decoding_note(engine, "full")


def test_the_swept_point_keeps_what_bars_repetitions(tmp_path: Path, parameters: Parameters) -> None:
    own = Decoding(method="sampling", temperature=0.5, top_k=15, top_p=0.97, no_repeat_ngram=3)
    generation = parameters.generation.model_copy(update={"decoding": {"default": own}})
    engine = Engine(parameters.model_copy(update={"generation": generation}), Artifacts(tmp_path))
    write_json(tmp_path / "metrics/decoding.json", {"lora_openorca": {"0.5/15/0.97": {"best": True}}})
    note = decoding_note(engine, "full")
    assert "The sweep chose these settings" in note
    assert "the first that are within one standard error" in note
    assert "Retry" not in note
    likeliest = generation.model_copy(update={"decoding": {"default": Decoding(method="greedy")}})
    greedy = Engine(parameters.model_copy(update={"generation": likeliest}), Artifacts(tmp_path))
    assert "Retry leaves more to chance" in decoding_note(greedy, "full")


def test_the_persona_note_says_how_much_is_read(engine: Engine) -> None:
    assert persona_note(engine, "persona") == (
        f"Read by {engine.system('persona').label}, as many sentences as fit into 60 tokens."
    )
    limit = engine.parameters.recipes["attune"].num_personas
    for name in ("cobert", "rag+persona_rag"):
        assert persona_note(engine, name) == f"Read by CoBERT, at most {limit} sentences."
    assert persona_note(engine, "full").startswith(f"Not read by {engine.system('full').label}, but by ")


def test_the_persona_note_is_of_the_recipe_that_the_system_uses(tmp_path: Path, parameters: Parameters) -> None:
    limits = {name: parameters.recipes[name].num_personas for name in ("tuned", "attune")}
    assert limits["tuned"] != limits["attune"]
    for recipe, other in (("tuned", "attune"), ("attune", "tuned")):
        retrieval, rag = (
            section.model_copy(update={"recipe": name})
            for section, name in ((parameters.retrieval, recipe), (parameters.rag, other))
        )
        made = Engine(parameters.model_copy(update={"retrieval": retrieval, "rag": rag}), Artifacts(tmp_path))
        assert persona_note(made, "cobert").endswith(f" {limits[recipe]} sentences.")
        assert persona_note(made, "rag+persona_rag").endswith(f" {limits[other]} sentences.")


def test_people_are_told_what_answers_and_where_to_find_help(tmp_path: Path, parameters: Parameters) -> None:
    artifacts = Artifacts(tmp_path)
    text = about(parameters, artifacts)
    for part in ("SmolLM2-135M-Instruct", "135 million", "Apache-2.0", "wrong or unkind", "findahelpline.com"):
        assert part in text
    other = {name: each.model_copy(update={"model": "gpt2"}) for name, each in parameters.bases.items()}
    assert "SmolLM2" not in about(parameters.model_copy(update={"bases": other}), artifacts)


def test_people_are_told_whose_text_the_models_learned_from(tmp_path: Path, parameters: Parameters) -> None:
    artifacts = Artifacts(tmp_path)
    sample = parameters.model_copy(update={"source": "sample"})
    assert " Data: the embedded sample (as of " in about(sample, artifacts)  # also without the raw text
    notice = "Not PEC: chats of Ann's. They talk."
    write_json(tmp_path / "data/raw/pec/manifest.json", {"corpus": "pec", "notice": notice, "revision": None})
    write_json(tmp_path / "data/raw/gone/manifest.json", {"corpus": "gone", "notice": "Gone.", "revision": None})
    assert "not the published corpora. PEC: chats of Ann's. This is a research prototype" in about(sample, artifacts)
    sentences = " ".join(system.sentence for system in Engine(sample, artifacts).systems.values())
    assert "Of the replies in PEC, CoBERT chooses" in sentences
    assert "as people do" not in sentences
    assert "people gave" not in sentences
