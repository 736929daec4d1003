"""From what generators scored and wrote to scores: perplexity, overlap, semantics, faults, and paired tests."""
