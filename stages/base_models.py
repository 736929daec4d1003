"""Put a model to start from in place: `python -m stages.base_models name=NAME target=FOLDER`.

name: an entry of `bases`, or `encoder` or `embedder`, which the keys `encoder` and `index.embedder` specify.
"""

from pathlib import Path

from attune import parameters
from attune.base_models.checking import Use
from attune.base_models.fetching import fetch
from attune.core.errors import AttuneError
from attune.core.files import atomic_folder
from stages import start

USES: dict[str, Use] = {"encoder": "encoder", "embedder": "embedder"}


def main(*, name: str, target: Path) -> None:
    settings = parameters.load()
    models = {key: base.model for key, base in settings.bases.items()}
    models |= {"encoder": settings.encoder, "embedder": settings.index.embedder}
    if name not in models:
        raise AttuneError(f"there is no base {name!r}; params.yaml has {', '.join(models)}")
    with atomic_folder(target) as folder:
        fetch(models[name], folder, USES.get(name, "base"))


if __name__ == "__main__":
    start(main)
