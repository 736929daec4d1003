"""The README says what is so: its tables are the committed metrics, its commands and paths exist."""

import re
from pathlib import Path

from ruamel.yaml import YAML

from attune.core.files import read_json
from attune.parameters import load

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()


def cobert_table() -> str:
    metrics = read_json(ROOT / "metrics" / "cobert.json")
    models = ["untrained", *load(ROOT / "params.yaml").cobert.recipes]
    lines = ["| subset | domain | " + " | ".join(models) + " |", "|---|---|" + "---|" * len(models)]
    for subset, domains in metrics.items():
        for domain, scores in domains.items():
            lines.append(
                f"| {subset} | {domain} | " + " | ".join(f"{scores[model]['mrr']:.3f}" for model in models) + " |"
            )
    return "\n".join(lines)


def generators_table() -> str:
    metrics = read_json(ROOT / "metrics" / "generators.json")
    lines = ["| generator | its base | itself | with passages | passages ordered by CoBERT |", "|---|---|---|---|---|"]
    for name in load(ROOT / "params.yaml").generators:
        systems = [metrics.get(f"{name}{variant}", {}).get("perplexity") for variant in ("", "+rag", "+persona_rag")]
        shown = ["" if value is None else f"{value:.1f}" for value in (metrics[name]["base_perplexity"], *systems)]
        lines.append(f"| {name} | {' | '.join(shown)} |")
    return "\n".join(line.replace("  ", " ") for line in lines)


def between(name: str) -> str:
    found = re.search(rf"<!-- table: {name} -->\n(.*?)\n?<!-- end -->", README, re.DOTALL)
    assert found, name
    return found[1].strip()


def test_the_tables_are_the_committed_metrics() -> None:
    assert between("cobert") == cobert_table()
    assert between("generators") == generators_table()


def test_how_many_prompts_hold_their_reply_is_the_committed_figure() -> None:
    metrics = read_json(ROOT / "metrics" / "generators.json")
    plain, ordered = (metrics[f"gpt2_rag+{variant}"]["target_given"] for variant in ("rag", "persona_rag"))
    assert f"({100 * plain:.0f} percent with passages, {100 * ordered:.0f} when CoBERT orders them)" in README


def test_the_stage_table_names_every_stage_module() -> None:
    named = set(re.findall(r"`(\w+)`", "".join(line for line in README.splitlines() if line.startswith("| `"))))
    modules = {path.stem for path in (ROOT / "stages").glob("*.py")} - {"__init__"}
    assert modules <= named


def test_make_has_the_commands_that_are_named() -> None:
    makefile = (ROOT / "Makefile").read_text()
    targets = set(re.findall(r"(?m)(?:^|`)make (\w+)", README)) | {"repro", "test"}
    for target in targets:
        assert re.search(rf"(?m)^{target}:", makefile), target


def test_the_keys_that_are_set_exist() -> None:
    whole, written = load(ROOT / "params.yaml").model_dump(), YAML().load(ROOT / "params.yaml")
    keys = re.findall(r"-S '?(\+?)([\w.]+)=", README)
    assert len(keys) > 5
    for plus, key in keys:
        # What params.yaml leaves to its default is added with a plus, or dvc refuses it.
        place = whole if plus else written
        for part in key.split("."):
            assert part in place, key
            place = place[part]


def test_pictures_and_files_that_are_named_exist() -> None:
    committed = r"`((?:attune|docs|metrics|plots|studies)/[\w./]+\w)/?`"
    paths = {*re.findall(r"\]\(([^:)]+)\)", README), *re.findall(committed, README), "LICENSE", "params.yaml"}
    assert len(paths) > 12
    assert "attune/sample/banks" in paths
    for path in paths:
        assert (ROOT / path).exists(), path
