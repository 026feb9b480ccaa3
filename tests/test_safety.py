"""Weights are data, not programs; models are pinned; nothing calls home."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

from vitsim import models

PACKAGE = Path(models.__file__).parent
LOADS_PROGRAMS = {"pickle", "cPickle", "dill", "cloudpickle", "joblib", "marshal", "shelve"}


def calls(tree: ast.Module) -> list[tuple[str, dict[str, object]]]:
    """(name of what is called, its keyword arguments) of every call in a module."""
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            words = {key.arg: ast.unparse(key.value) for key in node.keywords if key.arg}
            found.append((ast.unparse(node.func), words))
    return found


FOLDERS = ("vitsim", "tools", "notebooks/source", "slides")  # the third is what learners copy
PROGRAMS = [path for name in FOLDERS for path in sorted((PACKAGE.parent / name).rglob("*.py"))]


@pytest.mark.parametrize("path", PROGRAMS, ids=lambda path: path.stem)
def test_nothing_is_read_as_a_program(path):
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        # No call may say it, nor a dictionary that a call is given.
        said = getattr(node, "arg", None), getattr(node, "value", None)
        assert "trust_remote_code" not in said
        if isinstance(node, ast.Import | ast.ImportFrom):
            names = {alias.name for alias in node.names} | {getattr(node, "module", "") or ""}
            assert not {name.split(".")[0] for name in names} & LOADS_PROGRAMS
    for name, words in calls(tree):
        assert name not in ("eval", "exec", "pd.read_pickle")
        # A checkpoint of one's own training is read as tensors, in tools/ only.
        assert name != "torch.load" or (
            words.get("weights_only") == "True" and path.parent.name == "tools"
        )
        assert name != "np.load" or words.get("allow_pickle", "False") == "False"
        if name.endswith("from_pretrained") and "Processor" not in name:  # which has no weights
            assert words.get("use_safetensors") == "True"


def test_every_known_model_of_the_hub_is_pinned_to_a_commit():
    assert models.REVISIONS
    assert all(re.fullmatch("[0-9a-f]{40}", commit) for commit in models.REVISIONS.values())


@pytest.mark.usefixtures("no_network")
def test_a_match_calls_nobody(vitsim, tmp_path):
    photo = next((PACKAGE.parent / "data" / "pets" / "photos").glob("*/*.jpg"))
    ended = vitsim("match", photo, "--figure", tmp_path / "out.png")
    assert ended.returncode == 0, ended.stderr
    assert (tmp_path / "out.png").stat().st_size > 10_000


def test_the_audit_hook_of_these_tests_really_refuses():
    program = "import urllib.request; urllib.request.urlopen('http://198.51.100.1', timeout=3)"
    offline = Path(__file__).parent / "offline"
    ended = subprocess.run(
        [sys.executable, "-c", program], env={"PYTHONPATH": str(offline)}, capture_output=True
    )
    assert ended.returncode != 0 and b"198.51.100.1" in ended.stderr


LOAD = "onnxruntime.InferenceSession(sys.argv[1], providers=['CPUExecutionProvider'])"


@pytest.mark.parametrize("first", ["", "import vitsim; "], ids=["bare", "after vitsim"])
def test_onnxruntime_does_not_report_its_use(first, tmp_path, monkeypatch):
    """Its reports carry an id of the machine, which it draws and keeps before the first."""
    for name in ("CI", "ORT_DISABLE_TELEMETRY", "GITHUB_ACTIONS", "TF_BUILD"):  # it is silent there
        monkeypatch.delenv(name, raising=False)
    for name in ("HOME", "XDG_CACHE_HOME", "LOCALAPPDATA"):
        monkeypatch.setenv(name, str(tmp_path))
    weights = models.shipped("cutout") / "cutout.onnx"
    program = [sys.executable, "-c", f"{first}import sys, onnxruntime; {LOAD}", weights]
    subprocess.run(program, check=True, timeout=120)
    reported = bool(list(tmp_path.rglob("deviceid")))
    assert reported == (not first), "if it no longer does by itself, nothing need stop it"
