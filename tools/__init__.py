"""What developers run on the project itself."""

import argparse


def described(doc: str | None) -> argparse.ArgumentParser:
    """A command line whose --help shows the module's docstring; it refuses all words that are not added to it."""
    return argparse.ArgumentParser(description=doc, formatter_class=argparse.RawDescriptionHelpFormatter)
