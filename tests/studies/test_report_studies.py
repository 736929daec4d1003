import re
from pathlib import Path

import pytest

from attune import parameters
from attune.core.files import read_json, write_json, write_parquet
from attune.evaluation.schemas import EVERYDAY as EVERYDAY_ROWS
from attune.report.everyday import messages
from attune.report.figures.registry import on_page
from studies.report_studies import main
from tests.project import changed
from tests.report.everyday_numbers import EVERYDAY, EVERYDAY_TESTS, REPLIES
from tests.report.seed_numbers import SEEDS

PLACES = {
    "raw": Path("raw"),
    "metrics": Path("metrics"),
    "figures": Path("figures"),
    "everyday": Path("everyday.parquet"),
    "page": Path("studies.html"),
}
SCORES = {"mrr": 0.25, "mrr_low": 0.2, "mrr_high": 0.3, "r@1": 0.1, "r@10": 0.5, "r@50": 0.9}
TEST = {
    "score": "mrr",
    "difference": 0.1,
    "low": 0.05,
    "high": 0.2,
    "p": 0.001,
    "p_holm": 0.002,
    "effect": 0.4,
    "family": "recipes",
}


METHOD_TESTS = [
    {**TEST, "before": before, "after": "tuned", "domain": domain, "family": family, "difference": difference}
    for before, domain, family, difference in (
        ("tfidf", "mean", "ways without training", 0.2),
        ("cosine_context", "mean", "ways without training", 0.1),
        ("cosine_context", "happy", "ways without training by domain", 0.3),
        ("max_sim", "all", "trained ways", 0.1),
        ("untrained", "mean", "what training adds", 0.15),
    )
]


@pytest.fixture
def page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.chdir(tmp_path)
    changed(tmp_path)
    ways = dict.fromkeys(("cosine_context", "tuned", "max_sim"), SCORES | {"gflops": 12.5})
    shared = {name: SCORES | {"mrr": 0.28} for name in ("cosine_context", "tuned", "untrained")}
    write_json(Path("metrics/compare.json"), {"all": ways, "happy": shared, "mean": shared})
    write_json(Path("metrics/compare_tests.json"), METHOD_TESTS)
    write_json(Path("metrics/persona_use.json"), {"mean": {"a": SCORES, "b": SCORES}})
    tests = [{"domain": domain, "before": "a", "after": "b", **TEST} for domain in ("happy", "mean")]
    write_json(Path("metrics/persona_use_tests.json"), tests)
    write_json(Path("metrics/personas.json"), {"1": SCORES, "5": SCORES})
    write_json(Path("metrics/personas_tests.json"), [{"before": "1", "after": "5", **TEST, "p": 0.5, "p_holm": 0.5}])
    write_json(
        Path("metrics/retrieval.json"),
        {"happy": {"replies": 300, "recall": 0.5, "mrr_index": 0.1, "mrr_reranked": 0.2}},
    )
    write_json(Path("metrics/transfer.json"), {"happy": {"happy": SCORES}})
    write_json(Path("metrics/seeds.json"), SEEDS)
    write_json(Path("metrics/everyday.json"), EVERYDAY)
    write_json(Path("metrics/everyday_tests.json"), EVERYDAY_TESTS)
    write_parquet(PLACES["everyday"], REPLIES, EVERYDAY_ROWS)
    Path("figures").mkdir()
    for record in on_page("studies"):
        Path(f"figures/{record.name}.png").write_bytes(b"\x89PNG")
    main(**PLACES)
    return Path("studies.html").read_text(encoding="utf-8")


def test_the_page_holds_every_study(page: str) -> None:
    assert page.count('src="data:image/png;base64,') == len(on_page("studies"))
    assert not re.findall(r'(?:src|href)="(?!#|data:)[^"]*"', page)
    assert page.count('<th scope="row">b against a</th>') == 2  # once among the largest of each family
    assert '<th scope="row">5 persona sentences against 1 persona sentence</th>' in page
    assert ": 5 against 1 persona sentence, +0.100 MRR (95 % interval +0.050 to +0.200, corrected p = 0.50), no" in page
    assert "Transfer: " not in page
    assert "the shortlist holds the true reply in 50 % of the contexts; the MRR is 0.100 in the" in page
    assert "0.200 in attune&#x27;s (untested; their intervals are below)." in page
    assert "Reranked by attune. Replies:" in page
    assert "Ways to match, trained and tested on: all" in page
    assert "GFLOP" in page
    assert "<summary>All of them, domain all</summary>" in page
    assert "<summary>Those that need no further training, mean of all, happy and offmychest</summary>" in page
    assert "all: attune against tuned, +0.125 MRR" in page


def test_methods_have_names_in_words_and_what_is_told_of_them_is_corrected(page: str) -> None:
    body = page.partition("<h2")[2]
    assert not re.search("cosine_context|max_sim", body)
    assert (
        "tuned is better than all 2 ways to match without training (MRR, large subset, mean of domains). Its "
        "difference from the best of them, cosine of the whole context, is +0.100 (95 % interval +0.050 to +0.200, "
        "corrected p = 0.0020). tuned is better than baseline before training (0.280)." in page
    )
    assert (
        "What training adds to each recipe (MRR, large subset, mean of domains): tuned +0.150 (95 % interval "
        "+0.050 to +0.200, corrected p = 0.0020), better." in page
    )
    assert '<th scope="row">tuned against TF-IDF of the context</th>' in page
    assert '<th scope="row">tuned against baseline before training</th>' in page
    assert "the best of the others MaxSim, MRR 0.250 (0.200 to 0.300). tuned against MaxSim: +0.100" in page


def test_without_personas_nothing_is_found_about_them(page: str) -> None:
    assert "Persona in ranking: of 1 comparisons" in page
    assert "test contexts that have a persona" not in page
    some = {"mean": {"a": SCORES | {"contexts": 30, "contexts_without_persona": 10}}}
    for scores, tests in ((some, read_json(Path("metrics/persona_use_tests.json"))), ({}, [])):
        write_json(Path("metrics/persona_use.json"), scores)
        write_json(Path("metrics/persona_use_tests.json"), tests)
        main(**PLACES)
        text = Path("studies.html").read_text(encoding="utf-8")
        assert (" Measured on the 30 of 40 test contexts that have a persona." in text) == bool(scores)
    assert "Persona in ranking" not in text
    assert "Number of persona sentences (" in text
    write_json(Path("metrics/personas_tests.json"), [])
    main(**PLACES)
    assert "Number of persona sentences (" not in Path("studies.html").read_text(encoding="utf-8")


def test_what_is_whatever_the_model_does_is_not_told_as_measured(page: str) -> None:
    assert "R@50" in page
    changed(Path(), ("cobert.candidates", 50))
    bank = {"replies": 30, "recall": 1.0, "mrr_index": 0.1, "mrr_reranked": 0.2, "all_reranked": 1}
    part = {"replies": 300, "recall": 0.5, "mrr_index": 0.1, "mrr_reranked": 0.2}
    told = "all of them are reranked where there are no more than the shortlist holds (happy); the MRR is 0.100 in"
    for banks, recall in (({"happy": bank}, ""), ({"happy": bank, "all": part}, "in 50 % of the contexts; ")):
        write_json(Path("metrics/retrieval.json"), banks)
        main(**PLACES)
        text = Path("studies.html").read_text(encoding="utf-8")
        assert f"{recall}{told}" in text
        assert bool(recall) == ("the shortlist holds the true reply" in text)
    assert "R@50" not in text
    assert "R@10" in text


def test_replies_to_everyday_messages_are_told_beside_those_by_hand(page: str) -> None:
    assert (
        f"Everyday messages ({messages()}): shares of replies, for each generator that is best in one of them; "
        "in brackets, what differs clearly from “Zero-shot instruction”. Full fine-tuning: 90 % nearest to their "
        "own message (+50 points, better), 90 % right for the glad (+70 points, better), 50 % right for the troubled "
        "(−30 points, worse). "
        "Zero-shot instruction: 40 % nearest to their own message, 20 % right for the glad, 80 % right for the "
        "troubled. By hand: 95 % nearest to their own message, 90 % right for the glad, 85 % right for the troubled."
        in page
    )
    assert (
        "“Full fine-tuning for RAG” with passages in its prompt: nearest to its own message −30 points, worse; right "
        "feeling for the glad +10 points, no difference found; right feeling for the troubled +10 points, no "
        "difference found." in page
    )
    section = page.partition('<h2 id="everyday-messages">')[2].partition("<h2")[0]
    assert "<summary>10 of the messages, with the reply of each system</summary>" in section
    shown = re.findall(r"<blockquote>Message (\d) of the (\w+)\.</blockquote>", section)
    assert shown == [(str(number), feeling) for feeling in ("troubled", "glad") for number in range(1, 6)]
    assert "<td>prompted to glad 3.</td>" in section


def test_every_figure_of_the_studies_stands_on_it(page: str) -> None:
    for record in on_page("studies"):
        assert f'id="{record.name}"><figcaption>{record.caption_of(parameters.load())}</figcaption>' in page
