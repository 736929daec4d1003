"""Sentence embeddings: unit vectors whose dot product is the cosine."""

import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from attune.core import garbage_collection
from attune.core.devices import device
from attune.core.errors import AttuneError
from attune.core.memory import not_loaded
from attune.core.model_code import refuse_code
from attune.index.reader import Reader, Role, prompt_name

# Rows of a batch that OpenVINO encodes together: few, so that they need little padding and stay in the cache.
_ROWS = 16


def load_embedder(folder: Path, backend: str = "torch") -> Any:
    """The sentence encoder in a model folder, in float32 whatever its file has.

    backend: what runs its transformer. `openvino` is faster on CPUs and differs in the last digits (cosines above
    .999); the model is converted in memory, from the folder's safetensors. An encoder that begins with another module
    is run by torch all the same.

    Raises
    ------
    AttuneError
        if there is no such folder, if it holds no encoder, one with code of its own or one that does not fit into
        memory, or if the package of the backend is not installed.
    """
    if backend == "openvino":
        _check_openvino()
    with garbage_collection.deferred():
        import torch
        from sentence_transformers import SentenceTransformer
        from sentence_transformers.sentence_transformer.modules import Transformer

    refuse_code(checked_folder(folder))
    place = "cpu" if backend == "openvino" else device()
    try:
        encoder = SentenceTransformer(
            str(folder),
            device=place,
            local_files_only=True,
            trust_remote_code=False,
            model_kwargs={"dtype": torch.float32},
        ).float()  # modules that are no transformer, too
    except Exception as error:  # what a wrong setting becomes depends on where it is read
        raise not_loaded(folder, error, "holds no sentence encoder that can be loaded") from None
    if backend == "openvino" and isinstance(encoder[0], Transformer):
        # Tokens, pooling and length stay sentence-transformers'; its own backend for OpenVINO pins transformers 4.
        encoder.tokenizer.padding_side = "right"  # some pad on the left; `_compiled` leaves padding on the right out
        encoder[0].model.forward = _compiled(encoder)
    return encoder


def checked_folder(folder: Path) -> Path:
    """The same folder; raises as `load_embedder`."""
    if not folder.is_dir():
        raise AttuneError(f"{folder} is missing; run `dvc repro base_encoders@embedder`")
    return folder


def embed(encoder: Any, texts: Sequence[str], batch_size: int, role: Role | None = None) -> np.ndarray:
    """(len(texts), d) float32; each distinct text is encoded once.

    role: what the texts are in a search, which decides their prompt where the encoder has one; None: neither. Vectors
    are of unit length, but those of a search by an encoder that compares by dot product keep theirs. Of a text that is
    longer than the encoder reads, the end counts. The last bits depend on `batch_size`, which decides the padding, but
    not on the order of `texts`.
    """
    return embed_by(lambda batches: (encode(encoder, batch, role) for batch in batches), texts, batch_size)


def embed_by(
    run: Callable[[Iterator[list[str]]], Iterable[np.ndarray]], texts: Sequence[str], batch_size: int
) -> np.ndarray:
    """As `embed`, by `run`, which gives the vectors of each batch of texts, in the order of the batches."""
    distinct = sorted(set(texts))
    # Texts of similar length are encoded together, which saves padding. Not stable, as sentence-transformers itself is
    # not: which of the texts of one length meet in a batch shows in the last bits.
    order = np.argsort([-len(text) for text in distinct])
    parts = [order[start : start + batch_size] for start in range(0, len(order), batch_size)]
    vectors = np.zeros((0, 0), np.float32)
    for part, encoded in zip(parts, run([distinct[row] for row in part] for part in parts), strict=True):
        if not len(vectors):
            vectors = np.empty((len(distinct), encoded.shape[1]), np.float32)
        vectors[part] = encoded
    position = {text: row for row, text in enumerate(distinct)}
    return vectors[[position[text] for text in texts]]


def encode(encoder: Any, batch: list[str], role: Role | None = None) -> np.ndarray:
    """(len(batch), d) float32 of texts that are encoded at once; otherwise as `embed`.

    Raises
    ------
    AttuneError
        for a text of which the encoder gives no numbers, as some do where they know no word, and broken ones always.
    """
    method = getattr(encoder, f"encode_{role}", encoder.encode)
    # A loaded encoder has the prompts that it lacks as empty ones, such as `document`, which would hide its `passage`.
    prompt = {"prompt_name": name} if (name := prompt_name(encoder, role)) else {}
    unit = role is None or getattr(encoder, "similarity_fn_name", "cosine") != "dot"
    vectors = method(
        Reader(encoder, role).texts(batch),
        batch_size=len(batch),
        normalize_embeddings=unit,
        convert_to_numpy=True,
        show_progress_bar=None,
        **prompt,
    )
    vectors = np.asarray(vectors, np.float32)
    wrong = ~np.isfinite(vectors).all(axis=-1)
    if wrong.any():
        text = batch[int(wrong.argmax())]
        raise AttuneError(f"the sentence encoder gives no vector for {text[:80]!r}; use another as index.embedder")
    return vectors


def _check_openvino() -> None:
    try:
        import openvino  # noqa: F401
    except ImportError:
        raise AttuneError(
            "index.backend = 'openvino' needs the package openvino, which is not installed; run `make setup`, "
            "or set index.backend: torch"
        ) from None


def _compiled(encoder: Any) -> Callable[..., dict[str, Any]]:
    """The forward pass of `encoder`'s transformer as OpenVINO runs it in float32: one stream for each torch thread."""
    import openvino
    import torch
    from torch.nn.functional import pad

    # Of unequal lengths: for a batch without padding the model would leave its attention mask out.
    tokens = encoder.preprocess(["two words", "one"])
    example = {name: value for name, value in tokens.items() if isinstance(value, torch.Tensor)}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about torch's tracing, which OpenVINO uses, being deprecated
        graph = openvino.convert_model(encoder[0].model, example_input=example)
    threads = torch.get_num_threads()
    settings = {"INFERENCE_PRECISION_HINT": "f32", "INFERENCE_NUM_THREADS": threads, "NUM_STREAMS": threads}
    queue = openvino.AsyncInferQueue(openvino.Core().compile_model(graph, "CPU", settings), threads)
    accepted = [each.get_any_name() for each in graph.inputs]

    def forward(**inputs: Any) -> dict[str, Any]:
        mask = inputs["attention_mask"]
        states: dict[int, torch.Tensor] = {}
        queue.set_callback(
            lambda request, start: states.update({start: torch.tensor(request.get_tensor("last_hidden_state").data)})
        )
        for start in range(0, len(mask), _ROWS):
            rows = slice(start, start + _ROWS)
            longest = int(mask[rows].sum(1).max())
            queue.start_async({name: inputs[name][rows, :longest].numpy() for name in accepted}, start)
        queue.wait_all()
        parts = [states[start] for start in sorted(states)]
        width = mask.shape[1]
        return {"last_hidden_state": torch.cat([pad(part, (0, 0, 0, width - part.shape[1])) for part in parts])}

    return forward
