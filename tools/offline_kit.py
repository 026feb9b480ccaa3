"""Make a folder with everything for a room without a network; copy it to a USB stick.

    python tools/offline_kit.py --out build/kit                      for machines like this one
    python tools/offline_kit.py --out build/kit --system windows --system macos --python 3.12
    python tools/offline_kit.py --out build/kit --model google/vit-base-patch16-224 --model u2net

In it: wheels of vitsim and all it needs, the notebooks, the slides if they are built, the models
asked for (tiny, cutout and the Toy Pets are in vitsim's wheel), start.py, and checksums. Wheels
that are there already are not fetched again. The pins are those of constraints.txt.

`--system` adds Windows (64 bits) or macOS (14 or newer, Apple silicon), `--python` says for which
versions: this one's by default. What these need is reckoned by uv: pip install uv. A kit for Linux
is made on Linux; say where torch's small CPU build is, as in the README:
PIP_EXTRA_INDEX_URL=https://download.pytorch.org/whl/cpu
"""

import argparse
import importlib.util
import itertools
import os
import shutil
import subprocess
import sys
import tempfile
from functools import partial
from pathlib import Path

from vitsim.files import atomic, sha256

ROOT = Path(__file__).parents[1]
EXTRAS = ["notebooks", "app"]
SYSTEMS = {"windows": "win_amd64", "macos": "macosx_14_0_arm64"}  # as pip calls them
OURS = "{}.{}".format(*sys.version_info)


def pip(*words: object) -> list:
    return [sys.executable, "-m", "pip", *words]


def own_wheel(wheels: Path) -> Path:
    """Build vitsim's wheel into the folder, in place of an older one."""
    for old in wheels.glob("vitsim-*.whl"):
        old.unlink()
    subprocess.run(pip("wheel", "--quiet", "--no-deps", "--wheel-dir", wheels, ROOT), check=True)
    (wheel,) = wheels.glob("vitsim-*.whl")
    return wheel


def wheels_for_this_machine(wheel: Path, wheels: Path) -> str | None:
    """Bring everything that vitsim needs here; what pip said if it has not all of it."""
    command = pip("wheel", "--quiet", "--wheel-dir", wheels, "--find-links", wheels)
    command += ["--constraint", ROOT / "constraints.txt", f"{wheel}[{','.join(EXTRAS)}]"]
    return complaint(command)  # what has no wheel is built


def wheels_for(system: str, python: str, wheels: Path) -> str | None:
    """The same for another system: pip would ask its own for what is needed, so uv says it."""
    with tempfile.TemporaryDirectory() as folder:
        needed = Path(folder) / "needed.txt"
        command = [sys.executable, "-m", "uv", "pip", "compile", "--quiet", ROOT / "pyproject.toml"]
        command += [word for extra in EXTRAS for word in ("--extra", extra)]
        command += ["--constraint", ROOT / "constraints.txt", "--output-file", needed]
        command += ["--python-platform", system, "--python-version", python]
        if problem := complaint(command, MACOSX_DEPLOYMENT_TARGET="14.0"):
            return problem
        command = pip("download", "--quiet", "--dest", wheels, "--find-links", wheels, "--no-deps")
        command += ["--only-binary", ":all:", "--platform", SYSTEMS[system]]
        return complaint([*command, "--python-version", python, "--requirement", needed])


def complaint(command: list, **settings: str) -> str | None:
    """Run it; what says why it failed, if it did."""
    how = {"stderr": subprocess.PIPE, "text": True, "env": os.environ | settings}
    ended = subprocess.run(command, **how)
    if ended.returncode == 0:
        return None
    lines = ended.stderr.splitlines() or [f"ended with {ended.returncode}, without a word"]
    first = next((n for n, line in enumerate(lines) if line.lower().startswith("error:")), -1)
    return " ".join(line.strip() for line in lines[first:][:2])  # uv's cause is in the next line


def models_into(folder: Path, names: list[str]) -> None:
    """Bring models of the hub and background removers, with vitsim's own download."""
    places = {"HF_HOME": folder / "hub", "U2NET_HOME": folder / "backgrounds"}
    for place in places.values():
        place.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "-c", "from vitsim.cli import main; main()", "download", *names]
    subprocess.run(command, env=os.environ | {k: str(v) for k, v in places.items()}, check=True)


def copy_lessons(out: Path) -> None:
    """The notebooks and the built slides, new each time."""
    unwanted = shutil.ignore_patterns(".ipynb_checkpoints", "source", "doctrees", ".*")
    for name, source in (("notebooks", ROOT / "notebooks"), ("slides", ROOT / "build" / "slides")):
        shutil.rmtree(out / name, ignore_errors=True)
        if source.is_dir():
            shutil.copytree(source, out / name, ignore=unwanted)
    shutil.copyfile(ROOT / "tools" / "kit" / "start.py", out / "start.py")


def write_sums(out: Path) -> int:
    """SHA256SUMS over every file, as sha256sum writes it; their number. Written last, at once."""
    lines = []
    for path in sorted(path for path in out.rglob("*") if path.is_file()):
        name = path.relative_to(out).as_posix()
        if name != "SHA256SUMS":
            lines.append(f"{sha256(path)}  {name}\n")
    with atomic(out / "SHA256SUMS") as unfinished:
        unfinished.write_text("".join(lines), encoding="utf-8")
    return len(lines)


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--out", type=Path, required=True, help="folder of the kit")
    parser.add_argument("--system", action="append", choices=SYSTEMS, default=[])
    parser.add_argument("--python", action="append", help=f"for those ({OURS})")
    parser.add_argument("--model", action="append", default=[], help="a hub id, or u2net …")
    options = parser.parse_args()
    if options.python and not options.system:
        parser.error("--python goes with --system: for this machine it is the one that runs")
    if options.system and not importlib.util.find_spec("uv"):
        parser.error("--system needs uv: pip install uv")
    wheels = options.out / "wheels"
    wheels.mkdir(parents=True, exist_ok=True)
    (options.out / "SHA256SUMS").unlink(missing_ok=True)  # a kit that is being made is not whole
    wheel = own_wheel(wheels)
    wanted = {f"{sys.platform}, Python {OURS}": lambda: wheels_for_this_machine(wheel, wheels)}
    for one in itertools.product(options.system, options.python or [OURS]):
        wanted["{}, Python {}".format(*one)] = partial(wheels_for, *one, wheels)
    made = []
    for name, bring in wanted.items():
        print(f"wheels for {name} …", flush=True)
        if problem := bring():
            print(f"  not in the kit: {problem}", file=sys.stderr)
        else:
            made.append(name)
    if options.model:
        models_into(options.out / "models", options.model)
    copy_lessons(options.out)
    text = "This kit is for / Este kit é para:\n" + "".join(f"- {one}\n" for one in made)
    text += "\n1. python start.py verify\n2. python start.py\n"
    (options.out / "KIT.txt").write_text(text, encoding="utf-8")
    count = write_sums(options.out)
    size = sum(path.stat().st_size for path in options.out.rglob("*") if path.is_file())
    print(f"{options.out}: {count} files, {size / 1e6:.0f} MB. Next: python start.py verify there")
    return int(len(made) < len(wanted))


if __name__ == "__main__":
    sys.exit(main())
