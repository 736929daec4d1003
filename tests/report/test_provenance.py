import re

from attune.report.provenance import code_version, data_sentence, environment


def test_the_versions_are_those_installed() -> None:
    import torch

    versions = environment().set_index("Package")["Version"]
    assert versions["torch"].split("+")[0] == torch.__version__.split("+")[0]


def test_the_data_say_whose_text_they_are() -> None:
    manifests = [
        {"corpus": "openorca", "notice": "Written by this project.", "revision": None},
        {"corpus": "pec", "notice": None, "revision": "abc"},
    ]
    in_its_place = {"corpus": "pec", "notice": "Not PEC: chats of Ann's. They talk.", "revision": None}
    assert data_sentence("sample", [in_its_place]).endswith("PEC: chats of Ann's.")
    line = data_sentence("sample", manifests)
    assert re.match(r"Data: the embedded sample \(as of .+\), not the published corpora\.", line)
    assert line.endswith("OpenOrca: written by this project.")
    assert data_sentence("hub", manifests[1:]) == "Data: the published corpora, from the hub (PEC at abc)."


def test_the_code_has_a_commit_or_no_repository() -> None:
    assert re.match(r"at commit [0-9a-f]{7,} of \d{4}-\d\d-\d\d|outside a git repository", code_version())
