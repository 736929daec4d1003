"""Write each CoBERT recipe out in full, so that changing a top-level `lr` reruns only the recipes that use it.

`python -m stages.recipes target=PATH`
"""

from pathlib import Path

from attune import parameters
from attune.core.files import atomic_folder, write_json
from stages import start


def main(*, target: Path) -> None:
    settings = parameters.load()
    recipes = {name: settings.recipe(name) for name in (*settings.cobert.recipes, *settings.compare.recipes)}
    for count in settings.personas.counts:
        recipes[f"personas_{count}"] = settings.recipe(settings.personas.recipe) | {"num_personas": count}
    with atomic_folder(target) as folder:
        for name, recipe in recipes.items():
            write_json(folder / f"{name}.json", recipe)
            print(f"{name}: " + ", ".join(f"{key} {value}" for key, value in recipe.items()))


if __name__ == "__main__":
    start(main)
