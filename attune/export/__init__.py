"""What leaves the project: trained models as folders with a model card, corpora with a Croissant description."""
