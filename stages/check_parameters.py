"""Refuse a wrong params.yaml: `python -m stages.check_parameters target=TXT`.

All other stages come after this one, so that a wrong value stops a run before DVC deletes outputs or anything expensive
starts. `target` always holds the same text, so that a change of params.yaml reruns only those stages that read it.
"""

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from attune import parameters
from attune.base_models.checking import Use, check_folder
from attune.base_models.fetching import is_directory
from attune.base_models.hub import check_id
from attune.base_models.limits import beyond
from attune.core.errors import AttuneError, without_secrets
from attune.core.files import atomic_file
from attune.corpora import CORPORA, ranking_corpus, raw_corpus, record_of
from attune.corpora.base import Corpus
from attune.corpora.emotion_folds import FOLDS
from attune.corpora.reading import BadRows
from attune.corpora.sampling import sampling_of
from attune.corpora.subsets import tested
from attune.parameters import Check, Parameters
from attune.parameters.data import Archive, HubDataset, OwnData, OwnRows, Subsets
from attune.parameters.types import PUBLISHED_DOMAINS
from attune.sources import directory, hub, own_checks
from attune.sources.origins import check_apart
from attune.sources.packages import MINILM, SMOLLM2
from attune.sources.sample import sizes
from stages import start


def main(*, target: Path) -> None:
    settings = parameters.load(further=PATHS)
    for name, entry in settings.corpora.items():
        if isinstance(entry, Archive) and without_secrets(entry.url) != entry.url:
            print(
                f"warning: corpora.{name}.url has a user, password or query, which may be a signature; data/origins "
                "and dvc.lock record it as it is. If it is secret, fetch and unpack the archive yourself, and set "
                "source to the folder"
            )
    with atomic_file(target) as temporary:
        temporary.write_text("params.yaml was checked.\n", encoding="utf-8")


def _apart(settings: Parameters) -> Iterator[str]:
    """One's own files and folders where stages write: DVC would delete them."""
    origins = [("encoder", settings.encoder), ("index.embedder", settings.index.embedder)]
    origins += [(f"bases.{name}.model", base.model) for name, base in settings.bases.items()]
    for name, entry in settings.corpora.items():
        if isinstance(entry, OwnData):
            origins.append((f"corpora.{name}.path", entry.path))
        elif not isinstance(entry, OwnRows) and settings.source not in ("sample", "hub"):
            origins.append(("source", str(Path(settings.source) / name)))
    for key, origin in origins:
        yield from _refusal(key, check_apart, key, origin)


def _sources(settings: Parameters) -> Iterator[str]:
    """Corpora that could not be fetched; a source that is no directory, or cannot be read, is said once."""
    for name, entry in settings.corpora.items():
        if isinstance(entry, OwnRows):
            continue
        if name not in CORPORA:
            yield f"corpora.{name} has no path, and is none of the built-in {', '.join(CORPORA)}"
        elif settings.source == "hub" and isinstance(entry, HubDataset):
            yield from _refusal(f"corpora.{name}", hub.check, record_of(name), entry)
        elif settings.source not in ("sample", "hub"):
            yield from _refusal("source", directory.origin_of, record_of(name), settings.source)
            if not _is_listed(settings.source):
                return


def _is_listed(folder: str) -> bool:
    try:
        next(Path(folder).iterdir(), None)
    except OSError:
        return False
    return True


def _named(settings: Parameters) -> Iterator[str]:
    """Corpora that stages of dvc.yaml name, and that are missing."""
    for name, record in CORPORA.items():
        if record.indexed and name not in settings.corpora:
            yield f"the key corpora.{name} is missing; stages need that corpus, the published one or yours in its place"


def _capped(settings: Parameters) -> Iterator[str]:
    """Caps on published corpora that do nothing, or leave the emotion probe too few situations, whatever they hold."""
    for name, entry in settings.corpora.items():
        if isinstance(entry, OwnRows) or entry.cap is None:
            continue
        if name == ranking_corpus().name:
            yield f"corpora.{name}.cap does nothing: `subsets` says how many conversations are kept; leave it out"
        if not record_of(name).has_emotions:
            continue
        trained = entry.cap - tested(entry.cap, settings.preprocess.test_share)
        if trained < FOLDS:
            yield (
                f"corpora.{name}.cap = {entry.cap} leaves {trained} conversation(s) to train on, and the emotion probe "
                f"needs {FOLDS} situations; raise it, or lower preprocess.test_share"
            )


def _sampled(settings: Parameters) -> Iterator[str]:
    """Sizes that the sample's ranking corpus does not have."""
    record = ranking_corpus()
    published = record.name in settings.corpora and not isinstance(settings.corpora[record.name], OwnRows)
    if settings.source == "sample" and published:
        yield from _refusal("subsets", sizes.check, record, sampling_of(settings, cap=None))


def _own_rows(settings: Parameters) -> Iterator[str]:
    """Rows of one's own data that do not fit."""
    for name, entry in settings.corpora.items():
        if isinstance(entry, OwnRows):
            yield from _refusal(f"corpora.{name}", check_own, name, entry, settings)
            if name == ranking_corpus().name and settings.seeds.draws:
                yield (
                    f"seeds.varies = {settings.seeds.varies!r} would train on contexts of the test: another draw of "
                    f"your own data in the place of {name} is another test split, too; set it to order"
                )


def _trained_on(settings: Parameters) -> Iterator[str]:
    """Generators that name a corpus without conversations or personas, or rows that no stage makes of their corpus."""
    for name, generator in settings.generators.items():
        record = record_of(generator.corpus)
        if record.in_own_folder:
            yield f"generators.{name}.corpus = {generator.corpus!r} has labels, and no conversations to learn from"
        elif record.name in settings.corpora:
            pattern, words = _rows_of(record, own=isinstance(settings.corpora[record.name], OwnRows))
            if not re.fullmatch(pattern, generator.rows):
                without = generator.rows.startswith("passages/") and not record.has_passages
                reason = f" ({record.name} has no passages)" if without else ""
                yield (
                    f"generators.{name}.rows = {generator.rows!r} has no rows of corpus = {record.name!r}{reason}; it "
                    f"must be {words}"
                )
            elif generator.rows.startswith("passages/") != (generator.passage_tokens > 0):
                yield (
                    f"generators.{name}: passage_tokens = {generator.passage_tokens} with rows: {generator.rows}; it "
                    "must be above 0 with rows in passages/, and 0 otherwise"
                )
            if generator.persona_tokens and "personas" not in record.schemas.row_columns:
                yield (
                    f"generators.{name}.persona_tokens = {generator.persona_tokens}, but {record.name} has no "
                    "personas; set it to 0"
                )


def _rows_of(record: Corpus, own: bool) -> tuple[str, str]:
    """The folders of data/ with rows of the corpus: a pattern, and in words. own: one's own data are in its place."""
    folder = f"processed/{record.name}"
    if record.ranked:
        domain = r"\w+" if own else "|".join(PUBLISHED_DOMAINS)
        pattern = rf"{folder}/({'|'.join(Subsets.model_fields)})/({domain})"
        return pattern, f"that of a subset and a domain, such as {folder}/large/all"
    folders = [folder, *([f"passages/{record.name}"] if record.has_passages else [])]
    return "|".join(folders), " or ".join(folders)


def _models(settings: Parameters) -> Iterator[str]:
    """Models in directories that are not there or hold something else, and ids that the hub does not have."""
    yield from _refusal("encoder", _check_model, settings.encoder, "encoder")
    yield from _refusal("index.embedder", _check_model, settings.index.embedder, "embedder")
    for name, base in settings.bases.items():
        yield from _refusal(f"bases.{name}.model", _check_model, base.model, "base")


def _check_model(model: str, use: Use) -> None:
    if is_directory(model):
        check_folder(Path(model), use)
    elif model not in (MINILM, SMOLLM2):  # which are installed
        check_id(model)


def _refusal(key: str, check: Callable[..., object], *arguments: Any) -> Iterator[str]:
    """What `check` says if it raises an AttuneError, and that what `key` names may not be read."""
    try:
        check(*arguments)
    except AttuneError as error:
        yield str(error)
    except PermissionError as error:
        yield f"{key}: this user may not read {error.filename}; allow it (chmod -R u+rX), or name another"


_DRAWN = ("on_bad_row", "seed", "preprocess", "subsets", "cobert", "compare", "seeds", "personas", "generators")
PATHS = (
    Check(("source", "corpora", "encoder", "index", "bases"), _apart),
    Check(("source", "corpora"), _sources),
    Check(("corpora",), _named),
    Check(("corpora", "preprocess"), _capped),
    Check(("source", "corpora", "seed", "preprocess", "subsets"), _sampled),
    Check(("corpora", *_DRAWN), _own_rows),
    Check(("generators", "corpora"), _trained_on),
    Check(("encoder", "index", "bases"), _models),
    Check(("generators", "bases", "generation"), beyond),
)


def check_own(name: str, entry: OwnRows, settings: Parameters) -> None:
    record, cobert = raw_corpus(name, own=True), settings.cobert
    sampling = sampling_of(settings, entry.cap)
    own_checks.check(record, entry, sampling, BadRows(settings.on_bad_row))
    if name == ranking_corpus().name:
        candidates = cobert.candidates if cobert.drawn_from == "test_split" else 0
        domains, bad = settings.ranked_domains, BadRows(settings.on_bad_row)
        own_checks.check_ranked(record, entry, sampling, domains, _learnt(record, settings), candidates, bad)


def _learnt(record: Corpus, settings: Parameters) -> dict[str, str]:
    """The domains of one's own data that generators learn from, each with the key that names it."""
    pattern, _ = _rows_of(record, own=True)
    return {
        Path(generator.rows).name: f"generators.{name}.rows = {generator.rows!r}"
        for name, generator in settings.generators.items()
        if generator.corpus == record.name and re.fullmatch(pattern, generator.rows)
    }


if __name__ == "__main__":
    start(main)
