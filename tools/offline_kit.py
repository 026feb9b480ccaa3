"""Make a folder with everything for a room without a network; copy it to a USB stick.

    python tools/offline_kit.py --out build/kit                      for machines like this one
    python tools/offline_kit.py --out build/kit --platform win_amd64 --platform macosx_14_0_arm64
    python tools/offline_kit.py --out build/kit --model google/vit-base-patch16-224 --model u2net

In it: wheels of vitsim and all it needs, the notebooks, the slides if they are built, the models
asked for (tiny, cutout and the Toy Pets are in vitsim's wheel), start.py, and checksums. Wheels
that are there already are not fetched again. The pins are those of constraints.txt.

`--platform` takes pip's names (win_amd64, manylinux_2_28_x86_64, macosx_14_0_arm64 …), `--python`
a version (3.11). pip decides by the machine that it runs on what a package needs, so that a kit for
another system may lack something: better make it there. On Linux, say where torch's small CPU build
is, as in the README:
PIP_EXTRA_INDEX_URL=https://download.pytorch.org/whl/cpu
"""

import argparse
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parents[1]
HERE = "this machine"
EXTRAS = "notebooks,app"
ONLY_THERE = {"win": ["colorama", "pywinpty"], "mac": ["appnope"]}  # pip asks for its own


def pip(*words: object) -> list:
    return [sys.executable, "-m", "pip", *words]


def own_wheel(wheels: Path) -> Path:
    """Build vitsim's wheel into the folder, in place of an older one."""
    for old in wheels.glob("vitsim-*.whl"):
        old.unlink()
    subprocess.run(pip("wheel", "--quiet", "--no-deps", "--wheel-dir", wheels, ROOT), check=True)
    (wheel,) = wheels.glob("vitsim-*.whl")
    return wheel


def wheels_for(platform: str, python: str, wheel: Path, wheels: Path) -> str | None:
    """Bring everything that vitsim needs on a platform; what pip said if it has not all of it."""
    wanted = ["--constraint", ROOT / "constraints.txt", f"{wheel}[{EXTRAS}]"]
    if platform == HERE:  # what has no wheel is built
        command = pip("wheel", "--quiet", "--wheel-dir", wheels, "--find-links", wheels, *wanted)
    else:
        wanted += ONLY_THERE.get(platform[:3], [])
        command = pip("download", "--quiet", "--dest", wheels, "--find-links", wheels, *wanted)
        command += ["--only-binary", ":all:", "--platform", platform, "--python-version", python]
    ended = subprocess.run(command, stderr=subprocess.PIPE, text=True)
    if ended.returncode == 0:
        return None
    errors = [line for line in ended.stderr.splitlines() if line.startswith("ERROR:")]
    return (errors or ended.stderr.splitlines())[-1]


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
            with open(path, "rb") as file:
                lines.append(f"{hashlib.file_digest(file, 'sha256').hexdigest()}  {name}\n")
    with tempfile.NamedTemporaryFile("w", dir=out, delete=False, encoding="utf-8") as file:
        file.write("".join(lines))
    os.replace(file.name, out / "SHA256SUMS")
    return len(lines)


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--out", type=Path, required=True, help="folder of the kit")
    parser.add_argument("--platform", action="append", default=[], help="beside this machine")
    parser.add_argument("--python", default="{}.{}".format(*sys.version_info), help="for those")
    parser.add_argument("--model", action="append", default=[], help="a hub id, or u2net …")
    options = parser.parse_args()
    wheels = options.out / "wheels"
    wheels.mkdir(parents=True, exist_ok=True)
    (options.out / "SHA256SUMS").unlink(missing_ok=True)  # a kit that is being made is not whole
    wheel = own_wheel(wheels)
    made, missed = [], []
    for platform in [HERE, *options.platform]:
        print(f"wheels for {platform} …", flush=True)
        problem = wheels_for(platform, options.python, wheel, wheels)
        version = "{}.{}".format(*sys.version_info) if platform == HERE else options.python
        where = f"{sys.platform}, " if platform == HERE else f"{platform}, "
        (missed if problem else made).append(where + f"Python {version}")
        if problem:
            print(f"  not in the kit: {problem}", file=sys.stderr)
    if options.model:
        models_into(options.out / "models", options.model)
    copy_lessons(options.out)
    text = "This kit is for / Este kit é para:\n" + "".join(f"- {one}\n" for one in made)
    text += "\n1. python start.py verify\n2. python start.py\n"
    (options.out / "KIT.txt").write_text(text, encoding="utf-8")
    count = write_sums(options.out)
    size = sum(path.stat().st_size for path in options.out.rglob("*") if path.is_file())
    print(f"{options.out}: {count} files, {size / 1e6:.0f} MB. Next: python start.py verify there")
    return int(bool(missed))


if __name__ == "__main__":
    sys.exit(main())
