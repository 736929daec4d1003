"""Scores as pure functions of ranks, replies and texts, and their intervals and paired tests."""
