"""Pretrained models to start from: fetched, or small ones pretrained here."""
