"""Folders in which documented commands run, and what their placeholders stand for."""

import re
import shutil
from pathlib import Path

import pytest

from attune.core.files import write_csv, write_parquet
from attune.corpora import CORPORA, ranking_corpus
from attune.evaluation.schemas import ANSWERED
from tests.docs import workspace
from tests.docs.commands import CLONE, DATA, MODELS, WORKSPACE
from tests.docs.terminal import Shown, shown

CHAT = '{{"conversations": [{{"from": "human", "value": "I lost {}."}}, {{"from": "gpt", "value": "Oh no!"}}]}}\n'


class Places:
    """The workspace, and what is put beside it when it is first asked for."""

    def __init__(self, folder: Path, request: pytest.FixtureRequest) -> None:
        self.folder, self._request = folder, request
        self.shell, self.experiment = workspace.environment(folder / "home"), ""
        self.workspace = workspace.build(folder, self.shell)

    def place(self, name: str) -> Path:
        made = {CLONE: self._clone, MODELS: self._models, DATA: self._data}.get(name)
        folder = self.workspace if name == WORKSPACE else self.folder / name
        if made and not folder.exists():
            made(folder)
        return folder

    def run(self, command: str, keys: str = "", folder: Path | None = None) -> Shown:
        done = shown(command, folder or self.workspace, self.shell, keys)
        self.experiment = ([self.experiment, *re.findall(r"experiment '([\w-]+)'", done.text)])[-1]
        return done

    def filled(self, command: str) -> str:
        """`command` with something real for each placeholder."""
        given = {
            "/path/to/store": self.folder / "store",
            "/tmp/clone": self.folder / "cloned",
            "/path/to/corpora": self.folder / "corpora",
            "/path/to/roberta": self.folder / "own/roberta",
            "/data/chats.jsonl": self.folder / "chats.jsonl",
            "/data/posts.csv": self.folder / "posts.csv",
            "/data/epitome": self.folder / "epitome",
            "quick/models": "models",
            "NAME": self.experiment,
            "FOLDER": "my-folder",
            "JOBS=n": "JOBS=2",
        }
        for placeholder, value in given.items():
            command = re.sub(rf"(?<!\w){placeholder}(?!\w)", str(value), command)
        return command

    def write_sources(self) -> None:
        """Files of one's own, which the check of the parameters looks for, and reads if they are conversations."""
        from tests import models
        from tests.evaluation.generation.labels import write_labels

        (self.folder / "chats.jsonl").write_text("".join(map(CHAT.format, ("my keys", "my way", "my hat"))))
        moods = ("sad", "annoyed") * 1000
        posts = [
            {"post": f"I lost {at} keys.", "answer": f"Oh no, {at}!", "about_me": f"I like tea {at}.", "mood": mood}
            for at, mood in enumerate(moods)
        ]
        write_csv(self.folder / "posts.csv", posts)
        write_labels(self.folder / "epitome")
        for record in CORPORA.values():
            for name in record.layouts[0].values():
                path = self.folder / "corpora" / record.name / name
                path.parent.mkdir(parents=True, exist_ok=True)
                path.touch()
        models.main(str(self.folder / "own"))

    def _clone(self, folder: Path) -> None:
        """A second machine's, of a remote to which the workspace with its store was pushed."""
        origin = self.folder / "origin"
        done = self.run(
            f"git commit --quiet --all --message store && git clone --quiet --bare . {origin} && "
            f"git remote add origin {origin} && git clone --quiet {origin} {folder}"
        )
        assert done.code == 0, done.text

    def _models(self, folder: Path) -> None:
        shutil.copytree(self._request.getfixturevalue("project"), folder)
        workspace.furnish(folder)

    def _data(self, folder: Path) -> None:
        """Corpora with their manifests, and replies of three systems to the same contexts."""
        from attune.generators.prompts import examples
        from tests.export import test_croissant
        from tests.generators.tiny import gpt, saved
        from tests.stages.cobert_project import pec_rows

        test_croissant.write(folder / "data")
        contexts = pec_rows(4, "test")
        write_parquet(folder / "data/processed/pec/large/all/test.parquet", contexts, ranking_corpus().schemas.rows)
        rows = [
            {"system": system, "id": each.id, "conversation": each.id, "prompt": each.question}
            | {"target": "True.", "reply": f"{system} says {each.id}.", "truncated": False}
            for system in ("retrieved", "full", "rag")
            for each in examples(contexts)
        ]
        write_parquet(folder / "data/evaluation/answers.parquet", rows, ANSWERED)
        saved(gpt(positions=512), folder / "my-folder")
