"""Write each CoBERT recipe out whole, so that a top-level `lr` reruns just the recipes that use it.

`python -m stages.recipes TARGET`
"""

from pathlib import Path

from attune import parameters
from attune.core.files import whole_folder, write_json
from attune.parameters.recipes import resolved
from stages import start


def main(target: str) -> None:
    settings = parameters.load()
    recipes = {name: resolved(settings, name) for name in (*settings.cobert.recipes, *settings.compare.recipes)}
    for count in settings.personas.counts:
        recipes[f"personas_{count}"] = resolved(settings, settings.personas.recipe) | {"num_personas": count}
    with whole_folder(Path(target)) as folder:
        for name, recipe in recipes.items():
            write_json(folder / f"{name}.json", recipe)
            print(f"{name}: " + ", ".join(f"{key} {value}" for key, value in recipe.items()))


if __name__ == "__main__":
    start(main)
