import re
import shutil
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from attune.chat.systems import RETRIEVAL
from attune.core.errors import AttuneError
from attune.evaluation.ranking.baselines import BASELINES
from attune.evaluation.ranking.summary import UNTRAINED
from attune.evaluation.schemas import RETRIEVED
from attune.parameters import load
from attune.parameters.agreement import RESERVED, RESERVED_BASES, RESERVED_RECIPES
from tests.forked import python
from tests.project import ROOT, changed, read


def test_a_number_written_as_dvc_writes_it_stays_a_number(tmp_path: Path) -> None:
    path = changed(tmp_path)
    path.write_text(re.sub(r"(?m)^lr: .*$", "lr: 5e-05", path.read_text()))
    assert load(path).lr == 5e-5


def test_baseline_takes_the_top_level_values_and_tuned_does_not(tmp_path: Path) -> None:
    parameters = load(changed(tmp_path, ("lr", 3e-5), ("max_length", 64)))
    baseline, tuned = parameters.recipe("baseline"), parameters.recipe("tuned")
    assert (baseline["lr"], baseline["max_length"]) == (3e-5, 64)
    assert (tuned["lr"], tuned["max_length"], tuned["early_stopping"]) == (5e-5, 128, 1)


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("lr", "fast", "lr = 'fast': input should be a valid number"),
        ("lr", 0.0, "lr = 0.0: input should be greater than 0"),
        ("seed", True, "seed = True: input should be a valid integer"),
        ("threads", 0, "threads = 0: input should be greater than or equal to 1"),
        ("launcher.processes", 0, "launcher.processes = 0: input should be greater than or equal to 1"),
        ("launcher.processes", 3, "recipes.baseline.batch_size = 8 must be a multiple of launcher.processes = 3"),
        (
            "launcher.processes",
            8,
            "recipes.cross_encoder.batch_size = 4 must be a multiple of launcher",
        ),
        ("launcher.fsdp", True, "launcher: fsdp divides the weights among processes; it needs processes of 2 or more"),
        ("sead", 1, "unknown key sead = 1; the top level may hold source, on_bad_row, seed, "),
        ("recipes.tuned.lrate", 1, "unknown key recipes.tuned.lrate = 1; recipes.tuned may hold lr, "),
        ("corpora.pec.repo", "x", "unknown key corpora.pec.repo = 'x'; corpora.pec may hold url, sha256"),
        ("on_bad_row", "ignore", "on_bad_row = 'ignore': input should be 'error' or 'skip'"),
        ("corpora.on_bad_row", "skip", "corpora.on_bad_row = 'skip': it must be a mapping"),
        ("generators.full.corpus", "pecs", "generators.full.corpus = 'pecs' is no entry of corpora: pec, "),
        ("bases.smollm2.layers", 3, "unknown key bases.smollm2.layers = 3; bases.smollm2 may hold model"),
        ("subsets.small.evaluate", 19, "evaluate = 19 must be at least test = 20"),
        ("subsets.small.train", 501, "small.train = 501 must be at most large.train = 500"),
        ("subsets.small.train", None, "small.train = null must be at most large.train = 500"),
        ("generators.full.base", "gpt5", "generators.full.base = 'gpt5' is no entry of bases: smollm2"),
        (
            "generators.full.lora_rank",
            4,
            "unknown key generators.full.lora_rank = 4; generators.full (method full) may",
        ),
        ("generators.full.rate", 4, "unknown key generators.full.rate = 4; generators.full (method full) may hold"),
        ("generators.full.lr", "fast", "generators.full.lr = 'fast': input should be a valid number"),
        ("generators.full.method", "half", "generators.full.method = 'half'; it may be 'prompt', 'full'"),
        ("generators.full.rows", "processed", "rows = 'processed' is no folder of rows below data/; name one such as"),
        ("generators.prompt_tuning.frozen_layers", 2, "frozen_layers = 2, but prompt_tuning trains what the lowest"),
        ("generators.full.load_in_4bit", True, "weights of 4 bits cannot be trained"),
        ("generators.prompt_tuning.save_steps", 3, "save_steps = 3 must be a multiple of log_steps = 10"),
        (
            "generators.prompt_tuning.steps",
            1,
            "warmup = 0.1 of steps = 1 is 1 update(s), and none would follow at the full rate; raise steps, or lower",
        ),
        (
            "generators.prompted.lr",
            1e-3,
            "unknown key generators.prompted.lr = 0.001; generators.prompted (method prompt) may",
        ),
        ("generation.reply_examples", 49, "reply_examples = 49 must be at most perplexity_examples = 20"),
        ("generators.targets", {}, "the key generators.targets.method is missing"),
        ("rag.template", "{input}", "template has the fields ['input']; it must have {reply}"),
        ("rag.template", "{reply:d}", "rag: template = '{reply:d}' cannot be filled in (Unknown format code 'd'"),
        ("rag.template", "{reply:{foo}}", "rag: template = '{reply:{foo}}' cannot be filled in ('foo'); its fields"),
        ("rag.template", "{reply", "rag: template = '{reply' cannot be filled in (expected '}'"),
        ("rag.shortlist", 1, "shortlist = 1 must be at least k = 2"),
        ("rag.recipe", "tune", "rag.recipe = 'tune' is not trained"),
        ("generation.decoding.gpt5", {"method": "greedy"}, "generation.decoding names 'gpt5'"),
        ("generation.decoding.default.beams", 3, "method sampling has no beams"),
        ("seeds.recipes", ["best"], "seeds.recipes names 'best', which is no entry of recipes"),
        ("seeds.generators", ["prompted"], "seeds.generators names 'prompted', which is not trained (method: prompt)"),
        (
            "generation.questions.asked.opening",
            "Hello?",
            "generation.questions.asked: a question cannot be called 'opening'",
        ),
        ("generation.sweep.generators", [], "sweep.generators: the list is empty; name at least one generator"),
        ("generation.questions.generators", [], "questions.generators: the list is empty; name at least one generator"),
        ("generation.sweep.generators", ["gpt5"], "generation.sweep.generators names 'gpt5'"),
        (
            "generators.lora_guanaco.lora_rank",
            None,
            "generators.lora_guanaco.lora_rank = None: input should be a valid i",
        ),
        (
            "cobert.recipes",
            ["paper"],
            "cobert.recipes names 'paper', which is no entry of recipes: baseline, tuned",
        ),
    ],
)
def test_a_wrong_value_is_named_with_what_may_be(tmp_path: Path, key: str, value: object, message: str) -> None:
    with pytest.raises(AttuneError, match=re.escape(message)):
        load(changed(tmp_path, (key, value)))


def test_without_log_steps_there_are_at_most_20_logs_and_checkpoints_fall_on_them(tmp_path: Path) -> None:
    key = "generators.prompt_tuning"
    for steps in (2, 20, 21, 39, 40, 500):
        free = changed(tmp_path, (f"{key}.steps", steps), (f"{key}.log_steps", None), (f"{key}.save_steps", None))
        logs = steps // load(free).generators["prompt_tuning"].steps_between_logs
        assert min(steps, 10) <= logs <= 20
    given = (f"{key}.steps", 39), (f"{key}.log_steps", None)
    assert load(changed(tmp_path, *given, (f"{key}.save_steps", 10))).generators["prompt_tuning"].save_steps == 10
    message = "save_steps = 9 must be a multiple of log_steps = 2, which null stands for at steps = 39"
    with pytest.raises(AttuneError, match=message):
        load(changed(tmp_path, *given, (f"{key}.save_steps", 9)))


@pytest.mark.fault("a key missing from params.yaml", "it is named")
def test_a_missing_key_is_named(tmp_path: Path) -> None:
    path = changed(tmp_path)
    path.write_text(re.sub(r"(?m)^seed: .*$", "", path.read_text()))
    with pytest.raises(AttuneError, match="the key seed is missing"):
        load(path)


def test_all_keys_that_a_generator_lacks_or_has_in_vain_are_named(tmp_path: Path) -> None:
    entry = {"base": "smollm2", "method": "lora", "lora_rnak": 8, "virtual_tokens": 8, "rows": "processed/openorca"}
    with pytest.raises(AttuneError) as raised:
        load(changed(tmp_path, ("generators.mine", entry)))
    lines = str(raised.value).splitlines()
    missing = ["corpus", "max_length", "lr", "steps", "batch_size", "lora_rank", "lora_alpha", "lora_dropout"]
    assert sorted(line.split("the key ")[1] for line in lines if "is missing" in line) == sorted(
        f"generators.mine.{key} is missing (method lora)" for key in missing
    )
    assert [line.split(" = 8; ")[0].split("unknown key ")[1] for line in lines if "unknown key" in line] == [
        "generators.mine.lora_rnak", "generators.mine.virtual_tokens"
    ]  # fmt: skip
    assert len(lines) == len(missing) + 2


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("- 1", "params.yaml must hold a mapping"),
        ("a: 1\nseed = 13\nb: 2\n", r"params.yaml, line 2: 'seed = 13' is not YAML \(could not find .*write `key: val"),
        ("a:\n  b: 1\n\tc: 2\n", r"params.yaml, line 3 or above: 'c: 2' is not YAML \(found character '\\t'"),
        ("a: [1\nb: 2\n", r"params.yaml, line 2 or above: 'b: 2' is not YAML \(expected ',' or ']'"),
        ("a: 1\na: 2\n", r"params.yaml, line 2: 'a: 2' cannot be read \(found duplicate key .*; write each key once"),
        ("a: *b\n", r"params.yaml, line 1: 'a: \*b' cannot be read \(found undefined alias 'b'\); .*quote a value"),
        ("a: [", "params.yaml, line 1 or above: .* is not YAML"),
        ("a: 1\x07", "params.yaml is not YAML: unacceptable character"),
    ],
)
def test_what_is_no_mapping_is_refused(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "params.yaml"
    path.write_text(text)
    with pytest.raises(AttuneError, match=message):
        load(path)


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ("2024-02-30", "day is out of range for month"),
        ("!!int x", "invalid literal for int"),
        ("!!float x", "could not convert string to float"),
        ("!!bool x", "'x'"),
        ("!!int ''", "string index out of range"),
        ("[" * 700 + "]" * 700, "maximum recursion depth exceeded"),
    ],
)
@pytest.mark.fault("a value in params.yaml that YAML cannot have", "one line, with the reason")
def test_a_value_that_yaml_cannot_have_is_refused(tmp_path: Path, value: str, reason: str) -> None:
    path = tmp_path / "params.yaml"
    path.write_text((ROOT / "params.yaml").read_text().replace("\nseed: 13\n", f"\nseed: {value}\n"))
    with pytest.raises(AttuneError) as raised:
        load(path)
    (line,) = str(raised.value).splitlines()
    assert line.startswith(f"{path} holds a value that YAML cannot have ({reason}")


@pytest.mark.fault("a params.yaml that is not UTF-8", "the line is named")
def test_text_that_is_not_utf_8_is_refused_with_its_line(tmp_path: Path) -> None:
    path = tmp_path / "params.yaml"
    path.write_bytes("seed: 13\nsource: /home/zoé\n".encode("latin-1"))
    with pytest.raises(AttuneError, match=r"params\.yaml, line 2: text that is not UTF-8; save the file in UTF-8"):
        load(path)


def test_a_missing_file_says_where_to_start(tmp_path: Path) -> None:
    with pytest.raises(AttuneError, match=r"params\.yaml is missing; start in the project's folder"):
        load(tmp_path / "params.yaml")


def test_a_name_with_a_dot_is_refused_for_dvc_would_not_find_it(tmp_path: Path) -> None:
    entry = {"model": "EleutherAI/gpt-neo-1.3B"}
    path = changed(tmp_path, ("bases", {"smollm2": entry, "gpt_neo_1.3B": entry}))
    with pytest.raises(AttuneError, match=r"bases\.gpt_neo_1\.3B: a name consists of letters, digits and underscores"):
        load(path)


def test_generators_and_recipes_cannot_have_a_name_that_the_tables_use(tmp_path: Path) -> None:
    prompted = {"method": "prompt", "base": "smollm2", "corpus": "pec", "rows": "processed/pec/large/all"}
    entry = prompted | {"instruction": "Reply.", "max_length": 64}
    recipe = ("recipes.bm25", read()["recipes"]["tuned"])
    path = changed(tmp_path, ("generators.retrieved", entry), ("generators.cobert", entry), recipe)
    with pytest.raises(AttuneError) as raised:
        load(path)
    for kind, name in (("generator", "retrieved"), ("generator", "cobert"), ("recipe", "bm25")):
        assert f"a {kind} cannot be called {name!r}, which has another meaning" in str(raised.value)
    assert {UNTRAINED, *BASELINES} == RESERVED_RECIPES
    assert {RETRIEVED, RETRIEVAL} < RESERVED


def test_a_base_cannot_have_the_name_of_an_encoder_s_folder(tmp_path: Path) -> None:
    stage = YAML(typ="safe").load(ROOT / "dvc.yaml")["stages"]["base_encoders"]
    assert set(stage["foreach"]) == RESERVED_BASES
    for name in RESERVED_BASES:
        with pytest.raises(AttuneError, match=f"a base cannot be called '{name}', as the folder models/base/{name} is"):
            load(changed(tmp_path, (f"bases.{name}", {"model": "gpt2"})))


def test_a_recipe_cannot_have_the_name_of_one_of_the_persona_ablation_s(tmp_path: Path) -> None:
    recipe = read()["recipes"]["tuned"]
    load(changed(tmp_path, ("recipes.personas_first", recipe)))
    with pytest.raises(AttuneError, match="a recipe cannot be called 'personas_5', as the persona ablation calls its"):
        load(changed(tmp_path, ("recipes.personas_5", recipe)))


def test_every_top_level_key_is_explained_above_or_within_its_section() -> None:
    lines = (ROOT / "params.yaml").read_text().splitlines()
    within = ("bases:", "index:", "cobert:", "generation:", "preprocess:", "personas:", "seeds:")
    for number, line in enumerate(lines):
        if re.match(r"[a-z_]+:", line):
            place = number + 1 if line.startswith(within) else number - 1
            assert lines[place].lstrip().startswith("#"), line


@pytest.mark.fault("wrong parameters in a stage", "one line, and nothing is written")
def test_a_stage_stops_with_one_line_and_leaves_nothing(tmp_path: Path) -> None:
    changed(tmp_path, ("lr", "fast"))
    for part in ("attune", "stages"):
        shutil.copytree(ROOT / part, tmp_path / part, ignore=shutil.ignore_patterns("__pycache__"))
    done = python("data", "-m", "stages.download", "corpus=pec", "target=data/raw/pec", cwd=tmp_path)
    assert done.returncode == 1
    assert done.stderr == "error: params.yaml: lr = 'fast': input should be a valid number\n"
    assert not (tmp_path / "data").exists()


def test_an_engine_that_is_not_installed_names_its_extra(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("attune.parameters.sections.find_spec", lambda _: None)
    with pytest.raises(AttuneError, match=r"engine: 'ray' needs the extra `ray`, which is not installed; run `pip"):
        load(changed(tmp_path, ("engine", "ray")))
    assert load(changed(tmp_path)).engine == "local"


def test_four_bits_cannot_be_sharded(tmp_path: Path) -> None:
    changes = ("launcher", {"processes": 2, "fsdp": True}), ("generators.persona.load_in_4bit", True)
    with pytest.raises(AttuneError, match=r"generators\.persona: load_in_4bit does not work with launcher\.fsdp"):
        load(changed(tmp_path, *changes))


def test_other_draws_of_passages_are_refused(tmp_path: Path) -> None:
    load(changed(tmp_path, ("seeds.generators", ["rag"])))
    with pytest.raises(AttuneError, match=r"seeds\.generators names 'rag', whose rows have passages"):
        load(changed(tmp_path, ("seeds.generators", ["rag"]), ("seeds.varies", "draw")))


def test_the_main_job_s_models_are_those_of_its_seed_recipes_and_domains(tmp_path: Path) -> None:
    settings = load(changed(tmp_path, ("cobert.domains", ["happy"]), ("seed", 13)))
    assert settings.trains(13, "tuned", "happy")
    assert not settings.trains(14, "tuned", "happy")
    assert not settings.trains(13, "tuned", "all")
    assert not settings.trains(13, "bi_encoder", "happy")


@pytest.mark.fault("several wrong parameters at once", "one message names all of them")
def test_all_problems_are_said_at_once(tmp_path: Path) -> None:
    wrong = (("lr", "fast"), ("sead", 1), ("cobert.recipes", ["paper"]), ("retrieval.recipe", "tune"))
    path = changed(tmp_path, *wrong, ("seeds.domains", ["glad"]), ("generators.full.base", "gpt5"))
    with pytest.raises(AttuneError) as caught:
        load(path)
    for beginning in (
        "lr = 'fast': ",
        "unknown key sead = 1",
        "cobert.recipes names 'paper', ",
        "retrieval.recipe = 'tune' is not trained; cobert.recipes: paper",
        "seeds.domains: 'glad' is no domain",
        "generators.full.base = 'gpt5' is no entry of bases",
    ):
        assert f"{path}: {beginning}" in str(caught.value)


def test_a_check_waits_for_the_sections_that_it_reads(tmp_path: Path) -> None:
    path = changed(tmp_path, ("recipes.tuned.epochs", "many"), ("cobert.recipes", ["paper"]))
    with pytest.raises(AttuneError) as caught:
        load(path)
    assert str(caught.value).count("\n") == 3
    assert "recipes.tuned.epochs = 'many'" in str(caught.value)
    assert "names 'paper'" not in str(caught.value)


@pytest.mark.parametrize(
    ("key", "value", "shape"),
    [
        ("generators", [1, 2], "a mapping"),
        ("generators.full", "small", "a mapping"),
        ("recipes.tuned", [1], "a mapping"),
        ("launcher", "torchrun", "a mapping"),
        ("cobert.domains", "happy", "a list"),
    ],
)
def test_a_value_of_another_shape_is_refused_in_the_words_of_yaml(
    tmp_path: Path, key: str, value: object, shape: str
) -> None:
    with pytest.raises(AttuneError, match=re.escape(f"{key} = {value!r}: it must be {shape}")):
        load(changed(tmp_path, (key, value)))
