"""A sentence encoder that counts words, and banks of replies that it indexes."""

from collections.abc import Sequence

import numpy as np

from attune.index.bank import Bank, HnswShape, build


class Words:
    """A sentence encoder that counts words: nearness can be checked by hand."""

    WORDS = ("dog", "cat", "bike", "job", "sea", "city", "old", "new")

    def encode(self, texts: list[str], **_: object) -> np.ndarray:
        counts = np.array([[text.split().count(word) for word in self.WORDS] + [0.1] for text in texts], float)
        return counts / np.linalg.norm(counts, axis=1, keepdims=True)


def bank_of(replies: Sequence[str], exact_up_to: int = 1000) -> Bank:
    vectors = Words().encode(list(replies)).astype(np.float32)
    return Bank(build(vectors, exact_up_to, HnswShape(2, 2, 2)), [{"reply": reply} for reply in replies])
