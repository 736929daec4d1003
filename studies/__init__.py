"""Studies of the trained models: one module per stage of studies/dvc.yaml, `python -m studies.NAME name=value ...`."""

import stages as stages  # sets libraries up, before a study imports any of them
