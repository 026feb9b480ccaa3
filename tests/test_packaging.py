"""What is installed: the same everywhere, complete, and small enough."""

import ast
import json
import os
import re
import subprocess
import sys
import sysconfig
import tomllib
import venv
import zipfile
from collections.abc import Iterable
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest
import yaml

from vitsim import datasets
from vitsim.files import data_folder
from vitsim.gallery import Gallery

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
MB = 1_000_000
UNDECLARED = {"pillow-heif"}  # vitsim does without; a message says how to get it


def name_of(requirement: str) -> str:
    return re.split(r"[\s\[<>=!~;]", requirement.strip())[0].lower().replace("_", "-")


def tracked() -> list[Path]:
    """The files of the repository: in git, or about to be."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    return [ROOT / name for name in listed.split("\0") if name and (ROOT / name).is_file()]


# --- the three lists of requirements


def test_the_conda_environment_is_in_step_with_the_project():
    conda = yaml.safe_load((ROOT / "environment.yml").read_text(encoding="utf-8"))
    assert conda["name"] == PROJECT["name"]
    (python,) = [line for line in conda["dependencies"] if str(line).startswith("python")]
    assert python.removeprefix("python").split(",")[0] == PROJECT["requires-python"].split(",")[0]
    (pip,) = [line["pip"] for line in conda["dependencies"] if isinstance(line, dict)]
    assert any("constraints.txt" in line for line in pip)
    extras = re.search(r"\.\[(.*)\]", " ".join(pip)).group(1).split(",")
    make = (ROOT / "Makefile").read_text(encoding="utf-8")
    assert extras == re.search(r"\.\[(.*?)\]", make).group(1).split(","), "as `make lab` has it"
    named = {name_of(line) for line in conda["dependencies"] if isinstance(line, str)}
    assert named == {"python", "pip"}, "everything else comes from pyproject.toml"


def pins() -> dict[str, str]:
    found = {}
    for line in (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines():
        requirement = line.split("#")[0].split(";")[0].strip()
        if requirement:
            assert "==" in requirement, f"not exact: {line}"
            name, version = requirement.split("==")
            found[name_of(name)] = version.strip()
    return found


def test_every_direct_dependency_is_pinned_exactly():
    wanted = [*PROJECT["dependencies"]]
    for extra in PROJECT["optional-dependencies"].values():
        wanted += extra
    missing = {name_of(requirement) for requirement in wanted} - set(pins())
    assert not missing


def imported(nodes: Iterable[ast.AST]) -> set[str]:
    """The top-level packages that these statements import, Python's own and vitsim left out."""
    found = set()
    for node in nodes:
        if isinstance(node, ast.Import):
            found |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and not node.level:
            found.add(node.module.split(".")[0])
    return found - sys.stdlib_module_names - {"vitsim"}


def test_whatever_the_package_imports_is_declared():
    """At the head of a module: for everyone. Inside a function: for everyone, or in an extra."""
    sold_as, extras = packages_distributions(), PROJECT["optional-dependencies"]
    always = {name_of(line) for line in PROJECT["dependencies"]}
    by_extras = {name_of(line) for extra in ("app", "scale") for line in extras[extra]}
    for path in sorted((ROOT / "vitsim").rglob("*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        anywhere = always | by_extras | UNDECLARED
        for nodes, declared in ((tree.body, always), (ast.walk(tree), anywhere)):
            for package in imported(nodes):
                names = {name_of(name) for name in sold_as.get(package, [package])}
                assert names & declared, f"{path.name} imports {package}: not in pyproject.toml"


def test_torch_is_the_tested_version_and_torchvision_is_not_wanted():
    assert pins()["torch"] == "2.13.0"
    assert "torchvision" not in pins(), "its published build breaks transformers on a CPU torch"


# --- the files of the repository


def test_no_file_and_no_repository_is_too_large():
    sizes = {path: path.stat().st_size for path in tracked()}
    assert sizes
    assert {str(path): size for path, size in sizes.items() if size > 25 * MB} == {}
    assert sum(sizes.values()) < 60 * MB


def test_no_path_of_one_machine_is_in_the_repository():
    here = re.escape(str(ROOT).encode())  # and what a path of any other machine looks like
    private = re.compile(rb"/(home|Users)/[a-z]\w+|/root/|C:\\\\Users|" + here)
    found = [
        str(path.relative_to(ROOT))
        for path in tracked()
        if path.suffix
        in {".py", ".md", ".toml", ".yml", ".txt", ".cff", ".ipynb", ".csv", ".json", ""}
        and path != Path(__file__)
        and private.search(path.read_bytes())
    ]
    assert found == []


def test_the_licences_are_there():
    for name in PROJECT["license-files"]:
        assert (ROOT / name).read_text(encoding="utf-8").strip()
    text = (ROOT / "LICENSES.md").read_text(encoding="utf-8")
    assert all(licence in text for licence in ("MIT", "CC0", "CC BY 4.0"))


# --- the wheel


@pytest.fixture(scope="module")
def sources() -> set[str]:
    """The files of the repository, listed before the wheel is built."""
    return {path.relative_to(ROOT).as_posix() for path in tracked()}


@pytest.fixture(scope="module")
def wheel(sources, tmp_path_factory) -> Path:
    out = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", out, ROOT]
    made = subprocess.run(command, capture_output=True, text=True)
    assert made.returncode == 0, made.stdout + made.stderr
    (path,) = out.glob("*.whl")
    return path


@pytest.fixture(scope="module")
def bare(wheel, tmp_path_factory) -> Path:
    """The `bin` of a new environment with the wheel, and the libraries of this one.

    A `.pth` line in a `.pth` folder is not followed, so that this environment's editable vitsim
    is not seen: what runs is what the wheel holds.
    """
    place = tmp_path_factory.mktemp("bare") / "env"
    venv.create(place, with_pip=False, symlinks=os.name != "nt")
    paths = sysconfig.get_paths(vars={"base": str(place), "platbase": str(place)})
    libraries = Path(paths["purelib"])
    (libraries / "borrowed.pth").write_text(sysconfig.get_paths()["purelib"], encoding="utf-8")
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index"]
    command += ["--ignore-installed", "--prefix", place, wheel]
    subprocess.run(command, check=True, capture_output=True)
    return Path(paths["scripts"])


def test_the_wheel_carries_the_data_and_is_small(wheel, sources):
    assert wheel.stat().st_size < 60 * MB
    names = set(zipfile.ZipFile(wheel).namelist())
    data = {f"vitsim/{name}" for name in sources if name.startswith("data/")}
    code = {name for name in sources if name.startswith("vitsim/")}
    assert data and data <= names
    assert code <= names
    assert not {name for name in names if name.startswith(("tests/", "tools/", "notebooks/"))}
    assert {name for name in names if name.endswith(("licenses/LICENSE", "licenses/LICENSES.md"))}


def test_the_readmes_say_who_is_in_their_picture():
    gallery = Gallery.open(data_folder() / datasets.SHIPPED_GALLERY)
    found = gallery.match(data_folder() / "pets" / "photos" / "dog_002" / "dog_002_08.jpg")
    litter = datasets.pets().drop_duplicates("pet").set_index("pet")["litter"]
    one, two, three, four = (match.label for match in found)
    assert one == two == four == "dog_002" != three and litter[three] == litter["dog_002"]
    english, portuguese = (ROOT / name for name in ("README.md", "README.pt.md"))
    said = "The third is a litter-mate, the others the lost dog."
    assert said in english.read_text("utf-8")
    said = "A terceira é de um irmão de ninhada; as outras, do cão perdido."
    assert said in portuguese.read_text("utf-8")


def test_the_installed_wheel_runs_from_another_folder(bare, tmp_path):
    # By its python: the first line of the script names the one that ran pip.
    command, how = [bare / "python", bare / "vitsim"], {"capture_output": True, "text": True}
    ended = subprocess.run([*command, "--version"], cwd=tmp_path, **how)
    assert (ended.returncode, ended.stdout) == (0, f"vitsim {PROJECT['version']}\n"), ended.stderr
    photo = ROOT / "data" / "pets" / "photos" / "dog_001" / "dog_001_01.jpg"
    ended = subprocess.run([*command, "match", photo, "--json"], cwd=tmp_path, **how)
    first = json.loads(ended.stdout)["matches"][0]
    assert first["label"] == "dog_001" and first["score"] == pytest.approx(1, abs=1e-3)
    assert Path(first["path"]).is_relative_to(bare.parent)


def test_the_installed_wheel_finds_its_own_data(bare, tmp_path):
    program = (
        "import vitsim, vitsim.files as f; from vitsim.datasets import pets; t = pets();"
        "from pathlib import Path; print(vitsim.__file__); print(f.data_folder());"
        "print(len(t), all(Path(p).is_file() for p in t['photo']))"
    )
    command = [bare / "python", "-c", program]
    ended = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert ended.returncode == 0, ended.stderr
    code, data, photos = ended.stdout.splitlines()
    assert Path(code).is_relative_to(bare.parent) and Path(data).is_relative_to(bare.parent)
    assert int(photos.split()[0]) > 0 and photos.endswith("True")


def test_the_tools_can_be_imported():
    """All but the fuzzer, which needs its library. What they share is renamed now and then."""
    names = [path.stem for path in sorted((ROOT / "tools").glob("*.py"))]
    names.remove("fuzz_photos")
    program = f"import sys; sys.path.insert(0, 'tools'); import {', '.join(names)}"
    subprocess.run([sys.executable, "-c", program], cwd=ROOT, check=True)
