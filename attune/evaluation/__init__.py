"""From trained models and test sets to tables of scores: ranking/, and testing/ and generation/ for generators."""
