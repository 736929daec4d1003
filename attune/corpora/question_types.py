"""What kind of question an instruction is: the third report compared its models on three of them."""

import re

KINDS = ("ambiguous", "subjective", "how-to", "factual", "task")

_RULES = {
    "task": r"\b(premise|hypothesis|passage|paragraph|sentence|review|text|article|options?|classify|translate"
    r"|summari[sz]e|rewrite|read the|multiple.choice|true or false)\b|^q:|\n\s*[-(]?[a-d][).:]|\btitle:",
    "how-to": r"\bhow (do|can|should|would|could|might) (i|you|we|one|someone|somebody)\b|\bhow to\b|\bsteps?\b"
    r"|\bway to\b|\bways to\b|\bteach me\b|\bguide\b|\bwalk me through\b|\bhelp me (write|plan|make|fix)\b|\brecipe\b",
    "subjective": r"\b(do you think|your (view|opinion|take|thoughts?)|better|best|worse|worst|should|worth|prefer"
    r"|favou?rite|overrated|is it (ok|okay|fine|wrong|right|fair|rude|selfish|silly)|ever (ok|okay|right|fine)"
    r"|good idea|matters?|more important|agree|too (much|many|old|young|late))\b",
    "factual": r"\b(what (is|are|was|were|does|did|do|causes?)|who|when|where|which|how (many|much|far|old|long|tall|"
    r"big|high|fast|deep|often)|why (is|are|do|does|did)|name the|in (which|what)|capital|define|meaning of)\b",
}
_PATTERNS = {kind: re.compile(pattern, re.IGNORECASE) for kind, pattern in _RULES.items()}


def kind_of(question: str) -> str:
    """The first rule that matches, in the order task, how-to, subjective, factual; else it is ambiguous.

    A word-list rule for tables by kind, not a measured classifier: what names neither a task, a way, a judgement nor
    a fact leaves open what is asked.
    """
    return next((kind for kind, pattern in _PATTERNS.items() if pattern.search(question)), "ambiguous")
