"""The package is thin: it can be read in one sitting, and its imports point one way."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "vitsim"
# fmt: off
ORDER = ["files", "texts", "images", "hub", "models", "background", "encoder", "similarity",
         "store", "indexing", "gallery", "parts", "evaluation", "plots", "datasets", "exercises",
         "doctor", "cli"]
# fmt: on
MODULES = sorted(path for path in PACKAGE.glob("*.py"))


def imported(tree: ast.Module) -> set[str]:
    """Modules of vitsim that a module imports, those for type checkers only left out."""
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            node.body.clear()
        elif isinstance(node, ast.ImportFrom) and node.level == 1:
            found |= (
                {node.module.split(".")[0]} if node.module else {name.name for name in node.names}
            )
        elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith("vitsim."):
            found.add(node.module.split(".")[1])
    return found & set(ORDER)


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.stem)
def test_a_step_imports_only_earlier_steps(path):
    if path.stem == "__init__":
        assert imported(ast.parse(path.read_text(encoding="utf-8"))) == set()
        return
    assert path.stem in ORDER, f"{path.name} has no place in the order of the steps"
    later = ORDER[ORDER.index(path.stem) :]
    assert not imported(ast.parse(path.read_text(encoding="utf-8"))) & set(later)


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.stem)
def test_a_file_is_read_in_one_sitting(path):
    assert len(path.read_text(encoding="utf-8").splitlines()) <= 300


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.stem)
def test_everything_public_says_what_it_does(path):
    tree = ast.parse(path.read_text(encoding="utf-8"))
    assert ast.get_docstring(tree), f"{path.name} says nothing about itself"
    for scope in [tree, *(node for node in tree.body if isinstance(node, ast.ClassDef))]:
        for node in scope.body:
            if isinstance(node, ast.FunctionDef | ast.ClassDef) and not node.name.startswith("_"):
                assert ast.get_docstring(node), f"{path.name}: {node.name} says nothing"


def test_importing_the_package_and_the_command_is_light():
    program = "import sys, vitsim, vitsim.cli, vitsim.gallery; print(*sys.modules)"
    ended = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    heavy = {"torch", "transformers", "rembg", "faiss", "matplotlib", "onnxruntime"}
    assert not heavy & set(ended.stdout.split())
