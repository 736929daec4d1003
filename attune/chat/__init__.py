"""Chat with the systems that the pipeline built: on a page, in a terminal, over HTTP."""
