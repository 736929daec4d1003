"""Trained models as folders that load elsewhere, with a model card that a hub reads."""
