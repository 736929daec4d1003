"""Trained models written out whole, so that they need neither their base's folder nor the pipeline, and their cards."""

from dataclasses import replace
from pathlib import Path

from attune.core.errors import AttuneError
from attune.core.files import atomic_folder, read_json, refuse_existing
from attune.export import cobert_card, generator_card
from attune.export.facts import Facts
from attune.export.recorded import Training, changes


def export(model: Path, target: Path, root: Path | None = None) -> None:
    """Write the trained `model` into the new folder `target`, with its card as README.md.

    A generator becomes a plain transformers folder: LoRA is merged into its base, and weights that training left alone
    are added. A CoBERT gets the frozen weights of its encoder. root: the pipeline's folder, whose params.yaml, data/
    and metrics/ the card reports; by default the nearest one above `model` that has a params.yaml.

    Raises
    ------
    AttuneError
        if `model` is no trained model or cannot be written whole, if `target` exists, without a params.yaml, and if
        that has other values than the model was trained with.
    """
    refuse_existing(target)
    write = _export_generator if _is_generator(model) else _export_cobert
    model = model.absolute()  # has a name and folders above it, also where it was given as `.`
    write(model, target, Facts(_pipeline(model, root)))


def _pipeline(model: Path, root: Path | None) -> Path:
    for folder in (root,) if root else model.parents:
        if (folder / "params.yaml").is_file():
            return folder
    where = f"{root} has no" if root else f"no folder above {model} has a"
    raise AttuneError(f"{where} params.yaml, of which the card reports; name the pipeline's folder by --root")


def card(model: Path, root: Path) -> str:
    """The model card of the trained `model` where it lies, as `export` writes it but for its use; `root` as there.

    Raises
    ------
    AttuneError
        if `model` is no trained model.
    """
    facts, folder = Facts(root), model.relative_to(root).as_posix()
    if _is_generator(model):
        from attune.generators.loading import read_card

        of_generator = read_card(model)
        use = generator_card.in_place(folder, f"models/base/{of_generator.base}", of_generator)
        return generator_card.text(model, use, of_generator, facts)
    from attune.cobert.model import CobertConfig

    config = CobertConfig.from_pretrained(model, local_files_only=True, trust_remote_code=False)
    return cobert_card.text(model, folder, cobert_card.IN_PLACE, config, facts)


def _is_generator(model: Path) -> bool:
    """Whether it is a generator, else a CoBERT."""
    if (model / "card.json").is_file():
        return True
    if (model / "config.json").is_file() and read_json(model / "config.json").get("model_type") == "attune-cobert":
        return False
    such = "name a folder such as models/generators/NAME or models/cobert/RECIPE-SUBSET-DOMAIN"
    if model.exists():
        raise AttuneError(f"{model} holds no model that this pipeline has trained; {such}")
    raise AttuneError(f"{model} does not exist; {_written_by(model) or such}")


def _written_by(model: Path) -> str:
    """That make writes `model`; empty where it is no folder of the pipeline's models."""
    project, *kind = model.absolute().parts[-4:-1]
    if kind not in (["models", "generators"], ["models", "cobert"]):
        return ""
    return f"`make {'quick' if project == 'quick' else 'repro'}` writes it"


def _refuse_changed(folder: Path, training: Training | None, facts: Facts) -> None:
    """Raise an AttuneError where the card would have other parameters than the training had."""
    if training and (found := changes(facts.root, training)):
        raise AttuneError(
            f"params.yaml has other values than the training of {folder} had ({', '.join(found)}), and the card would "
            f"report them; take them back, or train with them (`dvc repro {training.stage}`)"
        )


def _export_generator(folder: Path, target: Path, facts: Facts) -> None:
    from peft import PeftModel

    from attune.generators.loading import load_generator, load_tokenizer, parameter_counts, read_card, write_card

    card = read_card(folder)
    if card.load_in_4bit:
        raise AttuneError(
            f"{folder} was trained over a base of 4 bits, into which its adapter cannot be merged without loss; "
            "it stays a PEFT adapter"
        )
    _refuse_changed(folder, generator_card.training(folder, card, facts), facts)
    model = load_generator(folder, card, facts.root / "models" / "base" / card.base)
    if isinstance(model, PeftModel):
        if model.active_peft_config.is_prompt_learning:
            raise AttuneError(
                f"{folder} was made by {card.method}, whose trained embeddings come before the prompt and are part of "
                "no model; it stays a PEFT adapter, which peft.PeftModel.from_pretrained loads over its base"
            )
        model = model.merge_and_unload()
        card = replace(card, parameters=parameter_counts(model)[1])
    tokenizer = load_tokenizer(folder)
    with atomic_folder(target) as written:
        model.save_pretrained(written)
        tokenizer.save_pretrained(written)
        # By it attune.Generator loads the folder too: a model of its own, without a base.
        made_by = card.made_by or card.method
        write_card(written, replace(card, method="full", partial=False, made_by=made_by))
        card = replace(card, method=made_by)  # also where what is exported was exported before
        use = generator_card.exported(target.name, card, tokenizer)
        text = generator_card.text(folder, use, card, facts)
        (written / "README.md").write_text(text, encoding="utf-8")


def _export_cobert(folder: Path, target: Path, facts: Facts) -> None:
    from attune.cobert import storage
    from attune.inference.ranker import Ranker

    _refuse_changed(folder, cobert_card.training(folder, facts), facts)
    ranker = Ranker.from_pretrained(folder, facts.root / "models" / "base" / "encoder")
    ranker.model.requires_grad_(True)  # what is frozen would be left out
    with atomic_folder(target) as written:
        storage.save(ranker.model, written)
        ranker.inputs.tokenizer.save_pretrained(written)
        text = cobert_card.text(folder, target.name, cobert_card.EXPORTED, ranker.model.config, facts)
        (written / "README.md").write_text(text, encoding="utf-8")
