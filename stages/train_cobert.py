"""Train one CoBERT: `python -m stages.train_cobert RECIPE_JSON ENCODER PROCESSED TARGET CURVE`."""

from pathlib import Path

from attune.core.determinism import pin
from attune.core.errors import AttuneError
from attune.core.files import read_json, read_parquet, whole_folder, write_csv
from attune.training.checkpoints import run_key, training_folder
from stages import start

MODULES = ("determinism", "personas", "scores", "trainer")
CODE = [Path(__file__), *Path("attune/cobert").glob("*.py"), *(Path(f"attune/{name}.py") for name in MODULES)]


def main(recipe_file: str, encoder: str, processed: str, target: str, curve: str) -> None:
    recipe = read_json(Path(recipe_file))
    rows = {split: read_parquet(Path(processed) / f"{split}.parquet") for split in ("train", "valid")}
    for split, part in rows.items():
        if not part:
            raise AttuneError(f"{processed}/{split}.parquet has no rows; nothing can be trained on it")
    key = run_key(recipe, [Path(encoder), Path(processed)], CODE)

    from attune.cobert.model import inputs_for
    from attune.cobert.model import start as untrained
    from attune.cobert.model_card import model_card
    from attune.cobert.training import train

    pin(recipe["seed"], recipe["threads"])
    model = untrained(Path(encoder), recipe)
    if model.config.frozen_layers != recipe["frozen_layers"]:
        print(f"frozen_layers: {model.config.frozen_layers}, for the highest layer of the encoder must learn")
    inputs = inputs_for(model, Path(encoder))
    if inputs.max_length != recipe["max_length"]:
        print(f"max_length: {inputs.max_length}, for the encoder has no more positions")
    with training_folder(Path(".checkpoints"), key) as checkpoints, whole_folder(Path(target)) as folder:
        learning = train(model, rows, inputs, recipe, checkpoints)
        model.save_pretrained(folder)
        inputs.tokenizer.save_pretrained(folder)
        card = model_card(Path(target).name, recipe, {name: len(part) for name, part in rows.items()}, learning)
        (folder / "README.md").write_text(card, encoding="utf-8")
        write_csv(Path(curve), learning)
    print(f"{target}: valid MRR {learning[0]['valid_mrr']} -> {max(row['valid_mrr'] for row in learning[1:])}")


if __name__ == "__main__":
    start(main)
