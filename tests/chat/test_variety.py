from collections.abc import Iterator

import pytest

from attune.chat.variety import unrepeated
from attune.core.text import words_of
from attune.inference.reply import Reply
from attune.inference.sentences import whole_sentences


def grown(texts: list[str], said: list[str]) -> list[str]:
    """What is shown where the attempts write `texts`, word by word, and reach the length limit after the last one."""

    def write(attempt: int) -> Iterator[Reply]:
        words = texts[attempt].split(" ")
        for count in range(len(words)):
            text = " ".join(words[: count + 1])
            yield Reply(whole_sentences(text) if count + 1 == len(words) else text, truncated=True)

    return [reply.text for reply in unrepeated(write, {words_of(each) for each in said}) if reply.text]


@pytest.mark.parametrize(
    ("texts", "said", "shown"),
    [
        (["I am sorry."], [], ["I", "I am", "I am sorry."]),
        (["I am sorry.", "I am glad!"], ["i am sorry", "Why?"], ["I am glad!"]),
        (["I am sorry."], ["I am sorry for you."], ["I am sorry."]),
        (["* I see.", "* I know."], ["* I see."], ["* I know."]),
        (["Yes.", "Yes!", "yes", "Yes ..."], ["yes"], ["Yes ..."]),
        (["I see. What happened to", "Oh no."], ["I see."], ["Oh", "Oh no."]),
        (["I see. Oh no. What a"], ["I see."], ["I see. Oh no. What", "I see. Oh no."]),
    ],
)
def test_a_repeated_reply_is_written_again_and_no_part_of_it_is_shown(
    texts: list[str], said: list[str], shown: list[str]
) -> None:
    assert grown(texts, said) == shown
