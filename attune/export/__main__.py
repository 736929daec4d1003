"""Export a trained model: `python -m attune.export MODEL TARGET [--root FOLDER]`."""

import argparse
import sys
from pathlib import Path

from attune.core.environment import print_any_text, require_environment
from attune.core.errors import AttuneError


def main() -> None:
    print_any_text()
    require_environment()
    parser = argparse.ArgumentParser(
        prog="python -m attune.export",
        description="Write a trained model as a folder that loads elsewhere, with a model card for a hub.",
    )
    parser.add_argument("model", type=Path, help="a folder such as models/generators/full or models/cobert/NAME")
    parser.add_argument("target", type=Path, help="the folder to write, which must not exist")
    parser.add_argument(
        "--root", type=Path, help="the pipeline's folder (default: the nearest above MODEL with a params.yaml)"
    )
    arguments = parser.parse_args()
    from transformers.utils.logging import disable_progress_bar

    from attune.export.models import export

    disable_progress_bar()
    try:
        export(arguments.model, arguments.target, arguments.root)
    except AttuneError as error:
        sys.exit(f"error: {error}")
    except OSError as error:
        if error.errno is None:  # a library's, which says more in its traceback
            raise
        sys.exit(f"error: {error}")
    print(f"{arguments.target}: {', '.join(sorted(path.name for path in arguments.target.iterdir()))}")


main()
