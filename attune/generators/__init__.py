"""Training a causal language model to write replies, with the prompts and samples that inference and tests share."""
