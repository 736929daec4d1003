"""The columns of the parquet files of data/evaluation."""

import pyarrow as pa

# data/evaluation: a row a model and test context.
RANKED = pa.schema(
    [(name, pa.string()) for name in ("model", "subset", "domain", "id")]
    + [
        ("rank", pa.int32()),  # of the right reply, from 1
        ("loss", pa.float64()),  # nats; null for a method whose scores are no logits
        ("response", pa.string()),
        ("first", pa.string()),  # the reply that was ranked first
    ]
)
# A row a generator, variant (PLAIN, or with the passages of rag or persona_rag) and test reply.
PLAIN = "plain"
GENERATED = pa.schema(
    [(name, pa.string()) for name in ("generator", "variant", "id", "conversation", "prompt", "target")]
    + [
        ("tokens", pa.int32()),  # of the target, with its end
        ("nats", pa.float64()),  # -log p of the target
        ("base_nats", pa.float64()),  # the same of the untrained base, without instruction and passages
        ("passages", pa.int32()),  # how many the prompt held
        ("target_given", pa.bool_()),  # one of them has the target in it
        ("reply", pa.string()),  # null where the target was scored alone
        ("cut", pa.bool_()),  # the length limit came before the reply's end
    ]
)
# The same with what sentence embeddings say of the replies.
SCORED = pa.schema(
    [
        *GENERATED,
        ("similarity", pa.float64()),  # cosine of reply and target; 0 for an empty reply
        ("emotion", pa.string()),  # as the probe hears it in the reply; null in an empty one
        ("prompt_emotion", pa.string()),  # and in what was said
        ("emotion_match", pa.float64()),  # 1 where these are the same
    ]
)
# A row a generator, point of the decoding sweep and test prompt.
SWEPT = pa.schema(
    [(name, pa.string()) for name in ("generator", "point", "id", "conversation", "prompt", "reply")]
    + [("cut", pa.bool_())]
)
