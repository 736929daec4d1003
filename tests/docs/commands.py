"""The shell commands of README, CONTRIBUTING, SECURITY and docs, and what the tests do with each of them."""

import re
from collections.abc import Iterator
from importlib.util import find_spec
from typing import NamedTuple

from tests.project import ROOT

PAGES = (
    *(ROOT / f"{name}.md" for name in ("README", "CONTRIBUTING", "SECURITY")),
    *sorted((ROOT / "docs").glob("*.md")),
)
_FENCE = re.compile(r"(?m)^```(\w*)\n((?:.*\n)*?)```$")
_PROGRAMS = "bash|curl|dvc|export|find|git|hf|jq|make|mlcroissant|pip|pipx|pre-commit|python|sbatch|source|torchrun"
_INLINE = re.compile(rf"`((?:{_PROGRAMS}) [^`]+)`")
# As far as a comment, which begins with a # after a space, outside of quotes.
_CODE = re.compile(r"""(?:'[^']*'|"[^"]*"|[^\s'"]#|[^'"#])*""")

# Where a command runs: tests/docs/workspace.py's, a clone of it, a tiny pipeline's folder, or a folder of data.
WORKSPACE, CLONE, MODELS, DATA = "workspace", "clone", "models", "data"


class Command(NamedTuple):
    page: str
    text: str


class Rule(NamedTuple):
    """What is done with the commands that match pattern, a regular expression of the whole command.

    place: where it runs. fast: whether a fast test does that. first: a command before it. keys: what is typed. code:
    the documented exit code. why: the reason where it is not run as documented. instead: what runs in its place;
    nothing where that is empty and `why` is not.
    """

    pattern: str
    place: str = WORKSPACE
    fast: bool = False
    first: str = "true"
    keys: str = ""
    code: int = 0
    why: str = ""
    instead: str = ""


def _instead(pattern: str, why: str, instead: str = "") -> Rule:
    return Rule(pattern, fast=bool(instead), why=why, instead=instead)


RESET = "git checkout --quiet ."
_UNTIL = "until dvc queue status | grep --extended-regexp 'NAME .*({})'; do sleep 1; done"
# The first that matches counts. Commands run in the order of the pages, so that one may use what another has left.
RULES = (
    Rule(r"make help", fast=True),
    Rule(r"make (setup|repro)( JOBS=[n1])?"),
    # Commands before it leave cobert.domains without a domain of compare.domains, which the studies refuse.
    Rule(r"make studies( JOBS=[n1])?", first=RESET),
    Rule(r"source \.venv/bin/activate|export .*", fast=True),
    Rule(r"git (diff (--stat )?metrics plots|config --global user\.\w+ .*)", fast=True),
    Rule(r"git read-tree HEAD && git checkout HEAD -- params\.yaml .* && dvc checkout dvc\.yaml", fast=True),
    Rule(r"find data models metrics -name .*", fast=True),
    Rule(r"git clone \. /tmp/clone"),
    Rule(r"dvc exp run -S lr=5e-5", first=RESET, fast=True),
    Rule(r"dvc (metrics (diff|show).*|params diff|plots diff|status( dvc\.yaml)?)", fast=True),
    Rule(r"dvc exp show.*", keys="q", fast=True),
    Rule(r"dvc dag .*", keys="q"),
    Rule(r"dvc repro( --force download)?"),
    _instead(r"dvc gc --workspace", "it would delete what other commands need", "dvc gc --workspace --dry"),
    _instead(r"dvc repro --force base_encoders base_models", "the small project of these tests has no such stages"),
    _instead(r"dvc exp run -S '\+corpora\.mine=\{datasets: .*", "the network; tests/sources has a hub of its own"),
    # An extra that nobody needs to have: without it the check of the parameters ends the run.
    Rule(r"dvc exp run -S engine=ray", first=RESET, code=0 if find_spec("ray") else 255),
    _instead(r"dvc exp run -S '~corpora\.openass.*", "the small project has other generators"),
    Rule(r"dvc exp run( --queue)? -S .*", first=RESET),
    # docs/sweeps.md: a queue, then a remote and a clone, which stands for a second machine.
    Rule(r"dvc queue (status|start .*)"),
    Rule(r"dvc queue logs .*", first=_UNTIL.format("Running|Success")),
    Rule(r"dvc queue stop .*", first=_UNTIL.format("Success")),
    Rule(r"dvc exp (diff|remove) .*"),
    Rule(r"dvc exp apply .*", first=RESET),
    Rule(r"dvc remote add .*|dvc push --run-cache|dvc exp pull origin warmer"),
    Rule(r"dvc pull .*|dvc repro --pull .*|dvc exp run --name warmer .*|dvc exp push origin warmer", CLONE),
    Rule(r"python -m attune\.export .*", MODELS),
    Rule(r"make chat", MODELS, keys="I passed my driving test today!\n\x04"),
    Rule(r"curl .*", MODELS),
    Rule(r"python -m attune\.(export\.croissant|judgement\.\w+) .*|mlcroissant .*", DATA),
    # Not as they are documented.
    _instead(
        r"make (quick|test|test-slow|test-faults|check|deps|bench|clean)", "minutes, or what runs this", r"make -n \1"
    ),
    _instead(r"make quick SET=.*", "minutes; a test of its own takes other parameters", "make -n quick"),
    _instead(r"make setup (TORCH_INDEX|PYTHON)=.*", "it installs packages over the network", "make -n setup"),
    _instead(r"docker .*", "Docker"),
    _instead(r"tensorboard --logdir .*", "it serves until it is stopped"),
    _instead(r"CUDA_VISIBLE_DEVICES=0,0,0,0,0,0 make repro", "an NVIDIA GPU", "make -n repro"),
    _instead(r"(python -m pytest -p tests\.second_device) .*", "minutes; .ci/run does that", r"\1 --version"),
    _instead(r"make app( ROOT=quick)?", "it serves until it is stopped; a test of its own does that", r"make -n app\1"),
    _instead(r"bash \.ci/run", "it is what runs this", r"bash -n .ci/run"),
    _instead(r"(python -m benchmarks\.attune)( .*)?", "minutes, on trained models", r"\1 --help"),
    _instead(r"python -m benchmarks\.\w+( .*)?", "minutes; tests/benchmarks/test_commands.py asks each for its help"),
    _instead(r"hf (auth login|upload .*)", "the network"),
    _instead(r"git clone URL attune && cd attune && make setup .*", "it installs packages over the network"),
    _instead(r"(pip|pipx) install .*|pre-commit install", "it installs packages over the network"),
    _instead(r"torchrun .*", "several machines; a test of its own reads its words"),
    _instead(r"sbatch .*", "SLURM; the script that it sends runs in a test of its own"),
    _instead(r"#!/bin/bash\n(?s:.*)", "SLURM's variables; a test of its own sets them"),
    _instead(r"python -m stages\.NAME .*", "a form; tests/docs/test_stage_commands.py starts every stage"),
    _instead(r"python -m tools\.api", "it writes a page; tests/tools/test_api.py holds that to the code"),
    _instead(r"git checkout -", "it would leave the commands' branch; a test of its own says that a stage advises it"),
    _instead(r"git update-ref -d refs/exps/exec/EXEC_BASELINE", "it mends what a killed run leaves; that run's test"),
    _instead(r"dvc (exp (run|apply|push)|push|plots)|git add|pip install", "a mention, without its words"),
    _instead(r"python -m attune\.(export\.croissant|judgement\.judge_pairs)", "a mention"),
)


def documented() -> list[Command]:
    """Each command once, in the order of the pages; on a page, those in blocks come before those in sentences."""
    found: dict[str, str] = {}
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        blocks = [body for language, body in _FENCE.findall(text) if language in ("sh", "console")]
        inline = [" ".join(each.split()) for each in _INLINE.findall(_FENCE.sub("", text))]
        for command in [*(line for body in blocks for line in _lines(body)), *inline]:
            found.setdefault(command, page.name)
    return [Command(page, text) for text, page in found.items()]


def _lines(block: str) -> Iterator[str]:
    if block.startswith("#!"):
        yield block
        return
    for line in re.sub(r"\\\n\s*", "", block).splitlines():
        code = _CODE.match(line)
        if code and code[0].strip():
            yield code[0].strip().removeprefix("$ ")


def rule_of(command: str) -> Rule | None:
    return next((rule for rule in RULES if re.fullmatch(rule.pattern, command)), None)


def run_as(command: str, rule: Rule) -> str:
    """What runs for it, with its placeholders; empty if nothing does."""
    if not rule.why:
        return command
    match = re.fullmatch(rule.pattern, command)
    return match.expand(rule.instead) if match else ""
