"""Generators and their bases on held-out conversations: which rows, which prompts, and a result for each row."""
