import subprocess
import sys

from tests.project import ROOT

# A stage's process: what is imported stays, what is dropped later is freed.
STAGE = """
import gc
from attune.core import garbage_collection

usual = gc.get_threshold()
garbage_collection.resume()
assert gc.get_freeze_count() == 0  # nothing to resume
garbage_collection.defer()
assert gc.get_threshold()[0] > 50 * usual[0]
imported = [[each] for each in range(1000)]
garbage_collection.resume()
assert gc.get_threshold() == usual
assert gc.get_freeze_count() > 1000
with garbage_collection.deferred():
    assert gc.get_threshold()[0] > 50 * usual[0]
assert gc.get_threshold() == usual

class Model:
    freed = False
    def __init__(self):
        self.self = self
    def __del__(self):
        Model.freed = True

Model()
kept = []
while not Model.freed:
    kept.append([])
    assert len(kept) < 1_000_000
"""


def test_a_stage_looks_for_garbage_seldom_until_it_works() -> None:
    done = subprocess.run([sys.executable, "-c", STAGE], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
