"""Write each CoBERT recipe out in full, so that changing a top-level `lr` reruns only the recipes that use it.

Every model is ranked on candidates that the test split of its domain must have, or no recipe is written.

`python -m stages.recipes candidates=FOLDER target=FOLDER`
"""

from pathlib import Path

from attune import parameters
from attune.core.files import atomic_folder, stream_parquet, write_json
from attune.corpora import ranking_corpus
from attune.corpora.subsets import FETCH_AGAIN, check_candidates, most_candidates
from stages import start


def main(*, candidates: Path, target: Path) -> None:
    settings = parameters.load()
    if settings.cobert.drawn_from == "test_split":
        replies = {
            domain: {row["response"] for row in stream_parquet(candidates / f"{domain}.parquet")}
            for domain in settings.ranked_domains
        }
        # That with the fewest comes first, so that the number named in its message suits them all.
        for domain in sorted(replies, key=lambda each: most_candidates(replies[each])):
            step = f"use a larger source; {FETCH_AGAIN}"
            check_candidates(ranking_corpus().name, domain, replies[domain], settings.cobert.candidates, step)
    recipes = {name: settings.recipe(name) for name in (*settings.cobert.recipes, *settings.compare.recipes)}
    for count in settings.personas.counts:
        recipes[f"personas_{count}"] = settings.recipe(settings.personas.recipe) | {"num_personas": count}
    with atomic_folder(target) as folder:
        for name, recipe in recipes.items():
            write_json(folder / f"{name}.json", recipe)
            print(f"{name}: " + ", ".join(f"{key} {value}" for key, value in recipe.items()))


if __name__ == "__main__":
    start(main)
