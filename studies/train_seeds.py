"""Train the recipes and generators of `seeds` with one seed: the order of training, the drawn rows, or both.

`python -m studies.train_seeds seed=N raw=FOLDER data=FOLDER encoder=FOLDER base_models=FOLDER target=FOLDER`

data: the folder with processed/ and passages/. target: a folder per model, RECIPE-DOMAIN or GENERATOR, the latter with
the main job's test rows. Where the main job has trained a model with this seed, there is none. Until all are trained,
those that are lie among the checkpoints, so that an interruption costs none of them.
"""

import shutil
from pathlib import Path
from typing import Any

from attune import parameters
from attune.core.determinism import pin
from attune.core.errors import AttuneError
from attune.core.files import atomic_folder, read_parquet, write_parquet
from attune.core.import_graph import closure
from attune.corpora import ranking_corpus, raw_corpus, record_of
from attune.corpora.base import Corpus, Sampling
from attune.corpora.redrawing import redrawn, redrawn_train
from attune.corpora.sampling import sampling_of
from attune.parameters import Parameters
from attune.parameters.data import OwnRows, published
from attune.training.checkpoints import run_key, training_folder
from stages import checkpoint_roots, start

Rows = list[dict[str, Any]]


def main(*, seed: str, raw: Path, data: Path, encoder: Path, base_models: Path, target: Path) -> None:
    settings, value = parameters.load(), number(seed)
    training = settings.seeds.of_training(value, settings.seed)
    models: dict[str, Path] = {}
    finished = training_folder(checkpoint_roots(), run_key(["finished", value], [], [], target))
    with finished as kept, atomic_folder(target) as folder:
        for recipe in settings.seeds.recipes:
            for domain in settings.seeds.domains:
                if not settings.trains(value, recipe, domain):
                    place = f"{ranking_corpus().name}/{settings.cobert.subsets[0]}/{domain}"
                    rows = recipe_rows(settings, value, raw, data, f"processed/{place}")
                    options, name = settings.recipe(recipe) | {"seed": training}, f"{recipe}-{domain}"
                    models[name] = train_recipe(options, rows, encoder, kept, target / name)
        for name in settings.seeds.generators if value != settings.seed else []:
            rows = generator_rows(settings, value, raw, data, settings.generators[name].rows)
            models[name] = train_generator(settings, name, training, rows, base_models, kept, target / name)
        for name, path in models.items():
            shutil.move(path, folder / name)
        (folder / "README.md").write_text(f"Models trained with seed {value} ({settings.seeds.varies}).\n")


def number(seed: str) -> int:
    if not seed.isdecimal():
        raise AttuneError(f"seed = {seed!r} must be a whole number")
    return int(seed)


def recipe_rows(settings: Parameters, seed: int, raw: Path, data: Path, place: str) -> dict[str, Rows]:
    """The train and valid rows of the main job, or those that the seed draws; neither split has a test context.

    place: processed/CORPUS/SUBSET/DOMAIN.
    """
    splits = "train", "valid"
    if not settings.seeds.draws or seed == settings.seed:
        return {split: read_parquet(data / place / f"{split}.parquet") for split in splits}
    return redrawn(*_drawing(settings, seed, raw, place, splits))


def generator_rows(settings: Parameters, seed: int, raw: Path, data: Path, place: str) -> dict[str, Rows]:
    """The test rows of the main job, and its train rows or those that the seed draws without what is tested.

    place: processed/CORPUS or passages/CORPUS, or a folder below it.
    """
    test = read_parquet(data / place / "test.parquet")
    if not settings.seeds.draws or seed == settings.seed:
        return {"train": read_parquet(data / place / "train.parquet"), "test": test}
    drawing = _drawing(settings, seed, raw, place, ("train", "test"))
    return {"train": redrawn_train(*drawing, settings.seed), "test": test}


def _drawing(
    settings: Parameters, seed: int, raw: Path, place: str, splits: tuple[str, ...]
) -> tuple[Corpus, Path, Sampling, bool, dict[str, str]]:
    """The arguments of `redrawn`."""
    name, *below = place.split("/")[1:]
    entry = published(settings.corpora, name)
    sampling = sampling_of(settings, entry.cap)._replace(seed=seed)
    files = {split: "/".join([*below, split]) for split in splits}
    record = raw_corpus(name, isinstance(entry, OwnRows))
    return record, raw / name, sampling, settings.preprocess.drop_repeated_personas, files


def train_recipe(options: dict[str, Any], rows: dict[str, Rows], encoder: Path, kept: Path, target: Path) -> Path:
    """Train as the stage train_cobert does, in one process, where an earlier run has not; returns the model's folder.

    kept: the folder with such a folder for each training that has ended, by its key. target: where the model belongs.
    """
    from attune.cobert import storage
    from attune.cobert.model import inputs_for, untrained
    from attune.cobert.training import train
    from attune.training.distributed import job_folders

    options = {key: value for key, value in options.items() if key != "processes"}
    key = run_key([options, rows], [encoder], closure(Path(__file__)), target)
    if (kept / key).is_dir():
        return _trained_before(kept / key, target)
    pin(options["seed"], options["threads"])
    model = untrained(encoder, options)
    inputs = inputs_for(model, encoder)
    with job_folders(checkpoint_roots(), key, kept / key) as (checkpoints, model_folder):
        _, reached = train(model, rows, inputs, options, checkpoints)
        storage.save(model, model_folder)
        inputs.tokenizer.save_pretrained(model_folder)
    print(f"{target.name}: valid MRR {reached}", flush=True)
    return kept / key


def train_generator(
    settings: Parameters, name: str, seed: int, rows: dict[str, Rows], base_models: Path, kept: Path, target: Path
) -> Path:
    """As `train_recipe`, but as the stage train_generator does; the test rows are written beside the weights."""
    from attune.generators.learning_curve import summary
    from attune.generators.prompts import examples
    from attune.generators.training import train
    from attune.training.distributed import job_folders

    generator = settings.generators[name]
    base, schema = base_models / generator.base, record_of(generator.corpus).schemas.rows
    key = run_key(
        [generator.model_dump(), seed, settings.seed, settings.threads, rows], [base], closure(Path(__file__)), target
    )
    if (kept / key).is_dir():
        return _trained_before(kept / key, target)
    pin(seed, settings.threads)
    with job_folders(checkpoint_roots(), key, kept / key) as (checkpoints, model_folder):
        given = examples(rows["train"], generator.instruction, generator.passages_of_a_row)
        drawn = settings.seed
        learning = train(generator, base, given, seed, checkpoints, model_folder, drawing_seed=drawn)
        # Without passages: they are tested without.
        test = [{column: row[column] for column in schema.names} for row in rows["test"]]
        write_parquet(model_folder / "test.parquet", test, schema)
    print(f"{name}: {summary(learning)}", flush=True)
    return kept / key


def _trained_before(model: Path, target: Path) -> Path:
    print(f"{target.name}: trained by the run that was interrupted", flush=True)
    return model


if __name__ == "__main__":
    start(main)
