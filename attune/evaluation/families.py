"""The families of comparisons: those that answer one question, and whose p are corrected together."""

# Name -> what is compared in it. A family's comparisons are in one file of metrics/.
FAMILIES = {
    "recipes": "each pair of CoBERT's recipes, of every training subset: mean MRR of the domains",
    "recipes by domain": "the same in each domain",
    "recipes, few contexts": "each pair of recipes on the test contexts of a subset that is ranked on more: mean MRR",
    "recipes by domain, few contexts": "the same in each domain",
    "ways without training": "the last of CoBERT's recipes against every way to match without training: mean MRR",
    "ways without training by domain": "the same in each domain",
    "ways without training, other recipes": "each other recipe against the same: mean MRR of the domains",
    "ways without training by domain, other recipes": "the same in each domain",
    "what training adds": "each of CoBERT's recipes against its model before training: mean MRR of the domains",
    "what training adds by domain": "the same in each domain",
    "trained ways": "each of CoBERT's recipes against each of compare.recipes: mean MRR of compare.domains",
    "trained ways by domain": "the same in each domain, if there are several",
    "whose persona": "each recipe with the responder's persona against none and another's: mean MRR of the domains",
    "whose persona by domain": "the same in each domain",
    "persona sentences": "the fewest persona sentences against each other number: MRR",
    "training generators": "each generator against its base: loss",
    "passages, loss": "each generator without passages, or the one trained without, against itself with: loss",
    "passages, replies": "the same pairs: scores of their replies",
    "personas, loss": "each generator with the responder's persona against none and another's: loss",
    "personas, replies": "the same pairs: scores of their replies",
    "everyday messages": "each generator against the first untrained one, and passages against none: shares of replies",
    "retrieved and written": "CoBERT's retrieved replies against each generator's: scores of the replies",
}


def by_domain(family: str) -> str:
    """The family of the same comparisons in each domain."""
    name, comma, rest = family.partition(", ")
    return f"{name} by domain{comma}{rest}"
