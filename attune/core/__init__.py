"""What every room uses: errors, atomic files, determinism, text, the import graph."""
