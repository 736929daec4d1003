"""Train one CoBERT.

`python -m stages.train_cobert recipe=JSON encoder=FOLDER data=FOLDER target=FOLDER curve=CSV`

recipe: a file of data/recipes; data: a folder with train.parquet and valid.parquet; curve: the CSV of the learning
curve, one row per epoch.
"""

from functools import partial
from pathlib import Path
from typing import Any

from attune.core.determinism import pin
from attune.core.errors import AttuneError
from attune.core.files import read_json, read_parquet, write_csv
from attune.core.import_graph import closure
from attune.core.tokens import too_many_unknown
from attune.training.checkpoints import run_key
from attune.training.launcher import is_writer, join, launched, reporting
from attune.training.precision import as_trained, instead_of_bf16
from stages import checkpoint_roots, report_to, start


@reporting
def main(*, recipe: Path, encoder: Path, data: Path, target: Path, curve: Path) -> None:
    options = read_json(recipe)
    processes = options.pop("processes")  # decides nothing but the last digits
    words = {"recipe": recipe, "encoder": encoder, "data": data, "target": target, "curve": curve}
    if launched("stages.train_cobert", words, processes):
        return
    rows = {split: read_parquet(data / f"{split}.parquet") for split in ("train", "valid")}
    for split, part in rows.items():
        if not part:
            raise AttuneError(f"{data}/{split}.parquet has no rows to train on")
    key = run_key(options, [encoder, data], closure(Path(__file__)), target)

    from attune.cobert import storage
    from attune.cobert.model import inputs_for, untrained
    from attune.cobert.model_card import model_card
    from attune.cobert.training import train
    from attune.training.distributed import job_folders
    from attune.training.tracking import trackers

    pin(options["seed"], options["threads"])
    join(options["threads"])
    model = untrained(encoder, options)
    inputs = inputs_for(model, encoder)
    lengths = {"max_length": inputs.max_length, "turn_length": inputs.turn_length}
    say_limits(options, lengths, model.config.frozen_layers)
    say_unknown(inputs.tokenizer, rows["train"], encoder)
    tracking = trackers(*report_to(), target)
    with job_folders(checkpoint_roots(), key, target) as (checkpoints, folder):
        learning, reached = train(model, rows, inputs, options, checkpoints, partial(write_curve, curve), tracking)
        if not is_writer():
            return
        precision = remembered_precision(model.config, options)
        storage.save(model, folder)
        inputs.tokenizer.save_pretrained(folder)
        sizes = {name: len(part) for name, part in rows.items()}
        shown = as_trained(options | lengths, precision)
        card = model_card(target, data, shown, sizes, learning, model.config.trained_share)
        (folder / "README.md").write_text(card, encoding="utf-8")
        write_curve(curve, learning)
    print(f"{target}: valid MRR {learning[0]['valid_mrr']} -> {reached}")


def remembered_precision(config: Any, options: dict[str, Any]) -> str:
    """What was computed in where bf16 was wished in vain, which the model's configuration then keeps; else empty."""
    precision = instead_of_bf16(options["bf16"])
    if precision:
        config.training_precision = precision
    return precision


def say_limits(options: dict[str, Any], lengths: dict[str, int], frozen_layers: int) -> None:
    """Print which lengths of the recipe the encoder's positions limit, and whether its layers limit those frozen."""
    if frozen_layers != options["frozen_layers"]:
        print(f"frozen_layers: {frozen_layers}, since the encoder's highest layer is always trained")
    for name, length in lengths.items():
        if length != options[name]:
            print(f"{name}: {length}, since the encoder has no more positions")


def say_unknown(tokenizer: Any, rows: list[dict[str, Any]], encoder: Path) -> None:
    """Print a warning where the encoder knows too few words of the rows: their validation MRR may then be 1."""
    texts = [text for row in rows for text in (*row["context"], row["response"], *row["personas"])]
    if warning := too_many_unknown(tokenizer, texts, encoder, "encoder"):
        print(warning)


def write_curve(path: Path, rows: list[dict[str, Any]]) -> None:
    """The epochs so far; the last time, all of them."""
    if rows:
        write_csv(path, rows)


if __name__ == "__main__":
    start(main)
