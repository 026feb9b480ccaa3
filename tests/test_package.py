"""The package is thin: it can be read in one sitting, and its imports point one way."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "vitsim"
# fmt: off
ORDER = ["files", "texts", "images", "hub", "models", "background", "encoder", "attention",
         "similarity", "store", "known", "indexing", "distributed", "milvus", "gallery",
         "parts", "intervals", "evaluation",
         "baselines", "judge", "exercises", "plots", "datasets", "doctor", "app", "cli"]
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


def test_importing_the_package_and_the_command_is_light():
    program = "import sys, vitsim, vitsim.cli, vitsim.gallery; print(*sys.modules)"
    ended = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    heavy = {"torch", "transformers", "rembg", "faiss", "matplotlib", "onnxruntime"}
    assert not heavy & set(ended.stdout.split())
