"""Training a causal language model to write replies: exactly what the stage train_generator needs."""
