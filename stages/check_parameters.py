"""Refuse a wrong params.yaml: `python -m stages.check_parameters target=TXT`.

All other stages come after this one, so that a wrong value stops a run before DVC deletes outputs or anything expensive
starts. `target` always holds the same text, so that a change of params.yaml reruns only those stages that read it.
"""

from pathlib import Path

from attune import parameters
from attune.base_models.checking import Use, check_folder
from attune.base_models.fetching import is_directory
from attune.core.files import atomic_file
from attune.corpora import corpus as record_of
from attune.parameters import Parameters
from attune.sources import directory
from stages import start


def main(*, target: Path) -> None:
    settings = parameters.load()
    check_paths(settings)
    with atomic_file(target) as temporary:
        temporary.write_text("params.yaml was checked.\n", encoding="utf-8")


def check_paths(settings: Parameters) -> None:
    """Raise an AttuneError for a corpus or a model that the directory named for it lacks."""
    if settings.source not in ("sample", "hub"):
        for name in settings.corpora:
            directory.origin_of(record_of(name), settings.source)
    models: list[tuple[str, Use]] = [(settings.encoder, "encoder"), (settings.index.embedder, "embedder")]
    for model, use in [*models, *((base.model, "base") for base in settings.bases.values())]:
        if is_directory(model):
            check_folder(Path(model), use)


if __name__ == "__main__":
    start(main)
