"""Train one generator from its base on the replies of its corpus.

`python -m stages.train_generator name=NAME base=FOLDER data=FOLDER target=FOLDER curve=CSV`

name: an entry of `generators`. data: the folder that its `rows` names.
"""

from functools import partial
from pathlib import Path

from attune import parameters
from attune.core.determinism import pin
from attune.core.import_graph import closure
from attune.parameters.generators import generator_named
from attune.training.checkpoints import run_key
from attune.training.launcher import is_writer, join, launched, reporting
from stages import checkpoint_roots, report_to, start


@reporting
def main(*, name: str, base: Path, data: Path, target: Path, curve: Path) -> None:
    settings = parameters.load()
    generator = generator_named(settings.generators, name)
    words: dict[str, str | Path] = {"name": name, "base": base, "data": data, "target": target, "curve": curve}
    if launched("stages.train_generator", words, settings.launcher.processes if generator.trains else 1):
        return
    fsdp = generator.trains and settings.launcher.fsdp
    rows = data / "train.parquet"
    decides = [generator.model_dump(), settings.seed, settings.threads, *(["fsdp"] if fsdp else [])]
    key = run_key(decides, [base, rows], closure(Path(__file__)), target)

    from attune.generators.learning_curve import summary, write_curve
    from attune.generators.loading import read_card
    from attune.generators.model_card import model_card
    from attune.generators.rows import StoredExamples, are_tokenised, count_rows
    from attune.generators.training import train
    from attune.training.distributed import job_folders
    from attune.training.tracking import trackers

    pin(settings.seed, settings.threads)
    join(settings.threads)
    tracking = trackers(*report_to(), target) if generator.trains else []
    with job_folders(checkpoint_roots(), key, target) as (checkpoints, folder):
        examples = StoredExamples(rows, generator.instruction, generator.passages_of_a_row)
        learning = train(
            *(generator, base, examples, settings.seed, checkpoints, folder),
            fsdp=fsdp,
            follow=partial(write_curve, curve),
            trackers=tracking,
        )
        if not is_writer():
            return
        card = model_card(name, generator, count_rows(rows), learning, are_tokenised(rows), read_card(folder).precision)
        (folder / "README.md").write_text(card, encoding="utf-8")
        write_curve(curve, learning)
    print(f"{name}: {summary(learning)}", flush=True)


if __name__ == "__main__":
    start(main)
