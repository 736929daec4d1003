"""The families of comparisons: those that answer one question, and whose p are corrected together."""

# Name -> what is compared in it. A family's comparisons are in one file of metrics/.
FAMILIES = {
    "recipes": "each pair of CoBERT's recipes, of every training subset: mean MRR of the domains",
    "recipes by domain": "the same in each domain",
    "recipes, few contexts": "each pair of recipes on the test contexts of a subset that is ranked on more: mean MRR",
    "recipes by domain, few contexts": "the same in each domain",
    "ways to match": "each of CoBERT's recipes against every other way to match: mean MRR of the domains",
    "ways to match by domain": "the same in each domain",
    "whose persona": "each recipe with the responder's persona against none and another's: mean MRR of the domains",
    "whose persona by domain": "the same in each domain",
    "persona sentences": "the fewest persona sentences against each other number: MRR",
    "training generators": "each generator against its base: loss",
    "passages, loss": "each generator without passages, or the one trained without, against itself with: loss",
    "passages, replies": "the same pairs: scores of their replies",
    "personas, loss": "each generator with the responder's persona against none and another's: loss",
    "personas, replies": "the same pairs: scores of their replies",
    "retrieved and written": "CoBERT's retrieved replies against each generator's: scores of the replies",
}


def by_domain(family: str) -> str:
    """The family of the same comparisons in each domain."""
    name, comma, rest = family.partition(", ")
    return f"{name} by domain{comma}{rest}"
