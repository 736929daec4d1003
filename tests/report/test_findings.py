from attune.report.findings import about_generators, about_ranking

REAL = {"difference": 0.055, "low": 0.029, "high": 0.081, "p": 0.0002}
NOISE = {"difference": 0.01, "low": -0.03, "high": 0.05, "p": 0.64}
WORSE = {"difference": -0.2, "low": -0.3, "high": -0.1, "p": 0.01}


def test_a_difference_is_said_with_its_interval_and_where_it_shows() -> None:
    tests = {"large": {"mean": {"a to b": REAL}, "happy": {"a to b": REAL}, "all": {"a to b": NOISE}}}
    assert about_ranking(tests, ["a", "b"]) == [
        "large subset: b is better than a by 0.055 MRR (+0.029 to +0.081, p 0.0002). Domain by domain it is clearly "
        "better in 1 of 2, clearly worse in 0."
    ]


def test_what_may_be_noise_is_called_no_difference() -> None:
    (line,) = about_ranking({"small": {"mean": {"a to b": NOISE}, "all": {"a to b": WORSE}}}, ["a", "b"])
    assert line.startswith("small subset: b and a cannot be told apart in MRR (-0.030 to +0.050, p 0.6400).")
    assert line.endswith("better in 0 of 1, clearly worse in 1.")


def test_less_loss_is_better_and_less_similarity_worse() -> None:
    lines = about_generators({"base of g to g": {"loss": WORSE}, "g to g+rag": {"loss": NOISE, "similarity": WORSE}})
    assert lines == [
        "g is better than base of g by 0.200 nats a token (-0.300 to -0.100, p 0.0100), 0.82 times the perplexity.",
        "g+rag and g cannot be told apart in nats a token (-0.030 to +0.050, p 0.6400).",
        "g+rag is worse than g by 0.200 similarity to the target (-0.300 to -0.100, p 0.0100).",
    ]
