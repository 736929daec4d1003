"""dvc.yaml, the modules and the parameters agree with one another."""

import re
import shutil
import subprocess
from importlib import import_module
from itertools import pairwise, product
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from attune import parameters
from attune.core.import_graph import closure, imports
from stages import arguments
from tests.forked import python
from tests.project import ROOT
from tools.deps import FILES, READ, is_code

STAGES = {name: stage for file in FILES for name, stage in YAML(typ="safe").load(ROOT / file)["stages"].items()}
BODIES = {name: stage.get("do", stage) for name, stage in STAGES.items()}
MODULES = [path for folder in ("stages", "studies") for path in (ROOT / folder).glob("*.py") if path.stem != "__init__"]


def dvc(*words: str) -> subprocess.CompletedProcess[str]:
    done = python("dvc", "-m", "dvc", *words, cwd=ROOT)
    assert done.returncode == 0, done.stderr
    return done


def module_of(body: dict[str, object]) -> str:
    words = str(body["cmd"]).split()
    assert words[:2] == ["python", "-m"]
    return words[2]


def test_stages_depend_on_the_code_that_they_import_and_on_no_other() -> None:
    for name, body in BODIES.items():
        files = [*closure(ROOT / f"{module_of(body).replace('.', '/')}.py"), ROOT / "stages/__init__.py"]
        listed = [ROOT / dependency for dependency in body["deps"] if is_code(dependency)]
        assert [file for file in files if not any(file == each or each in file.parents for each in listed)] == [], name
        read = [*files, *(ROOT / file for file in READ.get(module_of(body), ()))]
        assert [each for each in listed if not any(each == file or each in file.parents for file in read)] == [], name


@pytest.mark.parametrize("name", BODIES)
def test_a_stage_s_command_gives_its_module_the_words_that_it_takes(name: str) -> None:
    words = re.sub(r"\$\{[^}]*\}", "x", str(BODIES[name]["cmd"])).split()[3:]
    module = import_module(module_of(BODIES[name]))
    assert len(arguments(module.main, words)) == len(words)


def test_each_stage_module_is_in_the_graph_and_has_a_test() -> None:
    modules = {".".join(path.relative_to(ROOT).with_suffix("").parts) for path in MODULES}
    assert {module_of(body) for body in BODIES.values()} == modules
    tests = {
        f"{folder}.{path.stem.removeprefix('test_')}"
        for folder in ("stages", "studies")
        for path in (ROOT / "tests" / folder).glob("test_*.py")
    }
    assert modules - tests == set()


def test_every_parameter_is_tracked_by_a_stage() -> None:
    """A key that neither a stage lists nor dvc.yaml puts into a command or a path would change nothing.

    `engine` and `report_to` are not meant to: both engines write the same bytes, and trackers only look on.
    """
    listed = {str(key).split(".${")[0] for body in BODIES.values() for key in body.get("params", [])}
    loops = [stage["foreach"] for stage in STAGES.values() if isinstance(stage.get("foreach"), dict)]
    listed |= {key for loop in loops for key in loop.values()}
    listed |= set(re.findall(r"\$\{([\w.]+)", "".join((ROOT / file).read_text() for file in FILES)))
    values = parameters.load(ROOT / "params.yaml").model_dump()
    untracked = [key for key in leaves(values) if not any(key == name or key.startswith(f"{name}.") for name in listed)]
    assert untracked == ["engine", "report_to"]


def test_the_top_level_lr_reruns_the_recipes_that_use_it_and_no_generator() -> None:
    """README's first change. Which of the recipes' files it changes: tests/stages/test_recipes.py."""
    listing = {name for name, body in BODIES.items() if "lr" in body.get("params", [])}
    assert listing == {"recipes", "report_studies", "train_seeds"}
    assert "${lr" not in "".join((ROOT / file).read_text() for file in FILES)
    recipe, data = "data/recipes/${item.recipe}.json", "data/processed/pec/${item.subset}/${item.domain}"
    assert inputs("train_cobert") == [data, recipe, "models/base/encoder"]
    assert "params" not in BODIES["train_cobert"]
    assert [each for each in inputs("train_compared") if each.startswith("data/recipes")] == [recipe]
    assert inputs("train_generator") == ["data/${item.rows}/train.parquet", "models/base/${item.base}"]
    assert BODIES["train_generator"]["params"] == ["seed", "threads", "launcher", "generators.${key}"]


def test_a_generator_s_evaluation_depends_on_the_passages_that_it_reads() -> None:
    """Those of the test rows: with the train rows' too, a change of how these are retrieved would evaluate all anew."""
    read = [each for each in inputs("evaluate_generator") if each.startswith("data/passages")]
    assert read == ["data/passages/empathetic_dialogues/test.parquet"]


def inputs(name: str) -> list[str]:
    """What the stage depends on besides code."""
    return [dependency for dependency in BODIES[name]["deps"] if not is_code(dependency)]


def leaves(values: dict[str, object], above: str = "") -> list[str]:
    names = []
    for name, value in values.items():
        names += leaves(value, f"{above}{name}.") if isinstance(value, dict) else [f"{above}{name}"]
    return names


def test_make_clean_deletes_every_output_and_no_file_of_one_s_own(tmp_path: Path) -> None:
    shutil.copy(ROOT / "Makefile", tmp_path)
    outs = [str(out).replace("${", "x").replace("}", "") for out in cached()]
    own = ["data/posts.csv", "data/pec/mine.csv", "models/mine/model.safetensors", "data/.gitignore"]
    for name in (*outs, *own):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    subprocess.run(["make", "clean"], cwd=tmp_path, check=True, capture_output=True)
    left = {path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*") if path.is_file()}
    assert left == {"Makefile", *own}


def cached() -> list[str]:
    return [out for body in BODIES.values() for out in body["outs"] if isinstance(out, str)]


def test_every_cached_output_is_ignored_by_git_up_front() -> None:
    """DVC takes back its own ignore lines after a failed run."""
    done = subprocess.run(["git", "check-ignore", *cached()], cwd=ROOT, capture_output=True, text=True)
    assert sorted(done.stdout.split()) == sorted(cached())


def test_data_and_models_are_in_a_fresh_clone() -> None:
    done = subprocess.run(["git", "ls-files", "data", "models"], cwd=ROOT, capture_output=True, text=True)
    assert done.stdout.split() == ["data/.gitignore", "models/.gitignore"]


def test_dvc_resolves_the_graph() -> None:
    names = dvc("stage", "list", "--name-only", *FILES).stdout.split()
    settings = parameters.load(ROOT / "params.yaml")
    models = product(settings.cobert.recipes, settings.cobert.subsets, settings.cobert.domains)
    rankers = {name.removeprefix("train_cobert@") for name in names if name.startswith("train_cobert@")}
    assert rankers == {"-".join(model) for model in models}
    compared = {name.partition("train_compared@")[2] for name in names if "train_compared@" in name}
    assert compared == {"-".join(each) for each in product(settings.compare.recipes, settings.compare.domains)}
    generators = {name.removeprefix("train_generator@") for name in names if name.startswith("train_generator@")}
    assert generators == set(settings.generators)


def test_the_locks_record_only_stages_that_exist() -> None:
    """DVC keeps the entry of a stage that was renamed or dropped, and every command reads it again."""
    names = dvc("stage", "list", "--name-only", *FILES).stdout.split()
    for file in FILES:
        prefix = "" if file == "dvc.yaml" else f"{file}:"
        locked = YAML(typ="safe").load((ROOT / file).with_name("dvc.lock"))["stages"]
        assert locked
        assert [name for name in locked if f"{prefix}{name}" not in names] == []


def test_dvc_changes_only_the_line_that_it_sets(tmp_path: Path) -> None:
    """params.yaml is kept in DVC's own style, comments included, also where a list is set."""
    from dvc.utils.hydra import apply_overrides

    path = tmp_path / "params.yaml"
    before = (ROOT / "params.yaml").read_text()
    for override, line in (("lr=5e-5", "lr: 5e-05"), ("generators.full.steps=7", "    steps: 7")):
        path.write_text(before)
        apply_overrides(path, [override])
        pairs = zip(before.splitlines(), path.read_text().splitlines(), strict=True)
        assert [new for old, new in pairs if old != new] == [line]
    path.write_text(before)
    apply_overrides(path, ["cobert.domains=[happy]", "compare.recipes=[]", "rag.persona=[i like tea .]"])
    assert re.findall(r"#.*", path.read_text()) == re.findall(r"#.*", before)


def test_all_stages_come_after_the_check_and_the_diagram_shows_their_order() -> None:
    import networkx as nx

    dag = dvc("dag", "--md", "dvc.yaml").stdout
    names = {node: name.split("@")[0] for node, name in re.findall(r'(node\d+)\["([^"]+)"\]', dag)}
    graph = nx.DiGraph((names[one], names[other]) for one, other in re.findall(r"(node\d+)-->(node\d+)", dag))
    assert nx.descendants(graph, "check_parameters") | {"check_parameters"} == set(graph)
    (diagram,) = re.findall(r"```mermaid\n.*?\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    drawn = set()
    for line in diagram.splitlines():
        groups = [group.split(" & ") for group in line.strip().split(" --> ")]
        drawn |= {(one, other) for left, right in pairwise(groups) for one in left for other in right}
    assert {name for edge in drawn for name in edge} == set(graph)
    assert sorted(edge for edge in drawn if not graph.has_edge(*edge)) == []


def test_scores_fit_a_terminal_and_plots_load(tmp_path: Path) -> None:
    table = dvc("metrics", "show", "--md").stdout
    settings = parameters.load(ROOT / "params.yaml")
    for name in ("untrained", *settings.cobert.recipes, *settings.generators):
        assert f"metrics/summary/{name}.json" in table
    assert max(map(len, table.splitlines())) <= 100
    done = dvc("plots", "show", "--out", str(tmp_path / "plots"))
    assert "failed" not in done.stdout + done.stderr
    page = (tmp_path / "plots/index.html").read_text()
    curves = [*(ROOT / "metrics/curves/cobert").iterdir(), *(ROOT / "metrics/curves/generators").iterdir()]
    assert page.count("vegaEmbed('#metrics_curves_") == len(curves)


def test_stages_do_not_import_one_another_nor_attune_the_stages() -> None:
    start = ROOT / "stages" / "__init__.py"
    for path in [*MODULES, *(ROOT / "attune").rglob("*.py")]:
        assert not {file for file in imports(path) if file in MODULES}, path
        if ROOT / "attune" in path.parents:
            assert start not in imports(path), path


def main(*, name: str, target: Path, subset: Path = Path("data/subset")) -> None:
    """A stage's signature."""


def test_words_become_keyword_arguments() -> None:
    assert arguments(main, ["target=models/x=y", "name=encoder"]) == {"name": "encoder", "target": Path("models/x=y")}
    assert arguments(main, ["name=a", "target=b", "subset=c"])["subset"] == Path("c")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["encoder"], "'encoder' is not of the form name=value"),
        (["name="], "'name=' is not of the form name=value"),
        (["name=a", "name=b"], "'name' is given twice"),
        (["name=a", "target=b", "to=c"], "'to' is unknown"),
        (["name=a"], "target must be given"),
        ([], "name, target must be given"),
    ],
)
def test_wrong_words_are_answered_with_the_usage(words: list[str], message: str) -> None:
    from attune.core.errors import AttuneError

    with pytest.raises(AttuneError) as error:
        arguments(main, words)
    assert message in str(error.value)
    assert str(error.value).splitlines()[-1].endswith("name=NAME target=PATH [subset=PATH]")
