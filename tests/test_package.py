"""The package is thin: it can be read in one sitting, and its imports point one way."""

import ast
import errno
import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from vitsim import VitsimError
from vitsim.cli._app import save_figure
from vitsim.files import atomic

PACKAGE = Path(__file__).parents[1] / "vitsim"
# fmt: off
ORDER = ["files", "texts", "images", "hub", "models", "background", "encoder", "attention",
         "similarity", "store", "labels", "known", "indexing", "distributed", "milvus", "gallery",
         "parts", "intervals", "evaluation",
         "baselines", "judge", "exercises", "plots", "datasets", "doctor", "guard", "app",
         "cli"]
# fmt: on
MODULES = sorted(PACKAGE.rglob("*.py"))


def name(path: Path) -> str:
    return path.relative_to(PACKAGE).with_suffix("").as_posix()


def imported(path: Path) -> set[str]:
    """Steps that a module imports, those for type checkers only left out.

    A step is a module of vitsim, or a folder of modules, in which two dots lead to other steps.
    """
    found, tree = set(), ast.parse(path.read_text(encoding="utf-8"))
    dots = len(path.relative_to(PACKAGE).parts)
    for node in ast.walk(tree):
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            node.body.clear()
        elif isinstance(node, ast.ImportFrom) and node.level == dots:
            found |= (
                {node.module.split(".")[0]} if node.module else {name.name for name in node.names}
            )
        elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith("vitsim."):
            found.add(node.module.split(".")[1])
    return found & set(ORDER)


@pytest.mark.parametrize("path", MODULES, ids=name)
def test_a_step_imports_only_earlier_steps(path):
    if path == PACKAGE / "__init__.py":
        assert imported(path) == set()
        return
    step = name(path).split("/")[0]
    assert step in ORDER, f"{path.name} has no place in the order of the steps"
    assert not imported(path) & set(ORDER[ORDER.index(step) :])


@pytest.mark.parametrize("path", MODULES, ids=name)
def test_a_file_is_read_in_one_sitting(path):
    assert len(path.read_text(encoding="utf-8").splitlines()) <= 300


@pytest.mark.parametrize("path", MODULES, ids=name)
def test_everything_public_says_what_it_does(path):
    tree = ast.parse(path.read_text(encoding="utf-8"))
    assert ast.get_docstring(tree), f"{path.name} says nothing about itself"
    for scope in [tree, *(node for node in tree.body if isinstance(node, ast.ClassDef))]:
        for node in scope.body:
            if isinstance(node, ast.FunctionDef | ast.ClassDef) and not node.name.startswith("_"):
                assert ast.get_docstring(node), f"{path.name}: {node.name} says nothing"


def raised(function: ast.FunctionDef) -> set[str]:
    """The exception classes that a function raises by name."""
    errors = [node.exc for node in ast.walk(function) if isinstance(node, ast.Raise) and node.exc]
    calls = [error.func if isinstance(error, ast.Call) else error for error in errors]
    names = [ast.unparse(call).split(".")[-1] for call in calls]
    return {name for name in names if name[0].isupper()}  # a variable raises what it holds


@pytest.mark.parametrize("path", MODULES, ids=name)
def test_everything_public_says_what_it_raises(path):
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for scope in [tree, *(node for node in tree.body if isinstance(node, ast.ClassDef))]:
        for node in scope.body:
            if not isinstance(node, ast.FunctionDef) or node.name.startswith("_"):
                continue
            if any(".command(" in ast.unparse(word) for word in node.decorator_list):
                continue  # its docstring is its help; what it raises is told by `main`
            said = f"{ast.get_docstring(scope)} {ast.get_docstring(node)}"
            unsaid = {error for error in raised(node) if f"{error}`" not in said}
            assert not unsaid, f"{path.name}: {node.name} does not say that it raises {unsaid}"


@pytest.mark.parametrize(
    ("error", "remedy"),
    [
        (ValueError("Format 'nonsense' is not supported"), "Give a .png path."),
        (IsADirectoryError(errno.EISDIR, "Is a directory"), "Give a .png path."),
        (OSError(errno.EFBIG, "File too large"), "Give another path, or make room."),
    ],
)
def test_a_figure_that_cannot_be_written_says_what_would_help(tmp_path, error, remedy):
    def savefig(*_, **__):
        raise error

    with pytest.raises(VitsimError) as caught:
        save_figure(SimpleNamespace(savefig=savefig), tmp_path / "out.png")
    assert str(error) in caught.value.reason and caught.value.remedy == remedy
    assert not list(tmp_path.iterdir())


@pytest.mark.skipif(os.name == "nt", reason="Windows has no umask")
def test_what_is_written_may_be_read_by_whom_the_user_lets(tmp_path):
    for umask, mode in ((0o077, 0o600), (0o022, 0o644)):
        before = os.umask(umask)
        try:
            with atomic(tmp_path / "a.png") as path:
                path.write_bytes(b"x")
        finally:
            os.umask(before)
        assert (tmp_path / "a.png").stat().st_mode & 0o777 == mode
    assert [path.name for path in tmp_path.iterdir()] == ["a.png"]


def test_importing_the_package_and_the_command_is_light():
    program = "import sys, vitsim, vitsim.cli, vitsim.gallery; print(*sys.modules)"
    ended = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    heavy = {"torch", "transformers", "rembg", "faiss", "matplotlib", "onnxruntime"}
    assert not heavy & set(ended.stdout.split())


def test_a_file_is_on_the_disk_before_it_takes_its_place(tmp_path, monkeypatch):
    order, fsync, replace = [], os.fsync, os.replace
    monkeypatch.setattr(os, "fsync", lambda file: order.append("fsync") or fsync(file))
    monkeypatch.setattr(os, "replace", lambda *way: order.append("replace") or replace(*way))
    with atomic(tmp_path / "a") as path:
        path.write_bytes(b"x")
    with pytest.raises(KeyError), atomic(tmp_path / "b") as path:
        path.write_bytes(b"half")
        raise KeyError
    assert order == ["fsync", "replace"] and os.listdir(tmp_path) == ["a"]
