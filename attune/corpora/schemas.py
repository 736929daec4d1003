"""The columns of the parquet files of data/subset and data/processed."""

import pyarrow as pa

_TEXTS = pa.list_(pa.string())

# data/subset: conversations as parsed, cut to size.
PEC_CONVERSATIONS = pa.schema(
    [
        ("id", pa.string()),
        ("domain", pa.string()),
        ("speakers", _TEXTS),
        ("utterances", _TEXTS),  # the last one is the response
        ("personas", _TEXTS),  # of the last speaker, in file order
    ]
)
DIALOGUES = pa.schema(
    [
        ("conv_id", pa.string()),
        ("emotion", pa.string()),
        ("situation", pa.string()),
        ("speakers", pa.list_(pa.int32())),  # 0 tells, 1 listens
        ("utterances", _TEXTS),
    ]
)
INSTRUCTION_DIALOGUES = pa.schema(
    [
        ("id", pa.string()),
        ("system", pa.string()),
        ("turns", _TEXTS),  # a question, its answer, a question, ...
    ]
)

# data/processed: one row a reply to be found or written.
PEC = pa.schema(
    [
        ("id", pa.string()),
        ("domain", pa.string()),
        ("context", _TEXTS),  # oldest turn first
        ("context_speakers", _TEXTS),
        ("response", pa.string()),
        ("response_speaker", pa.string()),
        ("personas", _TEXTS),
        ("dropped_personas", pa.int32()),  # persona sentences that the response repeats
    ]
)
REPLIES = pa.schema(
    [
        ("conv_id", pa.string()),
        ("turn", pa.int32()),  # the target's place in the conversation, from 0
        ("context", pa.string()),  # the corpus' own column of that name: the emotion
        ("situation", pa.string()),
        ("history", _TEXTS),  # the turns before `input`, oldest first
        ("input", pa.string()),  # what the speaker said last
        ("target", pa.string()),  # the listener's reply
    ]
)
INSTRUCTIONS = pa.schema(
    [
        ("id", pa.string()),
        ("turn", pa.int32()),
        ("system", pa.string()),
        ("history", _TEXTS),  # earlier questions and answers, oldest first
        ("prompt", pa.string()),
        ("completion", pa.string()),
        ("kind", pa.string()),  # ambiguous, subjective, how-to, factual or task
    ]
)
CANDIDATES = pa.schema([("id", pa.string()), ("response", pa.string())])
