"""Maintainers' long programs: what was interrupted goes on, and nothing is mixed up."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import build_notebooks
import evaluate
import nbformat
import numpy as np
import pytest
from teacher_targets import begun
from test_packaging import ROOT

from tools import render_pets

FEW = ["--pets", "30", "--photos", "2", "--plan-only"]


def test_a_table_stays_with_its_photos(tmp_path):
    out = ["--out", str(tmp_path), *FEW]
    assert render_pets.main([*out, "--only", "dog_007"]) == 0
    table = (tmp_path / "photos.csv").read_text()
    assert table.count("\n") == 61, "every pet's, though one is rendered"
    (tmp_path / "photos" / "dog_007").mkdir(parents=True)
    assert render_pets.main(out) == 0, "the same plan goes on"
    with pytest.raises(SystemExit, match="another seed"):
        render_pets.main([*out, "--seed", "5"])
    assert (tmp_path / "photos.csv").read_text() == table


def test_views_are_kept_only_of_the_same_photos(tmp_path):
    views, targets = begun(tmp_path, "these photos", 2)
    views[1], targets[1] = 7, 9
    del views, targets
    assert [array.max() for array in begun(tmp_path, "these photos", 2)] == [7, 9]
    assert [array.max() for array in begun(tmp_path, "others", 2)] == [0, 0]
    for missing in ("of.txt", "targets.npy"):  # killed while the files were made
        (tmp_path / missing).unlink()
        assert [array.max() for array in begun(tmp_path, "others", 2)] == [0, 0]


def test_vectors_of_a_baseline_are_written_whole_or_not_at_all(tmp_path, monkeypatch):
    def killed(path, vectors):
        Path(path).write_bytes(b"half")
        raise KeyboardInterrupt

    remembered = evaluate.remembered(lambda photos: np.ones((len(photos), 2)), "ones", tmp_path)
    with monkeypatch.context() as patched:
        patched.setattr(np, "save", killed)
        with pytest.raises(KeyboardInterrupt):
            remembered([])
    assert list(tmp_path.iterdir()) == []
    assert remembered([]).shape == (0, 2)


def test_a_damaged_notebook_is_built_anew(tmp_path, monkeypatch):
    lesson = build_notebooks.lessons(ROOT / "notebooks", ["00"])[0]
    whole = nbformat.read(lesson.path("en"), as_version=4)
    monkeypatch.setattr(build_notebooks, "execute", lambda *_: whole)
    path = tmp_path / "00.ipynb"
    monkeypatch.setattr(type(lesson), "path", lambda *_: path)
    text = nbformat.writes(whole) + "\n"
    for damaged in (text[:5000].encode(), text.encode()[:-9], b"{}", "ã".encode()[:1]):
        path.write_bytes(damaged)
        assert "written" in build_notebooks.build(lesson, "en")
        assert "no change" in build_notebooks.build(lesson, "en")


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a process of its parent")
def test_no_helper_outlives_what_it_works_for(tmp_path):
    """Also after `kill -9`: else it would go on beside the next try."""
    program = tmp_path / "parent.py"
    program.write_text(
        "import os, time\n"
        "from tools.workers import helpers\n"
        "if __name__ == '__main__':\n"
        "    with helpers(1) as pool:\n"
        "        print(pool.submit(os.getpid).result(), flush=True)\n"
        "        time.sleep(60)\n"
    )
    around = os.environ | {"PYTHONPATH": str(ROOT)}
    with subprocess.Popen([sys.executable, program], stdout=subprocess.PIPE, env=around) as parent:
        helper = int(parent.stdout.readline())
        os.kill(parent.pid, signal.SIGKILL)
    for _ in range(100):
        try:
            status = Path(f"/proc/{helper}/stat").read_text()
        except FileNotFoundError:
            return
        if ") Z " in status:  # ended, and nobody asked how
            return
        time.sleep(0.1)
    raise AssertionError(f"process {helper} goes on alone")
