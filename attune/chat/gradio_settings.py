"""What Gradio and its HTTP client read from the environment when they are imported: not what a shell has set."""

import os
import tempfile

# Where a proxy serves the page below another path.
_KEPT = "GRADIO_ROOT_PATH"
_CERTIFICATES = ("SSL_CERT_FILE", "SSL_CERT_DIR")
# Gradio's own choice is one folder for all users of a machine, which only the first of them can write to.
_FILES = tempfile.TemporaryDirectory(prefix="attune-page-")


def prepare() -> None:
    """Set it as the page needs it; call this before importing gradio.

    A shell's GRADIO_ALLOWED_PATHS would show its files to everyone, and a wrong GRADIO_NUM_PORTS or certificate keep
    the page from opening. The page fetches nothing; Gradio asks itself for a start, for which no proxy is needed.
    """
    for name in [name for name in os.environ if name.startswith("GRADIO_") and name != _KEPT]:
        del os.environ[name]
    for name in _CERTIFICATES:
        os.environ.pop(name, None)
    os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"
    os.environ["GRADIO_TEMP_DIR"] = _FILES.name
    os.environ["NO_PROXY"] = os.environ["no_proxy"] = "*"
