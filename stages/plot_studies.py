"""Draw the figures of the studies: `python -m stages.plot_studies METRICS TARGET`."""

from pathlib import Path

from attune import parameters
from attune.core.files import read_json
from attune.evaluation.ranking.baselines import METHODS
from attune.evaluation.ranking.summary import MEAN
from attune.report.figures import cobert, style
from stages import start


def main(metrics: str, target: str) -> None:
    settings, found, folder = parameters.load(), Path(metrics), Path(target)
    among = f"{settings.cobert.candidates} candidates"
    names = [*METHODS, "untrained", *settings.compare.recipes, *settings.cobert.recipes]
    domains: list[str] = list(settings.cobert.domains)
    methods = read_json(found / "compare.json")
    compared = {group: {name: methods[group][name] for name in names} for group in (*domains, MEAN)}
    transfer = read_json(found / "transfer.json")
    transferred = {trained: {tested: transfer[trained][tested] for tested in domains} for trained in domains}
    style.save(cobert.transfer(transferred), folder, "transfer")
    style.save(cobert.methods(compared, among), folder, "matching_methods")
    style.save(cobert.personas(read_json(found / "personas.json"), among), folder, "persona_ablation")
    print(f"{folder}: matching_methods, persona_ablation, transfer")


if __name__ == "__main__":
    start(main)
