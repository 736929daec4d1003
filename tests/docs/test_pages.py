"""README and docs say what is so: tables are the committed metrics, commands, keys and paths exist."""

import math
import re
from collections import Counter
from fnmatch import fnmatch
from importlib import import_module
from typing import Any

import pandas as pd
import pytest
from hydra.core.override_parser.overrides_parser import OverridesParser
from ruamel.yaml import YAML

from attune import Decoding
from attune.core.files import read_json
from attune.corpora import EPITOME
from attune.evaluation.everyday import Everyday
from attune.evaluation.ranking.summary import UNTRAINED
from attune.evaluation.schemas import SHARES
from attune.parameters import load
from attune.parameters.methods import METHODS
from attune.report.names import start_title
from attune.report.results import Results
from attune.report.studies_overview import what_training_adds, without_training
from tests.project import ROOT, read
from tools.quick import shrink

METRICS = ROOT / "metrics"
README = (ROOT / "README.md").read_text()
SENTENCES = " ".join(README.split())
PAGES = {
    path: path.read_text() for path in (ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").glob("*.md"))
}
ALL = "\n".join(PAGES.values())


def cobert_table() -> str:
    metrics = read_json(METRICS / "cobert_intervals.json")
    settings = load(ROOT / "params.yaml")
    models = [UNTRAINED, *settings.cobert.recipes]
    heads = [start_title(settings), *settings.cobert.recipes]
    lines = ["| subset | domain | " + " | ".join(heads) + " |", "|---|---|" + "---|" * len(models)]
    for subset, domains in metrics.items():
        for domain, scores in sorted(domains.items(), key=lambda item: item[0] == "mean"):
            lines.append(
                f"| {subset} | {domain} | " + " | ".join(f"{scores[model]['mrr']:.3f}" for model in models) + " |"
            )
    return "\n".join(lines)


def generators_table() -> str:
    metrics = read_json(METRICS / "generators.json")
    lines = [
        "| system | perplexity: base | generator | with another message's passages | with its passages "
        "| reranked by CoBERT |"
    ]
    lines.append("|---|---|---|---|---|---|")
    variants = ("", "+other_rag", "+rag", "+persona_rag")
    for name in load(ROOT / "params.yaml").generators:
        systems = [metrics.get(f"{name}{variant}", {}).get("perplexity") for variant in variants]
        shown = ["" if value is None else f"{value:.1f}" for value in (metrics[name]["base_perplexity"], *systems)]
        lines.append(f"| {name} | {' | '.join(shown)} |")
    return "\n".join(line.replace("  ", " ") for line in lines)


def between(name: str, page: str = README) -> str:
    match = re.search(rf"<!-- (?:table|finding): {name} -->\n(.*?)\n?<!-- end -->", page, re.DOTALL)
    assert match, name
    return match[1].strip()


@pytest.mark.usefixtures("committed_results")
def test_the_tables_are_the_committed_metrics() -> None:
    assert between("cobert") == cobert_table()
    assert between("generators") == generators_table()


def short(number: float) -> str:
    """As the README writes it: .108."""
    return f"{number:.3f}".replace("0.", ".")


@pytest.mark.usefixtures("committed_results")
def test_what_is_said_of_the_recipes_is_the_committed_corrected_result() -> None:
    tests = {
        (row["before"], row["after"]): row
        for row in read_json(METRICS / "cobert_tests.json")
        if (row["subset"], row["domain"]) == ("large", "mean")
    }
    attune, tuned = tests["tuned", "attune"], tests["baseline", "tuned"]
    sentence = (
        f"On the large subset `attune` is better than `tuned` by {short(attune['difference'])} (mean of the domains; "
        f"{short(attune['low'])} to {short(attune['high'])}), and `tuned` better than `baseline` by "
        f"{short(tuned['difference'])} (both p below .01, corrected by Holm's method for the pairs compared)."
    )
    assert sentence in SENTENCES
    assert max(attune["p_holm"], tuned["p_holm"]) < 0.01


def study(name: str) -> Any:
    """One of the studies' metrics; the test is skipped where no study has run."""
    if not (METRICS / name).exists():
        pytest.skip(f"no metrics/{name}; `make studies` writes it")
    return read_json(METRICS / name)


@pytest.mark.usefixtures("committed_results")
def test_what_training_is_worth_is_the_committed_finding() -> None:
    results = Results(load(ROOT / "params.yaml"), metrics=METRICS)
    families = {row["family"] for row in study("compare_tests.json")}
    assert {"ways without training", "what training adds"} <= families, "it is stale; `make studies` writes it again"
    for page in (README, (ROOT / "docs" / "recipes.md").read_text()):
        assert between("without training", page).replace("\n", " ") == without_training(results)
        assert between("training", page).replace("\n", " ") == what_training_adds(results)


@pytest.mark.usefixtures("committed_results")
def test_how_many_contexts_a_small_difference_takes_is_the_committed_figure() -> None:
    needed = [row for row in read_json(METRICS / "power.json")["needed"] if row["difference"] == 0.02]
    low, high = sorted(round(row["contexts"], -2) for row in needed if row["before"] != UNTRAINED)
    assert (
        f"a difference of .02 between two recipes in 80 % of test sets takes {low:,} to {high:,} contexts "
        "(`metrics/power.json`)"
    ) in SENTENCES


@pytest.mark.usefixtures("committed_results")
def test_where_recipes_start_is_the_committed_score() -> None:
    scores = read_json(METRICS / "compare.json")["mean"]
    tuned, attune = (short(scores[f"{name} before training"]["mrr"]) for name in ("tuned", "attune"))
    assert f"higher, at {tuned} and {attune} (means; `metrics/compare.json`)" in SENTENCES
    baseline = short(scores["baseline"]["mrr"])
    assert (
        f"`tuned` has {tuned} before any training, about as much as `baseline` has after it ({baseline};" in SENTENCES
    )
    assert tuned > baseline


@pytest.mark.usefixtures("committed_results")
def test_the_first_screen_has_the_committed_scores_beside_those_of_no_training() -> None:
    ranked = read_json(METRICS / "cobert_intervals.json")["large"]["mean"]
    ways = study("compare.json")["mean"]
    attune, tuned, baseline, cosine = (
        f"{score:.2f}".removeprefix("0")
        for score in (
            *(ranked[name]["mrr"] for name in ("attune", "tuned", "baseline")),
            max(ways[name]["mrr"] for name in ("cosine", "cosine_context")),
        )
    )
    first = " ".join(README.split("```")[0].split())
    assert (
        f"our recipe `attune` has an MRR of {attune} (best: 1), `tuned` {tuned}, `baseline` {baseline}; but a plain "
        f"cosine of sentence embeddings, untrained, has {cosine}."
    ) in first


@pytest.mark.usefixtures("committed_results")
def test_the_readme_decodes_as_the_report() -> None:
    decoding = load(ROOT / "params.yaml").generation.decoding["default"]
    assert decoding.top_k == 1, "then sampling takes what greedy decoding takes"
    told = re.search(r'`decoding=Decoding\(method="greedy", no_repeat_ngram=(\d+)\)`', SENTENCES)
    assert told
    greedy = Decoding(method="greedy", no_repeat_ngram=int(told[1]))
    assert greedy == decoding.model_copy(update={"method": "greedy", "temperature": 1.0, "top_k": 0})


@pytest.mark.usefixtures("committed_results")
def test_how_many_test_replies_are_known_is_the_committed_share() -> None:
    found = read_json(METRICS / "contamination.json")
    shares = {each["test"]: each["reply"] for each in found["overlaps"] if each["test"] == each["source"]}
    assert shares["empathetic_dialogues"] == 0
    instructions = ("openassistant_guanaco", "openorca")
    guanaco, openorca = (f"{100 * shares[name]:.1f}" for name in instructions)
    across = {(each["test"], each["source"]): f"{100 * each['reply']:.0f}" for each in found["overlaps"]}
    in_openorca, in_guanaco = across[instructions], across[instructions[::-1]]
    sentence = (
        f"{in_openorca} % of guanaco's test replies, and {in_guanaco} % of OpenOrca's, share an {found['n']}-gram with "
        "the other's"
    )
    assert sentence in SENTENCES
    assert f"Of the test replies of guanaco and OpenOrca, {guanaco} and {openorca} % do: no question" in SENTENCES
    assert f"no test reply shares an {found['n']}-gram with it" in SENTENCES


@pytest.mark.usefixtures("committed_results")
def test_what_is_said_of_persona_sentences_is_the_committed_result() -> None:
    rows = study("personas_tests.json")
    assert [(row["before"], row["after"]) for row in rows] == [("0", count) for count in ("1", "5", "10", "20")]
    losses = [short(-row["difference"]) for row in rows]
    assert max(row["p_holm"] for row in rows) < 0.022
    assert (
        "with 1, 5, 10 or 20 persona sentences and tested with as many on the test contexts of the large subset, ranks "
        "worse than without any, "
        f"by {losses[0]} to {losses[-1]} (corrected p below .022; `metrics/personas_tests.json`)"
    ) in SENTENCES
    listed = f"by {', '.join(losses[:-1])} and {losses[-1]} (corrected p below .022;"
    assert listed in (ROOT / "docs" / "recipes.md").read_text().replace("\n", " ")


def generator_tests() -> dict[tuple[str, str, str], dict[str, Any]]:
    """The tests of the generators by what came before, what after, and the score."""
    rows = read_json(METRICS / "generators_tests.json")
    return {(row["before"], row["after"], row["score"]): row for row in rows}


def worse(test: dict[str, Any]) -> str:
    """By how much the perplexity rises; below 0 where it falls."""
    return f"{100 * (math.exp(test['difference']) - 1):.0f} %"


def better(test: dict[str, Any]) -> str:
    """By how much the perplexity falls."""
    return f"{100 * (1 - math.exp(test['difference'])):.0f} %"


def bounds(test: dict[str, Any], digits: int = 0) -> str:
    """The interval of the change of perplexity: −3 to +2 %."""
    low, high = (f"{100 * (math.exp(test[each]) - 1):+.{digits}f}".replace("-", "−") for each in ("low", "high"))
    return f"{low} to {high} %"


@pytest.mark.usefixtures("committed_results")
def test_what_is_said_of_passages_is_the_committed_result() -> None:
    tests = generator_tests()
    metrics = read_json(METRICS / "generators.json")
    rag, oracle, prompted = (
        tests[name, f"{name}+{variant}", "loss"]
        for name, variant in (("rag", "rag"), ("rag", "oracle_rag"), ("prompted", "rag"))
    )
    any_passage = 1 - metrics["prompted+other_rag"]["perplexity"] / metrics["prompted"]["perplexity"]
    adds = {after: row for (before, after, score), row in tests.items() if "+other_rag" in before and score == "loss"}
    least, *_, most = sorted(round(-100 * (math.exp(row["difference"]) - 1)) for row in adds.values())
    sentence = (
        f"gains {better(prompted)} with them (corrected p {short(prompted['p_holm'])}), and {100 * any_passage:.0f} % "
        "with those that were retrieved for another message. What "
        f"retrieval adds to that is clear in no generator ({least} to {most} %). Perplexity of `rag` is "
        f"the same with passages as without (95 % interval {bounds(rag)}, corrected p {rag['p_holm']:.2f}; "
        f"{metrics['rag']['examples']} replies about 11 situations), and "
        f"{better(oracle)} lower with the train exchanges whose replies are most like the true one ("
        f"{bounds(oracle, 1)}, p {short(oracle['p'])}, corrected {oracle['p_holm']:.2f}: not clear; "
        "`metrics/generators_tests.json`)."
    )
    assert sentence.replace(" 0.", " .") in SENTENCES
    assert round(100 * rag["difference"]) == 0
    assert len(adds) == 4
    found = {
        after for (_, after, each), row in tests.items() if each == "loss" and "+" in after and row["p_holm"] < 0.05
    }
    assert found == {"prompted+rag"}


@pytest.mark.usefixtures("committed_results")
def test_what_is_said_of_the_persona_and_the_instruction_is_the_committed_result() -> None:
    tests, metrics = generator_tests(), read_json(METRICS / "generators.json")
    own, none, other = (metrics[f"persona{whose}"]["perplexity"] for whose in ("", "+no_persona", "+other_persona"))
    without, others = (tests[f"persona+{whose}", "persona", "loss"] for whose in ("no_persona", "other_persona"))
    instruction = tests["base of prompted", "prompted", "loss"]
    persona = (
        f"The perplexity of `persona` is {own:.1f} with the responder's own persona, {none:.1f} with none (corrected p "
        f"{short(without['p_holm'])}) and {other:.1f} with another person's ({short(others['p_holm'])}; the mean of "
        "three draws of who gets whose)."
    )
    assert persona in SENTENCES
    raised = f"{worse(instruction)} ({short(instruction['p_holm'])})"
    assert f"The instruction of `prompted` raises perplexity by {raised}" in SENTENCES


@pytest.mark.usefixtures("committed_results")
def test_what_is_said_of_everyday_messages_is_the_committed_result() -> None:
    page = (ROOT / "docs" / "everyday.md").read_text()
    results = study("everyday.json")
    shown = {
        "written by hand": "targets",
        "`full`": "full",
        "`rag` without passages": "rag",
        "`rag` with passages": "rag+rag",
        **{f"`{name}`": name for name in ("prompted", "prompt_tuning", "persona", "lora_guanaco", "lora_openorca")},
    }
    for name, system in shown.items():
        own, glad, troubled = (f"{100 * results[system][score]:.0f} %" for score in SHARES)
        assert f"\n| {name} | {own} | {glad} | {troubled} |\n" in page
    hand, prompted, full, rag = (
        " and ".join(f"{100 * results[system][score]:.0f}" for score in SHARES[1:])
        for system in ("targets", "prompted", "full", "rag+rag")
    )
    told = (
        f"It accepts {hand} % of replies by hand, {prompted} % of `prompted` (sorry for nearly everybody), {full} % of "
        f"`full`, {rag} % of `rag` with passages, as on the chat page ([docs/everyday.md]"
    )
    counts = Counter(each.glad for each in Everyday.read().messages)
    assert f"judged replies to {counts[True]} messages of glad and {counts[False]} of troubled people" in SENTENCES
    assert told in SENTENCES


@pytest.mark.usefixtures("committed_results")
def test_what_is_said_of_the_worst_replies_is_the_committed_result() -> None:
    replies = pd.read_csv(ROOT / "plots" / "replies.csv")
    said = {name: replies[name].str.contains("sorry for your loss").sum() for name in ("prompt_tuning", "full", "rag")}
    assert said["full"] == said["rag"] == 0
    cut = {name: f"{100 * scores['replies_truncated']:.0f} %" for name, scores in study("generators.json").items()
           if "replies_truncated" in scores}  # fmt: skip
    settings = load()
    steps, tokens = settings.generators["prompt_tuning"].steps, settings.generation.max_new_tokens
    assert f"learn little in {steps} updates" in SENTENCES
    told = (
        f'{said["prompt_tuning"]} of its {len(replies)} test replies say "sorry for your loss", whatever the message, '
    )
    assert f"{told}and {cut['prompt_tuning']} do not end within {tokens} tokens" in SENTENCES
    assert f"Of those of `prompted`, which nothing taught to be short, {cut['prompted']} do not" in SENTENCES


def test_the_stage_tables_name_every_stage_module() -> None:
    page = (ROOT / "docs" / "pipeline.md").read_text()
    named = set(re.findall(r"`(\w+)`", "".join(line for line in page.splitlines() if line.startswith("| `"))))
    modules = {path.stem for folder in ("stages", "studies") for path in (ROOT / folder).glob("*.py")} - {"__init__"}
    assert len(modules) > 20
    assert modules <= named


def test_the_stage_tables_name_everything_that_stages_write() -> None:
    page = (ROOT / "docs" / "pipeline.md").read_text()
    cells = (line.rpartition(" | ")[2] for line in page.splitlines() if line.startswith("| `"))
    named = [re.sub("<.*>/$", "", each) for cell in cells for each in re.findall(r"`([^`]+)`", cell)]
    stages = (stage for path in ("dvc.yaml", "studies/dvc.yaml") for stage in read(ROOT / path)["stages"].values())
    outs = [out if isinstance(out, str) else next(iter(out)) for each in stages for out in each.get("do", each)["outs"]]
    assert len(outs) > 40
    for out in outs:
        assert any(fnmatch(f"{out}/", f"{each}*") for each in named), out


def test_what_annotators_judge_stands_among_what_stages_write() -> None:
    judged, pipeline = (PAGES[ROOT / "docs" / name] for name in ("judgement.md", "pipeline.md"))
    read = set(re.findall(r"data/evaluation/\w+\.parquet", judged))
    assert len(read) == 2
    assert read <= set(re.findall(r"data/evaluation/\w+\.parquet", pipeline))


@pytest.mark.usefixtures("committed_results")
def test_the_sizes_of_the_subsets_are_those_of_the_parameters() -> None:
    sizes = load(ROOT / "params.yaml").subsets
    assert f"on {sizes.large.train} (`large`) or {sizes.small.train} (`small`) of its conversations" in SENTENCES
    assert sizes.large.evaluate == sizes.small.evaluate
    assert f"all are tested on the same {sizes.large.evaluate} contexts per domain" in SENTENCES


@pytest.mark.usefixtures("committed_results")
def test_the_models_of_a_first_look_are_those_that_it_makes() -> None:
    values = YAML().load(ROOT / "params.yaml")
    shrink(values)
    cobert = values["cobert"]
    rankers = {
        f"cobert/{recipe}-{subset}-{domain}"
        for recipe in cobert["recipes"]
        for subset in cobert["subsets"]
        for domain in cobert["domains"]
    }
    named = set(re.findall(r"`quick/models/(\w+/[\w-]+)`", README))
    assert len(named) == 2
    assert named <= rankers | {f"generators/{name}" for name in values["generators"]}


def test_params_yaml_lists_every_method_where_one_is_first_trained() -> None:
    text = (ROOT / "params.yaml").read_text(encoding="utf-8")
    (comment,) = re.findall(r"\n((?: +#.*\n)+)    method: prompt_tuning\n", text)
    for name, method in METHODS.items():
        assert re.search(rf"\b{name}\b", comment), name
        assert not method.trains or set(method.keys) <= set(re.findall(r"\w+", comment)), name


def test_make_has_the_commands_that_are_named() -> None:
    makefile = (ROOT / "Makefile").read_text()
    targets = set(re.findall(r"(?m)(?:^|`)make ([\w-]+)", ALL)) | {"repro", "test"}
    assert len(targets) > 6
    for target in targets:
        assert re.search(rf"(?m)^{target}:", makefile), target


def test_the_keys_that_are_set_exist() -> None:
    whole, written = load(ROOT / "params.yaml").model_dump(), YAML().load(ROOT / "params.yaml")
    keys = re.findall(r"-S '?(\+?)([\w.]+)=", ALL)
    assert len(keys) > 10
    for plus, key in keys:
        # What params.yaml leaves to its default is added with a plus, or dvc refuses it.
        place = whole if plus else written
        *sections, last = key.split(".")
        # One's own entries are called `mine`, but for the one corpus that is there only as one's own.
        for part in sections if plus and last in ("mine", EPITOME.name) else [*sections, last]:
            assert part in place, key
            place = place[part]


def test_pictures_and_files_that_are_named_exist() -> None:
    paths = set()
    for page, text in PAGES.items():
        committed = r"`((?:attune|docs|metrics|plots|stages|studies|tests|tools)/[\w./]+\w)/?`"
        links = {(page.parent / link).relative_to(ROOT) for link in re.findall(r"\]\(([^:)#]+)\)", text)}
        paths |= {*map(str, links), *re.findall(committed, text)}
    assert len(paths) > 20
    assert "attune/sources/sample/banks" in paths
    for path in paths:
        assert (ROOT / path).exists(), path


def headings(text: str, level: str = "#{1,6}") -> list[str]:
    """The anchors that GitHub gives a page's headings of a level, a regular expression; code blocks have none."""
    titles = re.findall(rf"(?m)^{level} (.+)$", re.sub(r"(?ms)^```.*?^```$", "", text))
    return [re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles]


def test_links_to_a_heading_lead_to_one() -> None:
    checked = 0
    for page, text in PAGES.items():
        for path, anchor in re.findall(r"\]\(([^:)#]*)#([^)]+)\)", text):
            target = page.parent / path if path else page
            assert anchor in headings(target.resolve().read_text()), f"{page.name}: {path}#{anchor}"
            checked += 1
    assert checked > 20


def test_a_long_page_begins_with_links_to_its_sections() -> None:
    # docs/api.md is written by tools/api.py.
    long = [path for path, text in PAGES.items() if len(text.splitlines()) > 150 and path.name != "api.md"]
    assert len(long) > 3
    for path in long:
        start, sections = PAGES[path].split("\n## ")[0], headings(PAGES[path], "##")
        missing = [section for section in sections if f"](#{section})" not in start]
        assert not missing, f"{path.name}: {missing}"


def test_files_and_names_of_the_code_that_params_yaml_names_exist() -> None:
    text = (ROOT / "params.yaml").read_text(encoding="utf-8")
    paths = re.findall(r"\b(?:attune|docs|stages)/[\w./]*\w\.(?:py|md)\b", text)
    assert len(paths) > 5
    for path in paths:
        assert (ROOT / path).is_file(), path
    for name in re.findall(r"\battune(?:\.\w+)+\.[A-Z_]+\b", text):
        module, _, constant = name.rpartition(".")
        assert hasattr(import_module(module), constant), name


def test_the_first_screen_has_commands_a_figure_and_every_folder() -> None:
    screen = README.split("\n## ")[0]
    assert len(screen.splitlines()) <= 40
    assert "make repro" in screen
    assert "![" in screen
    folders = {path.name for path in (ROOT / "attune").iterdir() if (path / "__init__.py").is_file()}
    folders |= {
        "stages",
        "studies",
        "attune",
        "data",
        "models",
        "metrics",
        "plots",
        "tests",
        "benchmarks",
        "docs",
        "tools",
    }
    assert not {folder for folder in folders if f"{folder}/" not in screen}


def test_options_within_sentences_can_be_read_by_dvc() -> None:
    parser = OverridesParser.create()
    options = [parser.parse_override(each).value() for each in re.findall(r"`-S '([^`]+)'`", ALL)]
    assert {"path": "/data/chats (1).jsonl"} in options
