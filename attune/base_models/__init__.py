"""Pretrained models to start from: fetched, or converted from what a package carries."""
