"""Train one generator: `python -m stages.train_generator NAME BASE PROCESSED TARGET CURVE`.

NAME is an entry of `generators`, BASE its base's folder, PROCESSED its corpus' folder, CURVE a csv.
"""

from pathlib import Path

import attune
from attune.core.errors import AttuneError
from attune.core.files import read_parquet, whole_folder
from attune.parameters import load
from attune.training.checkpoints import run_key, training_folder
from stages import start

PACKAGE = Path(attune.__path__[0])
CODE = [PACKAGE / "generation", PACKAGE / "trainer.py", PACKAGE / "determinism.py"]


def main(name: str, base: str, processed: str, target: str, curve: str) -> None:
    parameters = load()
    if name not in parameters.generators:
        raise AttuneError(f"{name!r} is no generator; params.yaml has {', '.join(parameters.generators)}")
    generator = parameters.generators[name]
    rows = Path(processed) / "train.parquet"
    settings = [generator.model_dump(), parameters.seed, parameters.threads]
    key = run_key(settings, [Path(base), rows], CODE)

    from attune.core.determinism import pin
    from attune.generators.learning_curve import write_curve
    from attune.generators.model_card import model_card
    from attune.generators.prompts import examples
    from attune.generators.training import train

    pin(parameters.seed, parameters.threads)
    with (
        training_folder(Path(".checkpoints"), key) as checkpoints,
        whole_folder(Path(target)) as folder,
    ):
        given = examples(read_parquet(rows), generator.instruction, None if generator.passage_tokens else 0)
        learned = train(generator, Path(base), given, parameters.seed, checkpoints, folder)
        (folder / "README.md").write_text(model_card(name, generator, len(given), learned), encoding="utf-8")
        write_curve(Path(curve), learned)


if __name__ == "__main__":
    start(main)
