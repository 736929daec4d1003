"""How many processes to run at once: `python -m tools.cores` prints the number of test workers."""

from attune.core import memory
from attune.core.cores import usable
from tools import described

WORKER_BYTES = 10**9  # about what a test worker takes

if __name__ == "__main__":
    described(__doc__).parse_args()
    print(max(1, min(usable(), memory.usable() // WORKER_BYTES)))
