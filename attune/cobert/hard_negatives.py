"""Hard negatives: replies of the training data that a sentence encoder takes for the true one (Xiong et al. 2021)."""

from collections.abc import Sequence

import torch

from attune.cobert.examples import Example
from attune.cobert.inputs import TokenSequence
from attune.cobert.model import Cobert
from attune.cobert.scoring import States, encoded

# A reply whose cosine with the true one is at least this says the same, and is no negative.
SAME = 0.9


@torch.no_grad()
def nearest_replies(
    model: Cobert, examples: Sequence[Example], count: int, lower: States | None = None
) -> dict[str, tuple[TokenSequence, ...]]:
    """For each example's id the `count` replies whose mean state is nearest to that of its context, by cosine.

    Left out as likely to be right: the true reply, those that say the same (SAME), and those of the same conversation,
    whose turns the context may hold. That holds for each example's own list: where a batch's lists are joined, another
    example's may bring such a reply in. Fewer where too few are left. lower: as `lower_cache` returns it.
    """
    replies = sorted({each.response for each in examples if each.response.ids}, key=lambda each: each.ids)
    sequences = [*replies, *(each.context for each in examples)]
    means = {each: states.mean(0) for each, states in encoded(model, sequences, lower)}
    bank = torch.nn.functional.normalize(torch.stack([means[each] for each in replies]), dim=-1)
    place = {reply: number for number, reply in enumerate(replies)}
    own: dict[str, set[int]] = {}
    for each in examples:
        if each.response in place:
            own.setdefault(_conversation(each), set()).add(place[each.response])
    found = {}
    for each in examples:
        cosines = bank @ means[each.context]
        cosines[list(own.get(_conversation(each), ()))] = -torch.inf
        if each.response in place:
            cosines[bank @ bank[place[each.response]] >= SAME] = -torch.inf
        order = cosines.argsort(descending=True, stable=True)[:count].tolist()
        found[each.id] = tuple(replies[number] for number in order if cosines[number] > -torch.inf)
    return found


def _conversation(example: Example) -> str:
    """`every_turn` numbers a conversation's turns after its id."""
    return example.id.partition("#")[0]
