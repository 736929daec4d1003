import json
from pathlib import Path
from typing import Any

import pytest
import scipy.stats
import torch
from transformers import AutoModel

from attune.cobert import training
from attune.cobert.examples import every_turn, examples
from attune.cobert.inputs import pad
from attune.cobert.training import CobertTrainer, curve, summary, train, valid_candidates, validation_scores
from attune.core.determinism import pin
from attune.core.errors import AttuneError
from attune.training.trainer import arguments
from tests.cobert.tiny import cobert, rows
from tests.training.interruption import BreaksOff, Stop

RECIPE: dict[str, Any] = {
    "lr": 3e-3, "epochs": 3, "batch_size": 8, "accumulation": 1, "early_stopping": None, "seed": 1, "bf16": False,
    "matcher_lr": None, "extra_negatives": 0, "every_turn": False, "micro_batch": None,
    "hard_negatives": None, "cross_batch_memory": False, "valid_candidates": None, "interpolate": False,
}  # fmt: skip


def learned(
    folder: Path, family: str = "bert", layers: int = 2, count: int = 32, **changes: Any
) -> tuple[Any, list[dict[str, Any]]]:
    """A CoBERT of `layers` layers, the lowest frozen, that has learnt from `count` rows, and its curve.

    Two layers are quicker to train; the rates that destroy a model of three here need not destroy one of two.
    """
    pin(1, changes.pop("threads", 1))
    shape = {"frozen_layers": changes.pop("frozen_layers", 1), "dropout": changes.pop("dropout", None)}
    model, inputs = cobert(folder / "encoder", family, layers, score_scale=0.05, **shape)
    parts = {"train": rows(count), "valid": rows(16)}
    return model, train(model, parts, inputs, RECIPE | changes, folder / "checkpoints")[0]


@pytest.mark.parametrize("family", ["bert", "roberta", "gpt2"])
def test_training_learns_and_its_curve_begins_untrained(tmp_path: Path, family: str) -> None:
    _, rows_ = learned(tmp_path, family, epochs=6, lr=1e-2, frozen_layers=0, dropout=0.0)
    assert [(row["epoch"], row["step"]) for row in rows_] == [(epoch, 4 * epoch) for epoch in range(7)]
    assert rows_[0]["train_loss"] is None
    assert min(row["valid_loss"] for row in rows_) < rows_[0]["valid_loss"] - 0.1
    assert max(row["valid_mrr"] for row in rows_) > rows_[0]["valid_mrr"]


def test_the_curve_grows_with_each_epoch(tmp_path: Path) -> None:
    pin(1, 1)
    model, inputs = cobert(tmp_path / "encoder", "bert", score_scale=0.05, frozen_layers=1)
    grown: list[list[dict[str, Any]]] = []
    parts = {"train": rows(32), "valid": rows(16)}
    recipe = RECIPE | {"lr": 0.5}  # no epoch is as good as none
    curve, reached = train(model, parts, inputs, recipe, tmp_path / "checkpoints", grown.append)
    assert list(dict.fromkeys(len(each) for each in grown)) == [1, 2, 3, 4]
    assert grown[-1] == curve
    assert reached == max(row["valid_mrr"] for row in curve[1:]) < curve[0]["valid_mrr"]


def test_the_rate_falls_in_equal_steps_and_dropout_is_off_where_it_is_measured(tmp_path: Path) -> None:
    pin(1, 1)
    model, inputs = cobert(tmp_path / "encoder", frozen_layers=1)
    seen: set[tuple[bool, bool]] = set()
    for each in model.modules():
        if isinstance(each, torch.nn.Dropout):
            each.register_forward_hook(lambda part, *_: seen.add((torch.is_grad_enabled(), part.training)))
    train(model, {"train": rows(16), "valid": rows(4)}, inputs, RECIPE, tmp_path / "checkpoints")
    log = json.loads((tmp_path / "checkpoints" / "checkpoint-6" / "trainer_state.json").read_text())["log_history"]
    rates = [entry["learning_rate"] for entry in log if "learning_rate" in entry]
    assert rates == pytest.approx([RECIPE["lr"] * left / 6 for left in (5, 3, 1)])  # at steps 2, 4 and 6
    assert seen == {(True, True), (False, False)}


def test_it_is_measured_on_the_validation_split(tmp_path: Path) -> None:
    """Of one reply, which is always first; the 16 that are learnt from are not."""
    model, inputs = cobert(tmp_path / "encoder", frozen_layers=1)
    parts = {"train": rows(16), "valid": rows(1)}
    curve, _ = train(model, parts, inputs, RECIPE | {"epochs": 1}, tmp_path / "checkpoints")
    assert [(row["valid_loss"], row["valid_mrr"]) for row in curve] == [(0, 1), (0, 1)]


def test_validation_is_cross_entropy_and_rank_among_the_replies_of_the_split(tmp_path: Path) -> None:
    """By torch and scipy, from the scores of all in one batch."""
    model, inputs = cobert(tmp_path / "encoder", score_scale=0.05)
    parts = examples(rows(16), inputs)
    trainer = CobertTrainer(model, parts, parts, RECIPE, args=arguments(tmp_path / "run", 1))
    found = validation_scores(model, trainer)
    batch = {name: pad([getattr(each, name) for each in parts]) for name in ("context", "persona", "response")}
    with torch.no_grad():
        scores = model(**trainer._prepare_inputs(batch | {"same": torch.eye(16, dtype=torch.bool)}))["scores"].cpu()
    assert found["loss"] == pytest.approx(torch.nn.functional.cross_entropy(scores, torch.arange(16)).item(), rel=1e-4)
    ranks = scipy.stats.rankdata(-scores.numpy(), axis=1).diagonal()
    assert found["mrr"] == pytest.approx((1 / ranks).mean())
    assert found["r@1"] == pytest.approx((ranks == 1).mean())


def test_a_process_trains_on_one_gpu_however_many_it_sees(tmp_path: Path) -> None:
    model, inputs = cobert(tmp_path / "encoder", frozen_layers=1)
    settings = arguments(tmp_path / "run", 1, max_steps=1, per_device_train_batch_size=4, remove_unused_columns=False)
    settings._n_gpu = 2  # what transformers counts on a machine with two
    parts = examples(rows(8), inputs)
    CobertTrainer(model, parts, parts, RECIPE, args=settings).train()
    assert settings.train_batch_size == 4


@pytest.mark.parametrize(("rate", "matchers"), [(0.5, 0.5), (None, 3e-3)])
def test_the_matcher_s_weights_have_a_rate_of_their_own(tmp_path: Path, rate: float | None, matchers: float) -> None:
    model, inputs = cobert(tmp_path / "encoder", frozen_layers=1, matching="joint")
    parts, settings = examples(rows(8), inputs), training._settings(tmp_path / "run", RECIPE, 8, resuming=False)
    trainer = CobertTrainer(model, parts, parts, RECIPE | {"matcher_lr": rate}, args=settings)
    encoder, matcher = trainer.create_optimizer().param_groups
    assert (encoder["lr"], matcher["lr"]) == (3e-3, matchers)
    assert encoder["weight_decay"] == matcher["weight_decay"] == 0
    named = {id(each): name for name, each in model.named_parameters() if each.requires_grad}
    held = [{named.pop(id(each)).partition(".")[0] for each in group["params"]} for group in (encoder, matcher)]
    assert held == [{"encoder"}, {"matcher"}]
    assert not named


@pytest.mark.parametrize("family", ["roberta", "gpt2", "mpnet", "electra", "distilbert"])
def test_any_encoder_learns_above_its_frozen_layers(tmp_path: Path, family: str) -> None:
    model, rows_ = learned(tmp_path, family, layers=3, epochs=2, lr=1e-2, dropout=0.0)
    assert min(row["valid_loss"] for row in rows_) < rows_[0]["valid_loss"]
    assert not model.encoder.config.to_dict().get("attention_dropout")
    before = AutoModel.from_pretrained(tmp_path / "encoder").state_dict()
    after = model.encoder.cpu().state_dict()
    kept = {name for name in after if torch.equal(before[name], after[name])}
    assert {name for name in after if "embedding" in name or name.startswith("wte")} <= kept
    lowest, middle, highest = (
        {name for name in after if name.startswith(f"{path}{layer}.")}
        for path in ("encoder.layer.", "h.", "transformer.layer.")
        for layer in range(3)
        if f"{path}0." in " ".join(after)
    )
    assert lowest <= kept
    assert len((middle | highest) - kept) > 20


def test_two_trainings_give_the_same_bits(tmp_path: Path) -> None:
    (first, one), (second, two) = (learned(tmp_path / name, threads=2) for name in "12")
    assert one == two
    assert all(
        torch.equal(left, right)
        for left, right in zip(first.state_dict().values(), second.state_dict().values(), strict=True)
    )


@pytest.mark.parametrize("family", ["bert", "nomic_bert"])
def test_the_best_epoch_is_kept_and_not_the_last(tmp_path: Path, family: str) -> None:
    """A rate that destroys the model after the first epoch: what is kept ranks as the best epoch did."""
    model, rows_ = learned(tmp_path, family, layers=3, lr=0.5, epochs=3)
    best = max(row["valid_mrr"] for row in rows_)
    if best == rows_[-1]["valid_mrr"]:
        pytest.fail("the last epoch is the best, so this shows nothing")
    from attune.cobert.model import inputs_for

    inputs = inputs_for(model, tmp_path / "encoder")
    valid = examples(rows(16), inputs)
    trainer = CobertTrainer(model, valid, valid, RECIPE, args=arguments(tmp_path / "again", 1))
    trained = [row["valid_mrr"] for row in rows_[1:]]
    assert validation_scores(model, trainer)["mrr"] == pytest.approx(max(trained), abs=1e-6)


def test_a_rate_that_blows_up_stops_with_the_step(tmp_path: Path) -> None:
    with pytest.raises(AttuneError, match=r"the training loss at step 2 is (nan|inf); lower the learning rate"):
        learned(tmp_path, lr=1e30)


@pytest.mark.parametrize(("lr", "patience"), [(0.5, 1), (0.5, 2), (0.03, 1)])
def test_early_stopping_counts_the_untrained_model_too(tmp_path: Path, lr: float, patience: int) -> None:
    """At .5 no epoch is as good as none, so that these are all; at .03 it stops some epochs later."""
    _, rows_ = learned(tmp_path, layers=3, lr=lr, epochs=20, early_stopping=patience)
    reached = [row["valid_mrr"] for row in rows_]
    best = reached.index(max(reached))
    assert (best == 0) == (lr == 0.5)
    assert len(reached) == best + 1 + patience < 21


@pytest.mark.fault("a loss that is not a number, of CoBERT", "the training stops with the step")
def test_a_loss_that_is_no_number_stops_with_the_step(tmp_path: Path) -> None:
    model, inputs = cobert(tmp_path / "encoder")
    with torch.no_grad():
        next(model.encoder.parameters()).fill_(float("nan"))
    with pytest.raises(AttuneError, match="the validation loss at step 0 is nan"):
        train(model, {"train": rows(8), "valid": rows(4)}, inputs, RECIPE, tmp_path / "checkpoints")


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"early_stopping": 1},
        {"early_stopping": 1, "lr": 0.03, "epochs": 20},
        {"cross_batch_memory": True, "extra_negatives": 5},
        {"interpolate": True},
    ],
    ids=["", "patient", "stops", "remembers", "interpolates"],
)
@pytest.mark.fault("an interrupted training of CoBERT", "resumed to the same bits")
def test_training_that_broke_off_goes_on_to_the_same_bits(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, changes: dict[str, Any]
) -> None:
    """In the second epoch, of two updates, which is begun again."""
    whole, expected = learned(tmp_path / "whole", count=16, **changes)
    broken = BreaksOff(monkeypatch, training, at=3)
    with pytest.raises(Stop):
        learned(tmp_path / "broken", count=16, **changes)
    broken.again()
    resumed = learned(tmp_path / "broken", count=16, **changes)
    assert broken.updates == list(range(3, expected[-1]["step"] + 1))
    # As after a kill between the end of the training and that of its stage: nothing is learned beyond the end.
    once_more = learned(tmp_path / "broken", count=16, **changes)
    for model, rows_ in (resumed, once_more):
        assert rows_ == expected
        assert all(
            torch.equal(left, right)
            for left, right in zip(whole.state_dict().values(), model.state_dict().values(), strict=True)
        )


def test_a_summary_by_hand() -> None:
    found = summary([torch.tensor([2.0, 2.0]), torch.tensor([0.0, 1.0])], [0, 1])
    expected = (torch.tensor(2.0).log() + (1 + torch.tensor(-1.0).exp()).log()) / 2
    assert found["loss"] == pytest.approx(expected.item())
    assert found["mrr"] == 0.75


def test_validation_draws_some_candidates_or_takes_all(tmp_path: Path) -> None:
    inputs = cobert(tmp_path)[1]
    parts = examples(rows(16), inputs)
    distinct = list(dict.fromkeys(each.response for each in parts))
    assert valid_candidates(parts[:2], parts, {"seed": 1, "valid_candidates": None}) == [distinct] * 2
    drawn = valid_candidates(parts, parts, {"seed": 1, "valid_candidates": 5})
    assert drawn == valid_candidates(parts, parts, {"seed": 1, "valid_candidates": 5})
    assert len({tuple(others) for _, *others in drawn}) > 10
    assert drawn != valid_candidates(parts, parts, {"seed": 2, "valid_candidates": 5})
    for example, replies in zip(parts, drawn, strict=True):
        assert replies[0] == example.response
        assert len(set(replies)) == 5


def test_the_curve_joins_an_epoch_s_entries() -> None:
    history = [
        {"step": 0, "epoch": 0, "eval_loss": 3.0, "eval_mrr": 0.1, "eval_r@1": 0.0},
        {"step": 4, "epoch": 1.0, "loss": 2.5},
        {"step": 4, "epoch": 1.0, "eval_loss": 2.0, "eval_mrr": 0.2, "eval_r@1": 0.1},
        {"step": 4, "train_runtime": 1.0},
    ]
    assert curve(history) == [
        {"epoch": 0, "step": 0, "train_loss": None, "valid_loss": 3.0, "valid_mrr": 0.1, "valid_r@1": 0.0},
        {"epoch": 1, "step": 4, "train_loss": 2.5, "valid_loss": 2.0, "valid_mrr": 0.2, "valid_r@1": 0.1},
    ]


def test_every_turn_is_a_reply_to_learn_and_only_its_speaker_has_the_persona() -> None:
    row = {
        "id": "a", "context": ["hi", "i love the sea . you ?", "me too"], "context_speakers": ["x", "y", "x"],
        "response": "great !", "response_speaker": "y", "personas": ["i love the sea .", "i have a dog ."],
    }  # fmt: skip
    found = every_turn([row])
    assert [each["context_speakers"] for each in found] == [["x"], ["x", "y"], ["x", "y", "x"]]
    assert [(each["id"], each["context"], each["response"], each["personas"]) for each in found] == [
        ("a#1", ["hi"], "i love the sea . you ?", ["i have a dog ."]),
        ("a#2", ["hi", "i love the sea . you ?"], "me too", []),
        ("a", row["context"], "great !", row["personas"]),
    ]


@pytest.mark.parametrize(("every_turn", "learnt"), [(False, 16), (True, 24)])
def test_every_turn_is_learnt_from_where_the_recipe_says_so(tmp_path: Path, every_turn: bool, learnt: int) -> None:
    """Half of the 16 contexts have an earlier turn that answers one."""
    pin(1, 1)
    model, inputs = cobert(tmp_path / "encoder", score_scale=0.05)
    given = [row | {"context_speakers": ["a", "b"][: len(row["context"])], "response_speaker": "a"} for row in rows(16)]
    recipe = RECIPE | {"every_turn": every_turn, "epochs": 1, "batch_size": 4}
    learning, _ = train(model, {"train": given, "valid": given}, inputs, recipe, tmp_path / "checkpoints")
    assert learning[-1]["step"] == learnt / 4
