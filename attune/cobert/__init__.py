"""CoBERT: hop-1 and hop-2 co-attention between context, persona and response (Zhong et al., EMNLP 2020)."""
