"""Studies of the trained models: one module per stage of studies/dvc.yaml, `python -m studies.NAME name=value ...`."""
