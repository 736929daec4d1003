from pathlib import Path

import torch

from attune.cobert.inputs import pad
from tests.cobert.test_model import parts
from tests.cobert.tiny import cobert


def test_in_bf16_the_encoder_alone_is_imprecise(tmp_path: Path) -> None:
    model, inputs = cobert(tmp_path, score_scale=0.1)
    given = [*map(pad, parts(inputs)), torch.eye(6, dtype=torch.bool)]
    exact = model(*given)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        sides = [model.encode(each) for each in given[:3]]
        scores = model.score(*sides)
        loss = model(*given)["loss"]
    assert all(side.states.dtype == torch.float32 for side in sides)
    assert torch.equal(scores, model.score(*sides))
    assert not torch.equal(scores, exact["scores"])
    torch.testing.assert_close(scores, exact["scores"], rtol=0.05, atol=0.1)
    loss.backward()
    gradients = [each.grad for each in model.parameters() if each.grad is not None]
    assert len(gradients) == len(list(model.parameters())) > 0
    assert all(torch.isfinite(each).all() for each in gradients)
