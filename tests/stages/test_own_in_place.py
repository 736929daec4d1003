"""One's own data in the built-in corpora's places, from files to trained and ranked models, by parameters alone."""

import csv
import re
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from attune.core.errors import AttuneError
from attune.core.files import read_csv, read_json, read_parquet
from stages import check_parameters, download, evaluate_cobert, preprocess, recipes, subset, train_cobert
from tests.cobert.tiny import encoder
from tests.project import changed

THINGS, PLACES = ("dog", "cat", "bike", "job"), ("sea", "city", "old", "new")
COLUMNS = {"context": "post", "response": "answer", "persona": "about me"}
SIZES = {"train": 24, "valid": 4, "test": 8, "evaluate": 8}


def posts(path: Path, **also: list[str]) -> str:
    """A learnable CSV of 60 rows with column names of its own; `also`: further columns."""
    with path.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream)
        writer.writerow(["post", "answer", "about me", *also])
        for number in range(60):
            thing, place = THINGS[number % 4], PLACES[number // 4 % 4]
            row = [f"I lost my {thing}, number {number}.", f"The {thing}! I like the {place}, {number}."]
            writer.writerow(
                [*row, f"I love the {place}.\nI have a job.", *(values[number] for values in also.values())]
            )
    return str(path)


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def parameters(entry: dict[str, Any], *changes: tuple[str, object], name: str = "pec") -> None:
    small = [("cobert.subsets", ["small"]), ("cobert.domains", ["all"]), ("cobert.candidates", 8)]
    sizes = [("subsets", {"large": SIZES, "small": SIZES})]
    changed(Path.cwd(), (f"corpora.{name}", entry), *small, *sizes, *changes)


def made(name: str = "pec") -> Path:
    check_parameters.main(target=Path("checked.txt"))
    raw, cut, rows = Path(f"raw/{name}"), Path(f"subset/{name}"), Path(f"processed/{name}")
    download.main(corpus=name, target=raw)
    subset.main(corpus=name, raw=raw, target=cut)
    preprocess.main(corpus=name, subset=cut, target=rows)
    return rows


def test_a_csv_s_own_persona_trains_and_tests_cobert() -> None:
    tiny = {"epochs": 1, "batch_size": 8, "extra_negatives": 0, "frozen_layers": 1, "num_personas": 2}
    only = [("cobert.recipes", ["baseline", "attune"]), *((f"recipes.baseline.{key}", tiny[key]) for key in tiny)]
    parameters({"path": posts(Path("posts.csv")), "columns": COLUMNS}, *only, ("recipes.attune.epochs", 1))
    rows = made()
    (row,) = read_parquet(rows / "small/all/train.parquet")[:1]
    assert len(row["personas"]) == 2
    assert (row["domain"], row["response_speaker"]) == ("all", "responder")
    manifest = read_json(Path("raw/pec/manifest.json"))
    assert (manifest["source"], manifest["notice"]) == ("path", "Own data, posts.csv")
    recipes.main(candidates=Path("subset/pec/candidates"), target=Path("recipes"))
    encoder(Path("base/encoder"))
    for recipe in ("baseline", "attune"):
        train_cobert.main(
            recipe=Path(f"recipes/{recipe}.json"), encoder=Path("base/encoder"), data=rows / "small/all",
            target=Path(f"models/{recipe}-small-all"), curve=Path(f"{recipe}.csv"),
        )  # fmt: skip
        assert [each["epoch"] for each in read_csv(Path(f"{recipe}.csv"))] == ["0", "1"]
    evaluate_cobert.main(
        recipes=Path("recipes"), encoder=Path("base/encoder"), processed=rows, models=Path("models"),
        scores=Path("scores.json"), intervals=Path("intervals.json"), tests=Path("tests.json"),
        power=Path("power.json"), rows=Path("ranked.parquet"),
    )  # fmt: skip
    ranked = read_parquet(Path("ranked.parquet"))
    assert {each["model"] for each in ranked} >= {"baseline", "attune"}
    assert {each["domain"] for each in ranked} == {"all"}


def test_other_draws_of_ones_own_data_are_refused_since_they_would_train_on_tested_contexts() -> None:
    entry = {"path": posts(Path("posts.csv")), "columns": COLUMNS}
    parameters(entry)
    check_parameters.main(target=Path("checked.txt"))
    for varies in ("draw", "both"):
        parameters(entry, ("seeds.varies", varies))
        with pytest.raises(
            AttuneError, match=rf"seeds\.varies = '{varies}' would train on contexts of the test: .* set it to order"
        ):
            check_parameters.main(target=Path("checked.txt"))


def test_an_own_emotion_column_takes_empathetic_dialogues_place() -> None:
    moods = ["calm", "sad", "glad"] * 20
    columns = {"context": "post", "response": "answer", "emotion": "mood"}
    entry = {"path": posts(Path("posts.csv"), mood=moods), "columns": columns}
    parameters(entry, name="empathetic_dialogues")
    rows = read_parquet(made("empathetic_dialogues") / "train.parquet")
    assert {row["context"] for row in rows} == set(moods)
    assert all(row["situation"] == row["input"] for row in rows)  # the first turn
    assert {tuple(row["speakers"]) for row in rows} == {(0,)}


def test_a_generator_may_learn_from_one_s_own_domain() -> None:
    entry = {"path": posts(Path("posts.csv"), of=["work"] * 60), "columns": COLUMNS | {"domain": "of"}}
    parameters(entry, ("generators.persona.rows", "processed/pec/small/work"))
    assert (made() / "small/work/train.parquet").is_file()


@pytest.mark.parametrize(
    ("also", "entry", "changes", "message"),
    [
        ({}, {}, [("cobert.domains", ["happy"])], "corpora.pec has no domain 'happy' but all"),
        ({}, {}, [("cobert.domains", ["sad"])], "'sad' is no domain; it may be all, happy, offmychest, or what"),
        (
            {},
            {},
            [("cobert.candidates", 40)],
            "test split of all has 12 different replies, and cobert.candidates is 40",
        ),
        (
            {"of": ["work"] * 58 + ["rare"] * 2},
            {"columns": COLUMNS | {"domain": "of"}},
            [("generators.persona.rows", "processed/pec/small/rare")],
            "generators.persona.rows = 'processed/pec/small/rare': corpora.pec has no domain 'rare' but all, work; a",
        ),
        ({}, {}, [("generators.persona.rows", "processed/pec/tiny/all")], "such as processed/pec/large/all"),
        ({}, {}, [("subsets.large", SIZES | {"train": 500})], "-S 'subsets.large={train: 43, valid: 4, test: 8, eval"),
        ({}, {"url": "https://x.org"}, [], "unknown key corpora.pec.url"),
        ({"of": ["all"] * 60}, {"columns": COLUMNS | {"domain": "of"}}, [], "line 2: domain is 'all'; expected a name"),
        ({"of": ["a b"] * 60}, {"columns": COLUMNS | {"domain": "of"}}, [], "line 2: domain is 'a b'; expected a name"),
        ({"of": ["x"] * 60}, {"columns": COLUMNS | {"situation": "of"}}, [], "columns names situation, which has no"),
        ({"of": ["x"] * 60}, {"columns": COLUMNS | {"system": "of"}}, [], "columns names system, which has no"),
        ({"of": ["x"] * 60}, {"columns": COLUMNS | {"emotion": "of"}}, [], "columns names emotion, which has no"),
    ],
)
@pytest.mark.fault("one's own data that do not suffice for a built-in corpus' place", "refused before anything starts")
def test_what_does_not_suffice_is_refused_before_anything_starts(
    also: dict[str, list[str]], entry: dict[str, Any], changes: list[tuple[str, object]], message: str
) -> None:
    parameters({"path": posts(Path("posts.csv"), **also), "columns": COLUMNS} | entry, *changes)
    with pytest.raises(AttuneError) as raised:
        check_parameters.main(target=Path("checked.txt"))
    assert message in str(raised.value)
    assert not Path("checked.txt").exists()


def refused(entry: dict[str, Any], changes: dict[str, Any]) -> str:
    parameters(entry, *changes.items())
    with pytest.raises(AttuneError) as raised:
        check_parameters.main(target=Path("checked.txt"))
    (line,) = str(raised.value).splitlines()
    return line


def proposed(line: str) -> dict[str, Any]:
    """The values of params.yaml that an error names."""
    read = YAML(typ="safe")
    return {key: read.load(value) for key, value in re.findall(r"-S '?([\w.]+)=(\{.*?\}|\d+)", line)}


@pytest.mark.parametrize("of", [["work"] * 60, ["work", "home"] * 30])
def test_all_sizes_that_are_too_large_are_named_at_once_with_values_that_do(of: list[str]) -> None:
    sizes = {
        "large": SIZES | {"train": None, "valid": 30, "test": 20, "evaluate": 30},
        "small": SIZES | {"train": 50, "valid": 4},
    }
    entry = {"path": posts(Path("posts.csv"), of=of), "columns": COLUMNS | {"domain": "of"}}
    # By this share, either domain has conversations in every split.
    changes: dict[str, Any] = {"subsets": sizes, "preprocess.test_share": 0.4}
    changes |= {"cobert.candidates": 40, "cobert.domains": ["all", "work"]}
    line = refused(entry, changes)
    assert "its 60 conversations give" in line
    values = proposed(line)
    assert values.keys() == {"subsets.large", "subsets.small", "cobert.candidates"}
    parameters(entry, *(changes | values).items())
    check_parameters.main(target=Path("checked.txt"))
    subset_too(values)


def subset_too(values: dict[str, Any]) -> None:
    """The stage draws what the error named."""
    download.main(corpus="pec", target=Path("raw"))
    subset.main(corpus="pec", raw=Path("raw"), target=Path("cut"))
    for split in ("train", "valid", "test"):
        assert len(read_parquet(Path(f"cut/small/all/{split}.parquet"))) == values["subsets.small"][split]


def test_domains_of_which_no_size_can_be_drawn_are_named_with_the_sizes() -> None:
    """`rare` has two conversations, and `none` is in no row."""
    entry = {"path": posts(Path("posts.csv"), of=["work"] * 58 + ["rare"] * 2), "columns": COLUMNS | {"domain": "of"}}
    learnt = "generators.persona.rows"
    changes: dict[str, Any] = {"subsets": {"large": SIZES | {"train": 500}, "small": SIZES | {"train": 200}}}
    changes |= {"cobert.domains": ["all", "none", "work"], learnt: "processed/pec/small/rare"}
    line = refused(entry, changes)
    places = "cobert.domains, compare.domains, seeds.domains, personas.domain"
    assert (
        f", take none, rare (too few for any size) out of {places}, {learnt} = 'processed/pec/small/rare', or" in line
    )
    values = proposed(line)
    changes |= {"cobert.domains": ["all", "work"], learnt: "processed/pec/small/work"}
    parameters(entry, *(changes | values).items())
    check_parameters.main(target=Path("checked.txt"))
    subset_too(values)


def alike(domains: set[str], count: int = 60) -> dict[str, Any]:
    """An entry of `count` rows, half of `work` and half of `home`, whose replies in `domains` have the same words."""
    path = Path(posts(Path("posts.csv"), of=["work", "home"] * 30))
    rows = list(csv.reader(path.open(newline="")))
    for number, row in enumerate(rows[1:]):
        row[1] = ("Oh.", "oh!")[number % 4 // 2] if row[3] in domains else row[1]
    with path.open("w", newline="") as stream:
        csv.writer(stream).writerows(rows[: 1 + count])
    return {"path": str(path), "columns": COLUMNS | {"domain": "of"}}


@pytest.mark.parametrize(
    ("domains", "count", "reason"),
    [
        (
            {"work", "home"},
            60,
            "has 60 conversations, but all test replies have the same words, and each is to be ranked among different "
            "ones; use data with more different replies",
        ),
        (
            {"work"},
            60,
            ", take none (too few for any size) and work (all test replies have the same words) out of cobert.",
        ),
        (set(), 4, "corpora.pec has 4 conversations, too few for any size; use more data"),
    ],
)
def test_replies_that_are_all_the_same_are_not_taken_for_too_few(domains: set[str], count: int, reason: str) -> None:
    changes: dict[str, Any] = {"subsets": {"large": SIZES | {"train": 500}, "small": SIZES}}
    share = 0.4 if count == 60 else 0.2
    changes |= {"preprocess.test_share": share, "cobert.domains": ["all", "none", "work"]}
    assert reason in refused(alike(domains, count), changes)


def test_candidates_are_named_for_what_is_ranked_and_not_for_what_is_learnt_alone() -> None:
    """Of `work` all replies are the same; a generator may learn from it."""
    entry = alike({"work"})
    changes: dict[str, Any] = {"subsets": {"large": SIZES | {"train": 500}, "small": SIZES}}
    changes |= {"cobert.candidates": 40, "preprocess.test_share": 0.4}
    changes |= {"cobert.domains": ["all"], "generators.persona.rows": "processed/pec/small/work"}
    values = proposed(refused(entry, changes))
    assert 2 <= (fitting := values["cobert.candidates"]) < 40
    assert "cobert.candidates" not in proposed(refused(entry, changes | {"cobert.candidates": fitting}))
    parameters(entry, *(changes | values).items())
    check_parameters.main(target=Path("checked.txt"))


@pytest.mark.parametrize(
    ("moods", "columns", "message"),
    [
        ([""] * 60, {"emotion": "mood"}, "emotion is empty; expected text"),
        (
            ["sad"] * 60,
            {"emotion": "mood"},
            "and 1 emotion(s) of more than one of them (most often 'sad'); the emotion",
        ),
        (
            [f"as {number} days of rain" for number in range(60)],
            {"emotion": "mood"},
            "and 0 emotion(s) of more than one of them (most often 'as ",
        ),
        (["sad"] * 60, {}, "say in `columns` which of post, answer, about me, mood is the emotion"),
        (["sad"] * 60, {"emotion": "mood", "persona": "about me"}, "columns names persona, which has no meaning"),
    ],
)
@pytest.mark.fault("conversations without emotions where those are needed", "refused before anything starts")
def test_emotions_are_needed_in_empathetic_dialogues_place(
    moods: list[str], columns: dict[str, str], message: str
) -> None:
    entry = {
        "path": posts(Path("posts.csv"), mood=moods),
        "columns": columns | {"context": "post", "response": "answer"},
    }
    parameters(entry, name="empathetic_dialogues")
    with pytest.raises(AttuneError) as raised:
        check_parameters.main(target=Path("checked.txt"))
    assert message in str(raised.value)
