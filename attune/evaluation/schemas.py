"""The columns of the parquet files in data/evaluation."""

import pyarrow as pa

# One row per model and test context.
RANKED = pa.schema(
    [(name, pa.string()) for name in ("model", "subset", "domain", "id")]
    + [
        ("rank", pa.int32()),  # of the right reply, from 1
        ("loss", pa.float64()),  # nats; null for a method whose scores are not logits
        ("response", pa.string()),
        ("first", pa.string()),  # the reply that was ranked first
    ]
)
# The variant of a generator without passages; the others are rag and persona_rag.
PLAIN = "plain"
# One row per generator, variant and test reply.
GENERATED = pa.schema(
    [(name, pa.string()) for name in ("generator", "variant", "id", "conversation", "prompt", "target")]
    + [
        ("tokens", pa.int32()),  # of the target, with its end-of-text token
        ("nats", pa.float64()),  # -log p of the target
        ("base_nats", pa.float64()),  # the same under the untrained base, without instruction and passages
        ("passages", pa.int32()),  # how many the prompt includes
        ("target_given", pa.bool_()),  # one of them contains the target
        ("reply", pa.string()),  # null where only the target was scored
        ("truncated", pa.bool_()),  # the reply reached the length limit before it ended
    ]
)
# The same with what sentence embeddings say about the replies.
SCORED = pa.schema(
    [
        *GENERATED,
        ("similarity", pa.float64()),  # cosine of reply and target; 0 for an empty reply
        ("emotion", pa.string()),  # of the reply, as the probe classifies it; null for an empty one
        ("prompt_emotion", pa.string()),  # of the prompt
        ("emotion_match", pa.float64()),  # 1 where the two are the same
    ]
)
# One row per generator, point of the decoding sweep and test prompt.
SWEPT = pa.schema(
    [(name, pa.string()) for name in ("generator", "point", "id", "conversation", "prompt", "reply")]
    + [("truncated", pa.bool_())]
)
