"""Refuse a wrong params.yaml: `python -m stages.check_parameters target=TXT`.

All other stages come after this one, so that a wrong value stops a run before DVC deletes outputs or anything expensive
starts. `target` always holds the same text, so that a change of params.yaml reruns only those stages that read it.
"""

from pathlib import Path

from attune import parameters
from attune.base_models.checking import Use, check_folder
from attune.base_models.fetching import is_directory
from attune.core.errors import AttuneError
from attune.core.files import atomic_file
from attune.corpora import CORPORA, ranking_corpus, raw_corpus
from attune.corpora import corpus as record_of
from attune.corpora.base import Sampling
from attune.corpora.reading import BadRows
from attune.parameters import Parameters
from attune.parameters.data import AnyEntry, OwnRows
from attune.sources import directory, own_checks
from stages import start


def main(*, target: Path) -> None:
    settings = parameters.load()
    check_paths(settings)
    with atomic_file(target) as temporary:
        temporary.write_text("params.yaml was checked.\n", encoding="utf-8")


def check_paths(settings: Parameters) -> None:
    """Raise an AttuneError for a corpus or a model that the directory named for it lacks."""
    for name, entry in settings.corpora.items():
        check_corpus(name, entry, settings)
    models: list[tuple[str, Use]] = [(settings.encoder, "encoder"), (settings.index.embedder, "embedder")]
    for model, use in [*models, *((base.model, "base") for base in settings.bases.values())]:
        if is_directory(model):
            check_folder(Path(model), use)


def check_corpus(name: str, entry: AnyEntry, settings: Parameters) -> None:
    """Raise an AttuneError for a corpus that could not be fetched, and for rows of one's own data that do not fit."""
    if isinstance(entry, OwnRows):
        check_own(name, entry, settings)
    elif name not in CORPORA:
        raise AttuneError(f"corpora.{name} has no path, and is none of the built-in {', '.join(CORPORA)}")
    elif settings.source not in ("sample", "hub"):
        directory.origin_of(record_of(name), settings.source)


def check_own(name: str, entry: OwnRows, settings: Parameters) -> None:
    record, cobert = raw_corpus(name, own=True), settings.cobert
    own_checks.check(record, entry, BadRows(settings.on_bad_row))
    if name == ranking_corpus().name:
        sampling = Sampling(settings.seed, entry.cap, settings.preprocess.test_share, settings.subsets.model_dump())
        domains = {*cobert.domains, *settings.compare.domains, *settings.seeds.domains, settings.personas.domain}
        candidates = cobert.candidates if cobert.drawn_from == "test_split" else 0
        own_checks.check_ranked(record, entry, sampling, sorted(domains), candidates, BadRows(settings.on_bad_row))


if __name__ == "__main__":
    start(main)
