"""The figures, drawn from tables alone: no module here reads a file."""
