"""The ranking test: candidates, baselines, ranked rows, and their scores with intervals and paired tests."""
