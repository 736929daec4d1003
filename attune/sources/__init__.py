"""Where data and models come from: the sample, a directory, the hub, and what PyPI packages carry."""
