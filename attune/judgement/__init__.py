"""People's judgement of two systems' replies: blind pairs out, answers in, and what the answers say."""
