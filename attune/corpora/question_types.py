"""What type of question an instruction is: the third report compares its models on three of the types."""

import re

# Checked in this order.
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
_PATTERNS = {name: re.compile(pattern, re.IGNORECASE) for name, pattern in _RULES.items()}


def question_type(question: str) -> str:
    """The type whose rule matches first, in the order task, how-to, subjective, factual; otherwise ambiguous.

    A word list for tables by type, not a measured classifier: a question that mentions neither a task, a procedure, a
    judgement nor a fact leaves open what it asks for.
    """
    return next((name for name, pattern in _PATTERNS.items() if pattern.search(question)), "ambiguous")
