from attune.report.seeds import about, models
from tests.report.seed_numbers import SEEDS, estimate

NAMES = {"full": "Full fine-tuning"}


def test_each_model_stands_with_its_seeds() -> None:
    assert models(SEEDS, NAMES)["label"].tolist() == ["tuned, all", "attune, all", "Full fine-tuning"]
    page = about(SEEDS, NAMES)
    assert "Trained with the seeds 13, 14, 15, which vary the order of the training rows and the new weights." in page
    assert '<td>MRR</td><td class="number" data-value="0.375">0.375 <span class="interval">0.275–0.475</span>' in page
    assert "<td>0.350, 0.375, 0.400</td>" in page
    assert "<td>15.250, 15.500, 15.750</td>" in page


def test_a_difference_between_recipes_comes_with_its_interval_and_its_seeds() -> None:
    assert (
        "all: attune against tuned, +0.125 MRR (95 % interval +0.025 to +0.225; by seed +0.130, +0.125, +0.120)."
    ) in about(SEEDS, NAMES)
    turned = {**SEEDS["ranking"][-1], **estimate(-0.125, -0.13, -0.125, -0.12)}
    assert "all: attune against tuned, −0.125 MRR (95 % interval −0.225" in about(SEEDS | {"ranking": [turned]}, NAMES)


def test_what_intervals_over_few_seeds_miss_is_told() -> None:
    assert "they cover less than 95 %: with two seeds 50 %, with three 75 %" in about(SEEDS, NAMES)
