"""The offline kit: whole or refused, and a learner's work is never overwritten."""

import os
import runpy
import subprocess
import sys
import zipfile
from pathlib import Path

import offline_kit
import pytest
from kit import start

WHEEL = "vitsim-0.0.1-py3-none-any.whl"
METADATA = """Metadata-Version: 2.1
Name: vitsim
Version: 0.0.1
Provides-Extra: notebooks
Provides-Extra: app
"""


@pytest.fixture
def kit(tmp_path, monkeypatch) -> Path:
    """A kit with lessons and an empty package called vitsim instead of the large one."""
    out = tmp_path / "kit"
    (out / "wheels").mkdir(parents=True)
    with zipfile.ZipFile(out / "wheels" / WHEEL, "w") as wheel:
        wheel.writestr("vitsim/__init__.py", "")
        wheel.writestr("vitsim-0.0.1.dist-info/METADATA", METADATA)
        about = "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        wheel.writestr("vitsim-0.0.1.dist-info/WHEEL", about)
        wheel.writestr("vitsim-0.0.1.dist-info/RECORD", "")
    (out / "KIT.txt").write_text("This kit is for one test\n", encoding="utf-8")
    offline_kit.copy_lessons(out)
    assert offline_kit.write_sums(out) > 5
    monkeypatch.setattr(start, "KIT", out)
    return out


def run(kit: Path, *words: object, home: Path) -> subprocess.CompletedProcess:
    command = [sys.executable, kit / "start.py", *words, "--folder", home]
    outer = {k: v for k, v in os.environ.items() if not k.startswith("PYTHON")}
    return subprocess.run(command, capture_output=True, text=True, encoding="utf-8", env=outer)


def test_a_whole_kit_is_whole(kit):
    assert start.damaged(kit) == []
    assert not (kit / "notebooks" / "source").exists()
    assert (kit / "notebooks" / "pt" / "03_similaridade.ipynb").is_file()


def change(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-1] + b"~")


SPOILT = {
    "an interrupted making": (lambda kit: (kit / "SHA256SUMS").unlink(), "missing"),
    "a changed byte": (lambda kit: change(kit / "notebooks/en/03_similarity.ipynb"), "changed"),
    "a missing file": (lambda kit: (kit / "wheels" / WHEEL).unlink(), "missing"),
    "a wheel from elsewhere": (
        lambda kit: (kit / "wheels" / "torch-9-py3-none-any.whl").write_bytes(b""),
        "is not of this kit",
    ),
}  # fmt: skip


@pytest.mark.parametrize("what", SPOILT)
def test_a_damaged_kit_is_refused_and_says_which_file(kit, tmp_path, what):
    spoil, word = SPOILT[what]
    spoil(kit)
    (line,) = start.damaged(kit)
    assert word in line
    ended = run(kit, "install", home=tmp_path / "home")
    assert ended.returncode == 1 and line in ended.stdout
    assert not (tmp_path / "home").exists()


def test_it_installs_from_the_kit_alone_and_keeps_a_learners_work(kit, tmp_path):
    home = tmp_path / "home"
    (home / ".notebooks" / "half of them").mkdir(parents=True)  # interrupted
    ended = run(kit, "install", home=home)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert {path.name for path in (home / "notebooks").iterdir()} == {"en", "pt"}
    lesson = home / "notebooks" / "en" / "03_similarity.ipynb"
    lesson.write_text("my answers", encoding="utf-8")
    assert run(kit, "install", home=home).returncode == 0
    assert lesson.read_text(encoding="utf-8") == "my answers"


def test_another_python_is_told_what_the_kit_is_for(kit, tmp_path):
    wheel = kit / "wheels" / WHEEL
    wheel.rename(wheel.with_name("vitsim-0.0.1-cp27-cp27m-win32.whl"))
    offline_kit.write_sums(kit)
    ended = run(kit, "install", home=tmp_path / "home")
    assert ended.returncode == 1
    assert "is not of the kit" in ended.stdout and "This kit is for one test" in ended.stdout


def test_an_old_python_is_told_so_before_anything_else(monkeypatch):
    monkeypatch.setattr(sys, "version_info", (3, 10, 0))
    with pytest.raises(SystemExit, match=r"Python 3\.11 or newer is needed"):
        runpy.run_path(start.__file__)


def test_the_models_of_the_kit_are_found(tmp_path):
    (tmp_path / "models" / "hub").mkdir(parents=True)
    found = start.surroundings(tmp_path)
    assert found["HF_HOME"] == str(tmp_path / "models" / "hub")
    assert found.get("U2NET_HOME") == os.environ.get("U2NET_HOME")


def test_a_kit_says_for_what_it_is_and_fails_if_it_lacks_something(kit, monkeypatch, capsys):
    monkeypatch.setattr(offline_kit, "own_wheel", lambda wheels: wheels / WHEEL)
    monkeypatch.setattr(offline_kit, "wheels_for_this_machine", lambda wheel, wheels: None)
    monkeypatch.setattr(offline_kit.importlib.util, "find_spec", lambda name: True)
    lacks = lambda system, python, wheels: "no wheel" if python == "3.12" else None  # noqa: E731
    monkeypatch.setattr(offline_kit, "wheels_for", lacks)
    words = ["kit", "--out", str(kit), "--system", "windows", "--python", "3.12"]
    monkeypatch.setattr(sys, "argv", [*words, "--python", "3.13"])
    assert offline_kit.main() == 1
    assert "not in the kit: no wheel" in capsys.readouterr().err
    told = (kit / "KIT.txt").read_text(encoding="utf-8")
    assert "windows, Python 3.13" in told and "windows, Python 3.12" not in told
    assert f"{sys.platform}, Python" in told
    assert start.damaged(kit) == []


def test_another_system_needs_uv_and_says_so(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(offline_kit.importlib.util, "find_spec", lambda name: None)
    monkeypatch.setattr(sys, "argv", ["kit", "--out", str(tmp_path), "--system", "macos"])
    with pytest.raises(SystemExit):
        offline_kit.main()
    assert "pip install uv" in capsys.readouterr().err


def test_what_a_program_complains_of_is_told_in_its_own_line():
    program = "import sys; sys.exit('a warning\\nerror: no wheel\\n  cause: none\\n\\nhint')"
    assert offline_kit.complaint([sys.executable, "-c", program]) == "error: no wheel cause: none"
    assert offline_kit.complaint([sys.executable, "-c", ""]) is None
    mute = offline_kit.complaint([sys.executable, "-c", "raise SystemExit(3)"])
    assert mute == "ended with 3, without a word"
