"""nbval compares what the lessons print; here it learns to compare their figures as well."""

import os
import sys
from pathlib import Path

# Workers and their kernels share the cores: threads that wait by spinning keep the others waiting.
os.environ.setdefault("OMP_WAIT_POLICY", "passive")  # torch, faiss, scikit-learn
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # NumPy and SciPy
sys.path.insert(0, str(Path(__file__).parent / "tools"))

from nbval.plugin import IPyNbCell
from notebook_figures import TOLERANCE, difference, pictures

os.environ.pop("VITSIM_LANG", None)  # each notebook speaks the language of its folder
compare_text = IPyNbCell.compare_outputs


def compare_text_and_figures(self, test, ref, skip_compare=None) -> bool:
    if not compare_text(self, test, ref, skip_compare):
        return False
    now, stored = pictures(test), pictures(ref)
    apart = [difference(*pair) for pair in zip(now, stored, strict=False)]
    if len(now) == len(stored) and max(apart, default=0) <= TOLERANCE:
        return True
    what = f"{len(now)} figures now, {len(stored)} stored; blocks differ by {apart} of 255"
    self.comparison_traceback.append(f"The figures changed ({what}). If meant: make notebooks")
    return False


IPyNbCell.compare_outputs = compare_text_and_figures
