"""Persona-based empathetic conversation: retrieval (CoBERT) and generation (GPT-2, GPT-Neo, RAG)."""
