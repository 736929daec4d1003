from attune.report.sections import environment


def test_the_versions_are_those_installed() -> None:
    import torch

    versions = environment().set_index("package")["version"]
    assert versions["torch"].split("+")[0] == torch.__version__.split("+")[0]
