"""The families of comparisons: those that answer one question, and whose p are corrected together."""


def by_domain(family: str) -> str:
    """The family of the same comparisons in each domain."""
    name, comma, rest = family.partition(", ")
    return f"{name} by domain{comma}{rest}"


RECIPES, RECIPES_ON_FEW = "recipes", "recipes, few contexts"
WITHOUT_TRAINING, OTHERS_WITHOUT_TRAINING = "ways without training", "ways without training, other recipes"
TRAINING_ADDS, TRAINED_WAYS = "what training adds", "trained ways"
WHOSE_PERSONA, PERSONA_SENTENCES = "whose persona", "persona sentences"
TRAINING_GENERATORS = "training generators"
PASSAGES_LOSS, PASSAGES_REPLIES = "passages, loss", "passages, replies"
PERSONAS_LOSS, PERSONAS_REPLIES = "personas, loss", "personas, replies"
EVERYDAY = "everyday messages"
RETRIEVED_AND_WRITTEN = "retrieved and written"

# Name -> what is compared in it. A family's comparisons are in one file of metrics/.
FAMILIES = {
    RECIPES: "each pair of CoBERT's recipes and the untrained model, of each training subset: mean MRR of the domains",
    by_domain(RECIPES): "the same in each domain",
    RECIPES_ON_FEW: "each recipe against the one before it, the first against no training, on the test split of a "
    "subset that is ranked on more contexts: mean MRR of the domains",
    by_domain(RECIPES_ON_FEW): "the same in each domain",
    WITHOUT_TRAINING: "the last of CoBERT's recipes against every way to match without training: mean MRR",
    by_domain(WITHOUT_TRAINING): "the same in each domain",
    OTHERS_WITHOUT_TRAINING: "each other recipe against the same: mean MRR of the domains",
    by_domain(OTHERS_WITHOUT_TRAINING): "the same in each domain",
    TRAINING_ADDS: "each of CoBERT's recipes against its model before training: mean MRR of the domains",
    by_domain(TRAINING_ADDS): "the same in each domain",
    TRAINED_WAYS: "each of CoBERT's recipes against each of compare.recipes: mean MRR of compare.domains",
    by_domain(TRAINED_WAYS): "the same in each domain, if there are several",
    WHOSE_PERSONA: "each recipe with the responder's persona against none and another's: mean MRR of the domains",
    by_domain(WHOSE_PERSONA): "the same in each domain",
    PERSONA_SENTENCES: "the fewest persona sentences against each other number: MRR",
    TRAINING_GENERATORS: "each generator against its base: loss",
    PASSAGES_LOSS: "each generator without passages, or the one trained without, against itself with; another "
    "message's passages against its own; retrieved against ideal ones: loss",
    PASSAGES_REPLIES: "those of the same pairs in which both write replies: scores of the replies",
    PERSONAS_LOSS: "each generator with the responder's persona against none and another's: loss",
    PERSONAS_REPLIES: "those of the same pairs in which both write replies: scores of the replies",
    EVERYDAY: "each generator against the first untrained one, and passages against none: shares of replies",
    RETRIEVED_AND_WRITTEN: "CoBERT's retrieved replies against each generator's: scores of the replies",
}
# Those of single domains, not of a mean over them.
BY_DOMAIN = FAMILIES.keys() & {by_domain(each) for each in FAMILIES}
