"""Talking to the systems that the pipeline made: what answers, in a page, a terminal or over HTTP."""
