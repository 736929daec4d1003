"""The columns of every parquet file that the data stages write."""

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
# A reply's row with exchanges of other train conversations, best first.
RAG = REPLIES.append(
    pa.field(
        "passages",
        pa.list_(
            pa.struct(
                [
                    *((name, pa.string()) for name in ("id", "situation", "input", "reply", "text")),
                    ("score", pa.float64()),  # the index's cosine, or CoBERT's score where it set the order
                ]
            )
        ),
    )
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
