import random
from pathlib import Path
from statistics import fmean
from typing import Any

import pytest

from attune.core.errors import AttuneError
from attune.core.files import write_parquet
from attune.corpora import record_of
from attune.evaluation.contamination import Contamination, Measured, ngrams, split_losses, split_ranking
from attune.evaluation.generation.summary import TARGETS
from attune.index.bank import entries

RANKED, DIALOGUES = "pec/small/happy", "empathetic_dialogues"
NINE = "one two three four five six seven eight nine"
REST = "a b c d e f g h i j k l m n o p q r s t u v w x y z"


def pec_row(name: str, context: str, response: str) -> dict[str, Any]:
    people = {"context_speakers": ["x"], "response_speaker": "y", "personas": [], "dropped_personas": 0}
    return {"id": name, "domain": "happy", "context": [context], "response": response, **people}


def dialogue_row(name: str, target: str) -> dict[str, Any]:
    said = {"context": "sad", "situation": "s", "history": [], "input": "Hello.", "target": target}
    return {"conv_id": name, "turn": 1, **said}


@pytest.fixture
def measured(tmp_path: Path) -> Contamination:
    """Of four ranked test rows, one repeats a train response, one a train context, one is short, and one is new."""
    pec = {
        "train": [pec_row("t1", "short", f"well, {NINE}!"), pec_row("t2", f"{REST}", "yes it is")],
        "test": [
            pec_row("a", "what", f"{NINE.title()}."),
            pec_row("b", REST, "no"),
            pec_row("c", "yes it is", "yes it is"),
            pec_row("d", " ".join(reversed(NINE.split())), "no"),
        ],
    }
    dialogues = {
        "train": [dialogue_row("t", f"I know that {NINE}")],
        "test": [dialogue_row("e", NINE), dialogue_row("f", "Oh no.")],
    }
    for folder, name, splits in ((RANKED, "pec", pec), (DIALOGUES, DIALOGUES, dialogues)):
        for split, rows in splits.items():
            write_parquet(tmp_path / "processed" / folder / f"{split}.parquet", rows, record_of(name).schemas.rows)
    import pyarrow as pa

    bank = pa.schema([(column, pa.string()) for column in ("id", "text", "reply")])
    write_parquet(tmp_path / "index" / "pec" / "rows.parquet", entries(pec["train"]), bank)
    return Contamination.measure(tmp_path / "processed", tmp_path / "index", ["pec", DIALOGUES])


def test_what_is_left_of_a_corpus_that_was_taken_out_does_not_count(measured: Contamination, tmp_path: Path) -> None:
    assert set(measured.tests) == {RANKED, DIALOGUES}
    left = Contamination.measure(tmp_path / "processed", tmp_path / "index", [DIALOGUES])
    assert (set(left.tests), set(left.found)) == ({DIALOGUES}, {DIALOGUES})


def test_an_ngram_is_eight_words_without_case_and_punctuation() -> None:
    assert ngrams("One, two -- THREE four five six seven eight nine") == {
        "one two three four five six seven eight",
        "two three four five six seven eight nine",
    }
    assert ngrams("seven words are too few for one") == set()
    assert ngrams("我今天真的，很难过") == {"我 今 天 真 的 很 难 过"}


@pytest.mark.parametrize(("words", "mostly"), [(13, False), (14, True)])
def test_seven_in_ten_runs_are_most_of_them(words: int, mostly: bool) -> None:
    reply = REST.split()[:17]
    measured = Measured("a", "a", frozenset(), frozenset(ngrams(" ".join(reply))))
    assert len(measured.reply) == 10
    assert measured.mostly_contained(ngrams(" ".join(reply[:words]))) is mostly


def test_each_test_set_is_compared_with_each_train_set_and_bank(measured: Contamination) -> None:
    records = {(each["test"], each["source"]): each for each in measured.overlaps()}
    assert set(records) == {
        (test, source) for test in (RANKED, DIALOGUES) for source in (RANKED, DIALOGUES, "index/pec")
    }
    own = records[RANKED, RANKED]
    assert (own["rows"], own["rows_with_ngrams"]) == (4, 3)
    assert (own["reply"], own["example"], own["mostly_contained"]) == (0.25, 0.5, 0.5)
    # The bank holds responses alone, the dialogues only the nine words.
    assert (records[RANKED, "index/pec"]["reply"], records[RANKED, "index/pec"]["example"]) == (0.25, 0.25)
    assert records[RANKED, DIALOGUES]["example"] == 0.25
    assert records[DIALOGUES, DIALOGUES]["reply"] == records[DIALOGUES, RANKED]["reply"] == 0.5


@pytest.mark.parametrize("column", ["text", "reply"])
def test_the_turns_before_the_message_count_and_both_texts_of_a_bank(tmp_path: Path, column: str) -> None:
    """A test reply, the message that it answers and a turn before are in three train rows, and in three of a bank."""
    import pyarrow as pa

    spoken = {"history": NINE, "input": REST, "target": " ".join(reversed(REST.split()))}
    said = dialogue_row("t", spoken["target"]) | {
        "input": spoken["input"],
        "history": ["Hi.", spoken["history"], "Oh."],
    }
    schema = record_of(DIALOGUES).schemas.rows
    write_parquet(tmp_path / "processed" / DIALOGUES / "test.parquet", [said], schema)
    bank = pa.schema([(name, pa.string()) for name in ("id", "text", "reply")])
    for place, text in spoken.items():
        learnt = dialogue_row("l", "no") | {"history": [text if column == "text" else "Hi."]}
        learnt |= {"target": text} if column == "reply" else {}
        write_parquet(tmp_path / "processed" / DIALOGUES / place / "train.parquet", [learnt], schema)
        row = {"id": "l#1", "text": "no", "reply": "no"} | {column: text}
        write_parquet(tmp_path / "index" / DIALOGUES / place / "rows.parquet", [row], bank)
    found = Contamination.measure(tmp_path / "processed", tmp_path / "index", [DIALOGUES]).overlaps()
    assert len(found) == 6
    for each in found:
        assert (each["example"], each["reply"]) == (1, float(each["source"].endswith("target")))


def test_scores_are_split_by_overlap_with_the_models_own_train_set(measured: Contamination) -> None:
    ranks = {"a": 1, "b": 2, "c": 4, "d": 4}
    rows = [
        {"model": "m", "subset": "small", "domain": "happy", "id": name, "cluster": "", "rank": rank}
        for name, rank in ranks.items()
    ]
    by_split = {each["split"]: each for each in split_ranking(measured, rows, 13)}
    assert (by_split["reply"]["overlapping"], by_split["reply"]["overlapping_units"]) == (1, 1)
    assert "overlapping_low" not in by_split["reply"]  # one context has no interval
    assert by_split["reply"]["other"] == pytest.approx((1 / 2 + 1 / 4 + 1 / 4) / 3, abs=1e-4)
    assert (by_split["example"]["overlapping"], by_split["example"]["other"]) == (0.75, 0.25)
    assert "overlapping_low" not in by_split["example"]  # nor have two

    def scored(name: str, tokens: int, nats: float) -> dict[str, Any]:
        about = {"generator": "g", "variant": "rag", "id": f"{name}/1", "conversation": name, "cluster": ""}
        return {**about, "tokens": tokens, "nats": nats, "base_nats": 3.0 * tokens}

    rows = [scored("e", 4, 4.0), scored("f", 2, 5.0), scored("e", 4, 4.0) | {"generator": TARGETS}]
    losses = split_losses(measured, rows, {"g": DIALOGUES}, 13)
    found = {(each["score"], each["split"]): each for each in losses}
    assert {each["system"] for each in losses} == {"g+rag"}
    assert (found["loss", "reply"]["overlapping"], found["loss", "reply"]["other"]) == (1, 2.5)
    assert (found["gain", "reply"]["overlapping"], found["gain", "reply"]["other"]) == (2, 0.5)


def test_what_is_one_unit_is_decided_of_all_contexts_not_of_those_that_overlap(measured: Contamination) -> None:
    """Of six people, two say the same: what overlaps is of one person."""
    people = {"a": "ann", "b": "ann", "c": "ben", "d": "cid"}
    about = {"model": "m", "subset": "small", "domain": "happy", "rank": 2}
    rows = [{**about, "id": name, "cluster": person} for name, person in people.items()]
    others = [{**about, "id": "d", "cluster": person} for person in ("dan", "eve", "flo")]
    by_split = {each["split"]: each for each in split_ranking(measured, rows + others, 13)}
    assert by_split["example"]["overlapping_units"] == 1
    lost = {"generator": "g", "variant": "plain", "tokens": 2, "nats": 1.0, "base_nats": 2.0}
    scored = [{**lost, "id": f"{name}#1", "conversation": name, "cluster": "ann"} for name in ("c1", "c2")]
    scored += [{**lost, "id": "f#1", "conversation": "f", "cluster": person} for person in ("ben", "dan", "eve", "flo")]
    scored += [{**lost, "id": "f#1", "conversation": "f", "cluster": "cid"}]
    tests = [Measured(each["id"], each["conversation"], frozenset(), frozenset(ngrams(NINE))) for each in scored[:2]]
    tests += [Measured("f#1", "f", frozenset(), frozenset())]
    alike = Contamination({DIALOGUES: tests}, {DIALOGUES: ngrams(NINE)})
    for record in split_losses(alike, scored, {"g": DIALOGUES}, 13):
        assert (record["overlapping_units"], record["other_units"]) == (1, 5)


def holds(train: list[dict[str, Any]], texts: list[str]) -> bool:
    """Whether eight words in a row of one of the texts stand so in a turn of the train rows, window by window."""
    turns = [turn.split() for row in train for turn in (*row["context"], row["response"])]
    windows = [turn[at : at + 8] for turn in turns for at in range(len(turn) - 7)]
    return any(text.split()[at : at + 8] in windows for text in texts for at in range(len(text.split()) - 7))


def test_split_scores_are_those_of_a_slow_count_over_random_rows(tmp_path: Path) -> None:
    """Texts of two words only repeat in part: every test row is looked up window by window, every score added up."""
    draws = random.Random(5)

    def rows(prefix: str, count: int) -> list[dict[str, Any]]:
        texts = [" ".join(draws.choices("ab", k=draws.randint(6, 12))) for _ in range(2 * count)]
        return [pec_row(f"{prefix}{at}", texts[2 * at], texts[2 * at + 1]) for at in range(count)]

    splits = {"train": rows("t", 30), "test": rows("e", 40)}
    for split, each in splits.items():
        write_parquet(tmp_path / "processed" / RANKED / f"{split}.parquet", each, record_of("pec").schemas.rows)
    found = Contamination.measure(tmp_path / "processed", tmp_path / "index", ["pec"])
    about = {"subset": "small", "domain": "happy", "cluster": ""}
    ranks = {(model, row["id"]): draws.randint(1, 9) for model in ("m", "n") for row in splits["test"]}
    ranked = [{**about, "model": model, "id": name, "rank": rank} for (model, name), rank in ranks.items()]
    records = {(each["system"], each["split"]): each for each in split_ranking(found, ranked, 13)}
    losses = {row["id"]: (draws.randint(1, 9), draws.uniform(1, 9), draws.uniform(1, 9)) for row in splits["test"]}
    examples = {each.conversation: each.id for each in found.tests[RANKED]}
    scored = [
        {"generator": "g", "variant": "plain", "id": examples[name], "conversation": name, "cluster": "",
         "tokens": tokens, "nats": nats, "base_nats": base}
        for name, (tokens, nats, base) in losses.items()
    ]  # fmt: skip
    of_losses = {(each["score"], each["split"]): each for each in split_losses(found, scored, {"g": RANKED}, 13)}
    for split in ("reply", "example"):
        texts = {
            row["id"]: [row["response"], *(row["context"] if split == "example" else [])] for row in splits["test"]
        }
        kinds = {name: holds(splits["train"], each) for name, each in texts.items()}
        for name, kind in (("overlapping", True), ("other", False)):
            ids = [each for each, overlaps in kinds.items() if overlaps is kind]
            assert len(ids) > 3
            for model in ("m", "n"):
                assert records[model, split][f"{name}_units"] == len(ids)
                assert records[model, split][name] == pytest.approx(
                    fmean(1 / ranks[model, each] for each in ids), abs=1e-4
                )
            tokens, nats, base = (sum(losses[each][at] for each in ids) for at in range(3))
            assert of_losses["loss", split][name] == pytest.approx(nats / tokens, abs=1e-4)
            assert of_losses["gain", split][name] == pytest.approx((base - nats) / tokens, abs=1e-4)


def test_a_group_without_examples_has_no_score(measured: Contamination) -> None:
    rows = [{"model": "m", "subset": "small", "domain": "happy", "id": "d", "cluster": "", "rank": 2}]
    records = split_ranking(measured, rows, 13)
    assert [record["split"] for record in records] == ["reply", "example"]
    for record in records:
        assert record["overlapping_units"] == 0
        assert "overlapping" not in record
        assert record["other"] == 0.5


def test_an_unknown_test_set_names_the_known_ones(measured: Contamination) -> None:
    with pytest.raises(AttuneError, match="no test and train set called 'orca'; there are empathetic_dialogues, pec"):
        measured.overlapping("orca", "reply")
