"""From generators and held-out conversations to scores of replies: perplexity, overlap, semantics, and their faults."""
