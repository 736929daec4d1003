"""What is known of one's own data before anything starts: that every row can be read, and that there are enough."""

import tempfile
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from attune.core.errors import AttuneError
from attune.corpora.base import Corpus, Sampling
from attune.corpora.reading import BadRows
from attune.parameters.data import OwnRows
from attune.sources import directory, own_data


def check(record: Corpus, entry: OwnRows, bad: BadRows) -> None:
    """Read all of it. record: of `attune.corpora.raw_corpus`.

    Raises
    ------
    AttuneError
        for columns that the corpus does not have, as `own_data.conversations`, and for fewer than two beginnings, which
        could not be split into train and test, or two recurring emotions, where those are needed; for files of one's
        own as `directory.own_folder` and `Corpus.count_rows`.
    """
    if record.in_own_folder:
        record.count_rows(directory.own_folder(record, entry), bad)
        return
    key, place = f"corpora.{record.name}", record.own
    known = place.columns if place else ()
    for name in {"situation", "domain"} & set(entry.columns or ()) - set(known):
        raise AttuneError(f"{key}.columns names {name}, which has no meaning there; leave it out")
    found = own_data.files_of(entry)
    openings: set[str] = set()
    values: dict[str, Counter[str]] = {column: Counter() for column in (place.needed if place else ())}
    for each in own_data.conversations(found.paths, entry.columns, bad, place):
        openings.add(each.get("situation") or each["utterances"][0])
        for column, counts in values.items():
            counts[each[column]] += 1
    where = found.origin.location
    if len(openings) < 2:
        raise AttuneError(
            f"{key}: {where} has {len(openings)} usable conversation(s) with different first turns; "
            "2 are needed to train on one and to test on another"
        )
    for column, counts in values.items():
        recurring = [value for value, count in counts.items() if count > 1]
        if len(recurring) < 2:
            examples = ", ".join(repr(value[:40]) for value, _ in counts.most_common(3))
            raise AttuneError(
                f"{key}: {where} has {len(recurring)} {column}(s) that occur more than once ({examples}); two are "
                "needed to tell apart"
            )


def check_ranked(
    record: Corpus, entry: OwnRows, sampling: Sampling, domains: Sequence[str], candidates: int, bad: BadRows
) -> None:
    """Draw the subsets as the pipeline will.

    domains: those that are used, each once. candidates: how many replies each right one is ranked among.

    Raises
    ------
    AttuneError
        for fewer conversations than `sampling.sizes` asks for, a domain that there is not, and too few replies.
    """
    with tempfile.TemporaryDirectory() as folder:
        raw = Path(folder)
        own_data.write(entry, raw, bad, record.own)
        assert record.subset is not None
        subset = record.subset(record, raw, sampling, BadRows("skip"), raw / "scratch")
        for domain in domains:
            if domain not in subset.candidates:
                raise AttuneError(
                    f"corpora.{record.name} has no domain {domain!r} but {', '.join(subset.candidates)}; a domain is "
                    "what the column `domain` holds, with as many conversations as `subsets` asks for"
                )
            replies = len({row["response"] for row in subset.candidates[domain]})
            if replies < candidates:
                raise AttuneError(
                    f"corpora.{record.name}: the test split of {domain} has {replies} different replies, and "
                    f"cobert.candidates is {candidates}; lower it, raise preprocess.test_share, or use more data"
                )
