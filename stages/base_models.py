"""Fetch or pretrain one model to start from: `python -m stages.base_models NAME TARGET [SUBSET_FOLDER]`.

NAME is an entry of `bases`, or `encoder` or `embedder`, whose models `encoder` and `index.embedder` name.
"""

from pathlib import Path

import attune
from attune.base_models import fetching as bases
from attune.core.errors import AttuneError
from attune.core.files import read_parquet, whole_folder, write_json
from attune.parameters import Base, Parameters, load
from attune.training.checkpoints import run_key, training_folder
from stages import start

CODE = [Path(attune.__path__[0]) / name for name in ("small_lm.py", "trainer.py", "determinism.py")]


def main(name: str, target: str, subset: str = "data/subset") -> None:
    parameters = load()
    with whole_folder(Path(target)) as folder:
        if name in ("encoder", "embedder"):
            bases.fetch(parameters.encoder if name == "encoder" else parameters.index.embedder, folder)
        elif name not in parameters.bases:
            raise AttuneError(f"{name!r} is no base; params.yaml has {', '.join(parameters.bases)}")
        elif (base := parameters.bases[name]).model == bases.SMALL:
            _pretrain(base, parameters, Path(subset), folder)
        else:
            bases.fetch(base.model, folder)


def _pretrain(base: Base, parameters: Parameters, subset: Path, folder: Path) -> None:
    from attune.base_models.pretraining import Schedule, Shape, documents, pretrain
    from attune.core.determinism import pin

    pin(parameters.seed, parameters.threads)
    files = [subset / corpus / "train.parquet" for corpus in base.text]
    settings = [base.model_dump(), parameters.seed, parameters.threads]
    with training_folder(Path(".checkpoints"), run_key(settings, files, CODE)) as checkpoints:
        texts = [text for file in files for text in documents(read_parquet(file))]
        shape = Shape(base.family, base.layers, base.width, base.heads, base.vocabulary, base.positions)
        schedule = Schedule(base.steps, base.batch_tokens, base.lr, parameters.seed)
        write_json(folder / "training.json", pretrain(texts, shape, schedule, checkpoints, folder))


if __name__ == "__main__":
    start(main)
