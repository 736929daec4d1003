"""The figures, from rows alone: no file is read here."""
