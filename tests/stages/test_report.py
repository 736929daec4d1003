import itertools
import re
import shutil
from pathlib import Path
from typing import Any

import pytest

from attune import parameters
from attune.core.files import read_csv, read_json, read_parquet, write_csv, write_json, write_parquet
from attune.evaluation.generation.comparisons import without_passages
from attune.evaluation.schemas import ANSWERED_SCORED, RANKED, SCORED
from attune.report.figures.registry import on_page
from attune.sources.manifest import Origin, build
from stages.report import main
from tests.project import ROOT, changed, read
from tests.report.power_numbers import POWER

pytestmark = pytest.mark.usefixtures("without_large")

PATHS = {
    name: Path(path)
    for name, path in {
        "params": "params.yaml",
        "raw": "raw",
        "ranked": "ranked.parquet",
        "rows": "rows.parquet",
        "answered_rows": "answered.parquet",
        "probe": "probe.json",
        "metrics": "metrics",
        "figures": "plots/figures",
        "answers": "plots/answers.csv",
        "page": "plots/report.html",
        "replies_parquet": "side_by_side.parquet",
        "replies_csv": "plots/replies.csv",
        "answered_csv": "plots/retrieved_and_written.csv",
        "summary": "metrics/summary",
    }.items()
}
PHRASES = (
    "Passages harm (Full fine-tuning for RAG): perplexity higher, +10.5 %",
    "outperformed the baseline in MRR",
    "10 % of all prompts have a passage like the true reply",
    "Decoding, chosen by a sweep: 0.1/5/0.99",
    "baseline is better than baseline before training: MRR +0.100",
    '<th scope="row">CoBERT&#x27;s retrieval</th><td>Well done.</td>',
    '<th scope="row">Passages</th><td></td><td>1. Speaker: I fell.<br>Listener: Ouch!</td>',
    "Lowest perplexity on EmpatheticDialogues, without passages: ",
    "Models: baseline before training; baseline, after the paper&#x27;s recipe (lr 2e-05); tuned",
    "Recipes train on 100 (small) conversations per domain. The happy are the upbeat chats. "
    "Test contexts: 2 of happy (1 responder) and 1 of all (1 responder), 2 different ones. "
    "Recipes start from different models: before any",
    "Not shown: tuned and attune against baseline before training, since they start from other models",
    "Ranking, small subset (MRR, 95 % interval, corrected p): baseline against baseline before training +0.100",
    'upbeat chats.</td><td class="number">7</td>',  # of two files, that of personas aside
    "the cosine of the two replies&#x27; sentence embeddings",
    "Truncated replies had not ended after",
    "Distinct words and bigrams: the different ones as a share of all",
    '<th scope="row">t</th><td class="number">4</td><td class="number" data-value="0.5">50</td>'
    '<td class="number" data-value="0.25">25</td>',
)
PASSAGES = {"rag": ["Speaker: I fell.\nListener: Ouch!\n\n"]}
MODELS = ("untrained", "baseline", "tuned", "attune")
CONTAMINATION = {
    "n": 8, "mostly": 0.7, "losses": [], "ranking": [],
    "overlaps": [{"test": "t", "source": "t", "rows": 4, "rows_with_ngrams": 4, "example": 0.5, "reply": 0.25,
                  "mostly_contained": 0.0}],
}  # fmt: skip
TEST = {
    "difference": 0.1, "low": 0.05, "high": 0.2, "p": 0.001, "effect": 0.4, "family": "recipes", "p_holm": 0.002,
}  # fmt: skip


def wide(**scores: float) -> dict[str, float]:
    return {f"{name}{end}": value for name, value in scores.items() for end in ("", "_low", "_high")}


def row(generator: str, variant: str, reply: str | None) -> dict[str, Any]:
    texts = {"id": "c/1", "conversation": "c", "prompt": "I <b>lost</b>.", "target": "Oh no."}
    numbers = {"tokens": 3, "nats": 6.0, "base_nats": 9.0, "truncated": False}
    passages = {"passage_texts": PASSAGES.get(variant, []), "passage_replies": []}
    meanings = {"similarity": 0.5, "emotion": "sad", "prompt_emotion": "sad", "emotion_match": 1.0}
    return {"generator": generator, "variant": variant, **texts, **numbers, **passages, "reply": reply, **meanings}


def write_metrics(names: list[str]) -> None:
    scores = wide(mrr=0.25, loss=2.0) | {f"r@{k}": 0.5 for k in (1, 10, 50)}
    domains = {domain: dict.fromkeys(MODELS, scores) for domain in ("happy", "mean")}
    write_json(Path("metrics/cobert_intervals.json"), {"small": domains})
    pairs = [
        {"subset": "small", "domain": domain, "before": before, "after": after, "score": "mrr", **TEST}
        for domain in domains
        for before, after in itertools.pairwise(MODELS)
    ]
    write_json(Path("metrics/cobert_tests.json"), pairs)
    write_json(Path("metrics/power.json"), POWER)
    for recipe in MODELS[1:]:
        curve = [{"epoch": 0, "train_loss": None, "valid_loss": 3.0, "valid_mrr": 0.25}]
        write_csv(Path(f"metrics/curves/cobert/{recipe}-small-happy.csv"), curve)
    write_json(Path("metrics/generators.json"), {name: {"perplexity": 20.5} for name in names} | {"targets": {}})
    variants = [f"{name}+{variant}" for name in names for variant in ("rag", "oracle_rag")]
    passages = wide(perplexity=20.5, passage_similarity=0.3, passage_like_target=0.1)
    intervals = {name: wide(perplexity=20.5) for name in names} | dict.fromkeys(variants, passages)
    write_json(Path("metrics/generators_intervals.json"), intervals)
    write_generator_tests(names)
    write_json(
        Path("metrics/retrieved_and_written.json"), {"retrieved": wide(similarity=0.25, replies=12), "targets": {}}
    )
    test = {"before": "retrieved", "after": names[0], "score": "similarity", **TEST}
    write_json(Path("metrics/retrieved_and_written_tests.json"), [test])
    write_json(Path("metrics/contamination.json"), CONTAMINATION)
    points = {"0.1/5/0.99": {"best": True, "similarity": 0.375, "replies_repeated_3grams": 0.01}}
    write_json(Path("metrics/decoding.json"), {names[-1]: points})


PROBE: dict[str, Any] = {"signatures": {"bleu": "b", "chrf": "c"}, "confusion": {"sad": {}, "glad": {}}}


def write_generator_tests(names: list[str]) -> None:
    """The first generator against its base, and each that was trained with passages against the one that was not."""
    tests = [{"before": f"base of {names[0]}", "after": names[0], "score": "loss", **TEST}]
    generators = parameters.load().generators
    for name in (name for name in names if generators[name].passage_tokens):
        other, retrieved, ideal = without_passages(name, generators), f"{name}+rag", f"{name}+oracle_rag"
        for before, after in ((name, retrieved), (other, retrieved), (name, ideal), (retrieved, ideal)):
            if before:
                tests.append({"before": before, "after": after, "score": "loss", **TEST})
    write_json(Path("metrics/generators_tests.json"), tests)


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    changed(tmp_path, ("cobert.subsets", ["small"]), ("cobert.domains", ["happy"]))
    names = list(parameters.load().generators)
    write_metrics(names)
    write_json(Path("probe.json"), wide(accuracy=0.5) | PROBE)
    rows = [row(names[0], "plain", "Oh."), row(names[0], "rag", ""), row(names[-1], "plain", "4")]
    write_parquet(Path("rows.parquet"), rows, SCORED)
    places = [("happy", "a"), ("happy", "b"), ("all", "a")]
    ranked = [
        dict.fromkeys(RANKED.names)
        | {"model": model, "subset": subset, "domain": domain, "id": id, "cluster": "p", "partner": "q"}
        for subset in ("small", "large")
        for domain, id in places
        for model in MODELS
    ]
    write_parquet(Path("ranked.parquet"), ranked, RANKED)
    texts = {"id": "p/1", "conversation": "p", "prompt": "i won .", "target": "great ."}
    answered = [
        {"system": system, **texts, "reply": reply, "truncated": False}
        for system, reply in (("retrieved", "well done ."), (names[0], "Oh."), ("targets", "great ."))
    ]
    write_parquet(Path("answered.parquet"), answered, ANSWERED_SCORED)
    answer = {"kind": "factual", "question": "How many?", "generator": "g", "answer": "Eight.", "truncated": False}
    write_csv(Path("plots/answers.csv"), [answer])
    origin = Origin(
        "sample",
        "",
        licence="MIT",
        url="https://pypi.org/project/chats/",
        notice="Students' chats. The `happy` are the upbeat chats.",
    )
    Path("raw/pec").mkdir(parents=True)
    rows = {"chats.txt": 7, "persona.txt": 9}
    for name in rows:
        Path(f"raw/pec/{name}").write_text("hello\n")
    write_json(Path("raw/pec/manifest.json"), build("pec", Path("raw/pec"), origin, rows, bad_rows=0))
    Path("plots/figures").mkdir()
    for record in on_page("report"):
        Path(f"plots/figures/{record.name}.png").write_bytes(b"\x89PNG")
    return tmp_path


@pytest.mark.usefixtures("project")
def test_the_page_holds_everything_and_fetches_nothing() -> None:
    main(**PATHS)
    html = Path("plots/report.html").read_text(encoding="utf-8")
    assert html.count('src="data:image/png;base64,') == len(on_page("report"))
    assert not re.findall(r'(?:src|href)="(?!#|data:)[^"]*"', html)
    assert "I &lt;b&gt;lost&lt;/b&gt;." in html
    for text in (
        "tuned against baseline +0.100",
        "<td>https://pypi.org/project/chats/</td><td></td><td>MIT</td><td>Students&#x27; chats. The `happy` are",
        "Eight.",
        f"seed: {read()['seed']}",
        "The probe&#x27;s own accuracy on situations held out from it is 0.500",
        *PHRASES,
    ):
        assert text in html, text
    assert "untrained<" not in html
    first = Path("plots/report.html").read_bytes()
    main(**PATHS)
    assert Path("plots/report.html").read_bytes() == first


@pytest.mark.usefixtures("project")
def test_tables_are_folded_but_that_of_differences_and_one_of_replies() -> None:
    main(**PATHS)
    shown = unfolded(Path("plots/report.html").read_text(encoding="utf-8"))
    assert shown.count("<table") == 2
    assert '<th class="number" scope="col">p (Holm)</th>' in shown
    assert '<th scope="row">CoBERT&#x27;s retrieval</th><td>Well done.</td>' in shown


@pytest.mark.usefixtures("project")
def test_the_report_of_the_committed_scores_is_read_in_five_minutes(project: Path) -> None:
    """At 250 words per minute, without opening anything, but for what is compared, which many know (60 words).

    The replies that it shows beside are some 200 words.
    """
    shutil.copy(ROOT / "params.yaml", project)
    shutil.copytree(ROOT / "metrics", project / "metrics", dirs_exist_ok=True)
    main(**PATHS)
    shown = unfolded(Path("plots/report.html").read_text(encoding="utf-8"))
    assert 600 < len(re.sub(r"<(style|script)>.*?</\1>|<[^>]*>", " ", shown, flags=re.DOTALL).split()) < 1110


def unfolded(page: str) -> str:
    """The page without what is behind folds, innermost first."""
    fold = re.compile(r"<details>(<summary>[^<]*</summary>)(?:(?!<details>).)*?</details>", re.DOTALL)
    while fold.search(page):
        page = fold.sub(r"\1", page)
    return page


@pytest.mark.usefixtures("project")
def test_every_figure_stands_on_the_page_above_its_caption() -> None:
    main(**PATHS)
    html = Path("plots/report.html").read_text(encoding="utf-8")
    for record in on_page("report"):
        assert f'id="{record.name}"><figcaption>{record.caption_of(parameters.load())}</figcaption>' in html


@pytest.mark.usefixtures("project")
def test_replies_stand_side_by_side_and_the_summary_is_small() -> None:
    main(**PATHS)
    (replies,) = read_csv(Path("plots/replies.csv"))
    name, *_, last = parameters.load().generators
    texts = {"id": "c/1", "prompt": "I <b>lost</b>.", "target": "Oh no."}
    assert replies == texts | {name: "Oh.", f"{name}+rag": "", last: "4"}
    assert read_parquet(Path("side_by_side.parquet")) == [replies]
    (answers,) = read_csv(Path("plots/retrieved_and_written.csv"))
    texts = {"id": "p/1", "prompt": "i won .", "target": "great ."}
    assert answers == texts | {"retrieved": "well done .", name: "Oh."}
    summary = {path.stem: read_json(path) for path in Path("metrics/summary").iterdir()}
    assert set(summary) == {*MODELS, *parameters.load().generators}
    assert all(summary[model] == {"mrr": 0.25} for model in MODELS)
    assert summary[name] == {"perplexity": 20.5}


@pytest.mark.usefixtures("project")
def test_without_replies_the_tables_have_their_columns_alone() -> None:
    write_parquet(Path("rows.parquet"), [], SCORED)
    main(**PATHS)
    assert read_parquet(Path("side_by_side.parquet")) == []
    assert list(read_csv(Path("plots/replies.csv"))[0]) == ["id", "prompt", "target"]
