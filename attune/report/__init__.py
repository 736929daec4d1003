"""From metrics to readers: figures, findings in plain sentences, and self-contained HTML pages."""
