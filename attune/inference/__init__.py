"""The public API: trained models that rank, retrieve and write replies, each with what it needs to read text."""
