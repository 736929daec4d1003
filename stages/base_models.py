"""Fetch or pretrain a model to start from: `python -m stages.base_models name=NAME target=FOLDER [subset=FOLDER]`.

`name`: an entry of `bases`, or `encoder` or `embedder`, which the keys `encoder` and `index.embedder` specify.
"""

from pathlib import Path

from attune.base_models.fetching import SMALL, fetch
from attune.core.errors import AttuneError
from attune.core.files import atomic_folder, read_parquet, write_json
from attune.core.import_graph import closure
from attune.parameters import Base, Parameters, load
from attune.training.checkpoints import run_key, training_folder
from stages import start


def main(*, name: str, target: Path, subset: Path = Path("data/subset")) -> None:
    parameters = load()
    with atomic_folder(target) as folder:
        if name in ("encoder", "embedder"):
            fetch(parameters.encoder if name == "encoder" else parameters.index.embedder, folder)
        elif name not in parameters.bases:
            raise AttuneError(f"there is no base {name!r}; params.yaml has {', '.join(parameters.bases)}")
        elif (base := parameters.bases[name]).model == SMALL:
            _pretrain(base, parameters, subset, folder)
        else:
            fetch(base.model, folder)


def _pretrain(base: Base, parameters: Parameters, subset: Path, folder: Path) -> None:
    from attune.base_models.pretraining import Schedule, Shape, documents, pretrain
    from attune.core.determinism import pin

    pin(parameters.seed, parameters.threads)
    files = [subset / corpus / "train.parquet" for corpus in base.text]
    key = run_key([base.model_dump(), parameters.seed, parameters.threads], files, closure(Path(__file__)))
    with training_folder(Path(".checkpoints"), key) as checkpoints:
        texts = [text for file in files for text in documents(read_parquet(file))]
        shape = Shape(base.family, base.layers, base.width, base.heads, base.vocabulary, base.positions)
        schedule = Schedule(base.steps, base.batch_tokens, base.lr, parameters.seed)
        write_json(folder / "training.json", pretrain(texts, shape, schedule, checkpoints, folder))


if __name__ == "__main__":
    start(main)
