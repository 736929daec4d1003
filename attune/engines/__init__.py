"""Where batches are worked on: in this process, or by the actors of a Ray cluster."""
