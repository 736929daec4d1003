from types import SimpleNamespace
from typing import Any

import pytest

from attune.evaluation.testing.evaluate import evaluate
from attune.evaluation.testing.variants import Variant
from attune.generators.prompts import example
from attune.inference.reply import Reply


@pytest.mark.parametrize(
    ("passage", "given"),
    [("Have you told her?\nYes, I did.", True), ("It was yesterday.\nYesterday!", False), ("No.", False)],
)
def test_a_passage_gives_the_target_as_whole_words_alone(passage: str, given: bool) -> None:
    row = {"id": "1", "history": [], "turn": 1, "system": "", "prompt": "Did you tell her?", "completion": "Yes"}
    asked = example(row)
    passages = {passage: "I did.", "Oh.": "Ah."}
    encoded = SimpleNamespace(reply=(1, 2), passages=tuple(passages))
    generator: Any = SimpleNamespace(nats=lambda *_: ([3.0], [encoded]), nats_and_replies=lambda *_: [])
    settings: Any = SimpleNamespace(batch_size=1, reply_examples=0)
    variant = Variant("rag", [asked], replied=False, passage_replies=passages)
    (found,) = evaluate(generator, {asked.id: 4.0}, [variant], settings, settings, seed=1)
    assert found["target_given"] is given
    assert found["passage_replies"] == ["I did.", "Ah."]


def test_the_loss_after_what_is_drawn_at_random_is_the_mean_over_draws() -> None:
    row = {"id": "1", "history": [], "turn": 1, "system": "", "completion": "Yes"}
    first, second, other = (example(row | {"prompt": text}) for text in ("First?", "Second?", "Other?"))
    nats = {first: 3.0, second: 6.0, other: 1.0}
    encoded = SimpleNamespace(reply=(1, 2), passages=())
    generator: Any = SimpleNamespace(
        nats=lambda given, _: ([nats[each] for each in given], [encoded] * len(given)),
        nats_and_replies=lambda *_: [],
    )
    settings: Any = SimpleNamespace(batch_size=1, reply_examples=0)
    variants = [
        Variant("other_persona", [first], replied=False, redrawn=[[second], [first]]),
        Variant("oracle_rag", [other], replied=False),
    ]
    found = evaluate(generator, {first.id: 4.0}, variants, settings, settings, seed=1)
    assert [(each["prompt"], each["nats"]) for each in found] == [("First?", 4.0), ("Other?", 1.0)]


def test_replies_are_written_to_the_first_examples_of_the_variants_that_are_replied_alone() -> None:
    row = {"history": [], "turn": 1, "system": "", "prompt": "Did you tell her?", "completion": "Yes"}
    asked = [example(row | {"id": str(at)}) for at in range(2)]
    encoded = SimpleNamespace(reply=(1, 2), passages=())
    generator: Any = SimpleNamespace(
        nats=lambda given, _: ([1.0] * len(given), [encoded] * len(given)),
        nats_and_replies=lambda given, *_: [(2.0, encoded, Reply(f"To {each.id}.", truncated=False)) for each in given],
    )
    settings: Any = SimpleNamespace(batch_size=1, reply_examples=1)
    variants = [Variant("oracle_rag", asked, replied=False), Variant("plain", asked)]
    found = evaluate(generator, dict.fromkeys([each.id for each in asked], 4.0), variants, settings, settings, seed=1)
    assert [each["reply"] for each in found] == [None, None, f"To {asked[0].id}.", None]
    assert [each["nats"] for each in found] == [1.0, 1.0, 2.0, 1.0]
