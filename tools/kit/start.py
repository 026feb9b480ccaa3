"""Start here, without a network. Comece aqui, sem internet.

    python start.py            check the kit, install it into ~/vitsim-workshop, open the lessons
    python start.py verify     check every file of the kit against SHA256SUMS, and stop
    python start.py install    check and install, open nothing

Needs Python alone, of a version and on a system that the kit was made for (KIT.txt says which).
"""

import argparse
import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

if sys.version_info < (3, 11):  # noqa: UP036 (it is what the reader has)
    told = f"Python 3.11 or newer is needed; this is {sys.version.split()[0]}. / "
    sys.exit(told + "É preciso Python 3.11 ou mais novo.")

KIT = Path(__file__).resolve().parent


def damaged(kit: Path = KIT) -> list[str]:
    """Files that are missing, changed or not of the kit, a line each."""
    if not (kit / "SHA256SUMS").is_file():
        return ["SHA256SUMS: is missing / falta"]
    told = (kit / "SHA256SUMS").read_text(encoding="utf-8").splitlines()
    wanted = {name: digest for digest, _, name in (line.partition("  ") for line in told)}
    found = []
    for name, digest in wanted.items():
        path = kit / name
        if not path.is_file():
            found.append(f"{name}: is missing / falta")
            continue
        with open(path, "rb") as file:
            if hashlib.file_digest(file, "sha256").hexdigest() != digest:
                found.append(f"{name}: was changed or damaged / foi alterado ou danificado")
    stray = (
        path.name for path in (kit / "wheels").glob("*") if f"wheels/{path.name}" not in wanted
    )
    return found + [f"wheels/{name}: is not of this kit / não é deste kit" for name in stray]


def install(folder: Path) -> Path:
    """An environment, the lessons and the models in `folder`; the environment's programs."""
    programs = folder / "env" / ("Scripts" if os.name == "nt" else "bin")
    subprocess.run([sys.executable, "-m", "venv", folder / "env"], check=True)
    command = [programs / "python", "-m", "pip", "install", "--quiet", "--no-index"]
    command += ["--find-links", KIT / "wheels", "vitsim[notebooks,app]"]
    subprocess.run(command, check=True)
    for name in ("notebooks", "slides", "models"):
        if (KIT / name).is_dir() and not (folder / name).exists():  # a learner's work is kept
            part = folder / f".{name}"  # interrupted, it is not taken for the whole
            shutil.rmtree(part, ignore_errors=True)
            shutil.copytree(KIT / name, part)
            part.rename(folder / name)
    return programs


def surroundings(folder: Path) -> dict[str, str]:
    """Environment variables that let vitsim find the kit's models."""
    models = folder / "models"
    found = {"HF_HOME": models / "hub", "U2NET_HOME": models / "backgrounds"}
    return os.environ | {k: str(v) for k, v in found.items() if v.is_dir()}


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("step", nargs="?", choices=["verify", "install", "lab"], default="lab")
    parser.add_argument("--folder", type=Path, default=Path.home() / "vitsim-workshop")
    options = parser.parse_args()
    print("Checking the kit … / Conferindo o kit …", flush=True)
    if problems := damaged():
        print("\n".join(problems))
        print("Copy the kit again. / Copie o kit novamente.")
        return 1
    print("The kit is whole. / O kit está completo.", flush=True)
    if options.step == "verify":
        return 0
    print("Installing, a few minutes … / Instalando, alguns minutos …", flush=True)
    try:
        programs = install(options.folder)
    except subprocess.CalledProcessError:
        told = (KIT / "KIT.txt").read_text(encoding="utf-8")
        print(f"This Python, {sys.version.split()[0]} on {sys.platform}, is not of the kit. / "
              f"Este Python não é o do kit.\n{told}")  # fmt: skip
        return 1
    print(f"Ready / Pronto: {options.folder}", flush=True)
    if options.step == "lab":
        command = [programs / "python", "-m", "jupyter", "lab", options.folder / "notebooks"]
        return subprocess.run(command, env=surroundings(options.folder)).returncode
    return 0


if __name__ == "__main__":
    sys.exit(main())
