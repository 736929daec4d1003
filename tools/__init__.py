"""What developers run on the project itself."""

import argparse

FORKS_DVC = "ATTUNE_FORKS_DVC"  # a variable with the address of the process of `tools.preload`, for `tools.dvc`


def described(doc: str | None) -> argparse.ArgumentParser:
    """A command line whose --help shows the module's docstring; it refuses all words that are not added to it."""
    return argparse.ArgumentParser(description=doc, formatter_class=argparse.RawDescriptionHelpFormatter)
