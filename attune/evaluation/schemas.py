"""The columns of the parquet files in data/evaluation."""

import pyarrow as pa

# `cluster`: who replies or, where that is unknown, the situation that the conversation is about or its first turn. What
# has the same cluster is one unit in intervals and tests (`attune.evaluation.units`).
# One row per model and test context. partner: whose turn the reply answers; empty where nobody is named.
RANKED = pa.schema(
    [(name, pa.string()) for name in ("model", "subset", "domain", "id", "cluster", "partner")]
    + [
        ("rank", pa.int32()),  # of the right reply, from 1
        ("loss", pa.float64()),  # nats; null for a method whose scores are not logits
        ("response", pa.string()),
        ("first", pa.string()),  # the reply that was ranked first
    ]
)
# One row per test of an untrained base (`attune.evaluation.testing.base_tests.BaseTest`) and test reply.
BASES = pa.schema(
    [
        *((name, pa.string()) for name in ("base", "corpus", "rows", "id")),
        ("max_length", pa.int32()),  # tokens of prompt and reply together
        ("instruction", pa.string()),  # empty for none
        ("told", pa.bool_()),  # whether the prompt has it
        ("persona_tokens", pa.int32()),  # room for the persona's sentences; 0 leaves them out
        ("load_in_4bit", pa.bool_()),
        ("nats", pa.float64()),  # -log p of the reply, without passages
    ]
)
# What a generator's prompts consist of. PLAIN: the conversation, and the persona of a corpus that has one.
PLAIN = "plain"
# With the nearest passages, in the index's order and in CoBERT's; with as many whose replies are most like the target,
# which no retriever can know.
RAG, PERSONA_RAG, ORACLE_RAG = "rag", "persona_rag", "oracle_rag"
# With the passages that were retrieved for another test message, which is about something else.
OTHER_RAG = "other_rag"
# Without the persona, and with that of another test conversation's responder.
NO_PERSONA, OTHER_PERSONA = "no_persona", "other_persona"
# Which reply a row is of, and what it answers.
_REPLY = ("id", "conversation", "cluster", "prompt", "target")
# One row per generator, variant and test reply.
GENERATED = pa.schema(
    [(name, pa.string()) for name in ("generator", "variant", *_REPLY)]
    + [
        ("tokens", pa.int32()),  # of the target, with its end-of-text token
        # -log p of the target; with another person's persona, the mean over several draws (`exchange.DRAWS`).
        ("nats", pa.float64()),
        # The same under the untrained base, after the plain prompt; of a generator that is not trained, without its
        # instruction.
        ("base_nats", pa.float64()),
        ("passage_texts", pa.list_(pa.string())),  # the passages that the prompt includes, as it has them
        ("passage_replies", pa.list_(pa.string())),  # the reply in each of them
        ("target_given", pa.bool_()),  # one of the passages contains the target, as whole words
        ("reply", pa.string()),  # null where only the target was scored
        ("truncated", pa.bool_()),  # the reply reached the length limit before it ended
    ]
)
_SEMANTICS = [
    ("similarity", pa.float64()),  # cosine of reply and target; 0 for an empty reply
    ("emotion", pa.string()),  # of the reply, as the probe classifies it; null for an empty one
    ("prompt_emotion", pa.string()),  # of the prompt
    ("emotion_match", pa.float64()),  # 1 where the two are the same
]
# The same with what sentence embeddings say about replies and passages.
SCORED = pa.schema(
    [
        *GENERATED,
        *_SEMANTICS,
        ("passage_similarity", pa.float64()),  # highest cosine of a passage's reply and the target; null without one
    ]
)
# The system that retrieves its replies, among the generators.
RETRIEVED = "retrieved"
# One row per system and test context of the ranking corpus.
ANSWERED = pa.schema([(name, pa.string()) for name in ("system", *_REPLY, "reply")] + [("truncated", pa.bool_())])
ANSWERED_SCORED = pa.schema([*ANSWERED, *_SEMANTICS])
# One row per generator, point of the decoding sweep and prompt, of train rows that training holds out.
SWEPT = pa.schema(
    [(name, pa.string()) for name in ("generator", "point", *_REPLY, "reply")]
    + [("truncated", pa.bool_()), ("similarity", pa.float64())]
)
# Of each reply to an everyday message, 0 or 1.
JUDGED = ("own_message", "right_feeling")
# The shares that are scored and tested. A system that is glad of everything, or sorry for everybody, has all of one
# feeling and none of the other: their mean would tell it from neither chance nor a system that reads.
SHARES = ("own_message", "right_feeling_glad", "right_feeling_troubled")
# One row per system and everyday message.
EVERYDAY = pa.schema(
    [(name, pa.string()) for name in ("system", "id", "prompt", "target", "reply")]
    + [("truncated", pa.bool_())]
    + [(name, pa.float64()) for name in ("similarity", *JUDGED)]
)
