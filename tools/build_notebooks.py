"""Build the lessons: one text in notebooks/source, two executed notebooks (en/ and pt/).

    python tools/build_notebooks.py            # every lesson
    python tools/build_notebooks.py 01 04      # these
    python tools/build_notebooks.py --check    # write nothing; exit 1 and say what is not in order

A source is a jupytext percent file. Its header names the Portuguese notebook:

    # ---
    # jupyter:
    #   vitsim: {pt: 01_preprocessamento}
    # ---

Code cells belong to both languages. A Markdown cell marked lang="en" is followed by its twin
marked lang="pt". The builder adds the line with the other language and "Open in Colab" under the
title, and writes the project's address, from pyproject.toml, in place of {{repository}}, and the
notebook's language in place of {{language}}.

A rebuild without a change gives no difference: ids come from the contents, metadata is fixed,
nothing of the machine is kept, and a stored figure stays when the new one looks the same.
"""

import argparse
import hashlib
import os
import re
import sys
import tomllib
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import jupytext
import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError
from notebook_figures import KINDS, TOLERANCE, difference, pictures, slim

from vitsim.files import atomic

ROOT = Path(__file__).parents[1]
LANGUAGES = ("en", "pt")
OTHER = {"en": "Português", "pt": "English"}  # how each notebook calls its twin
MARKS = ("lang", "tags", "cellView", "jupyter")  # what a cell's metadata may hold
IGNORED = "nbval-ignore-output"  # for a cell that only loads: nothing of it is stored
KEPT = ("text/plain", "text/html", "text/markdown", "text/latex", "image/svg+xml", *KINDS)
METADATA = {
    "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}


class SourceError(Exception):
    """A mistake in a lesson's source: file, cell, what to do."""


@dataclass(frozen=True)
class Lesson:
    """One source and the two notebooks that are built from it."""

    source: Path
    names: dict[str, str]  # language → file name without its ending

    @classmethod
    def read(cls, source: Path) -> "Lesson":
        header = jupytext.read(source, fmt="py:percent").metadata.get("vitsim", {})
        if "pt" not in header:
            raise SourceError(f"{source.name}: the header lacks `vitsim: {{pt: file_name}}`")
        return cls(source, {"en": source.stem, "pt": header["pt"]})

    def path(self, lang: str) -> Path:
        return self.source.parents[1] / lang / f"{self.names[lang]}.ipynb"

    def assemble(self, lang: str) -> nbformat.NotebookNode:
        """The notebook of one language, not executed."""
        cells = jupytext.read(self.source, fmt="py:percent").cells
        problems = unpaired(self.source.name, cells)
        if problems:
            raise SourceError("\n".join(problems))
        kept = [cell for cell in cells if cell.metadata.get("lang", lang) == lang]
        if not kept or kept[0].cell_type != "markdown" or not kept[0].source.startswith("# "):
            raise SourceError(f"{self.source.name}: the first cell must be Markdown with the title")
        kept[0].source = self._with_banner(kept[0].source, lang)
        seen: dict[str, int] = {}
        for cell in kept:
            cell.metadata = {key: cell.metadata[key] for key in MARKS if key in cell.metadata}
            cell.source = cell.source.replace("{{repository}}", repository())
            cell.source = cell.source.replace("{{language}}", lang)
            cell.id = _identity(self.source.stem, cell, seen)
        return nbformat.v4.new_notebook(cells=kept, metadata=METADATA)

    def _with_banner(self, text: str, lang: str) -> str:
        (twin,) = [other for other in LANGUAGES if other != lang]
        address = repository().replace("https://github.com/", "")
        colab = f"https://colab.research.google.com/github/{address}/blob/main/notebooks"
        badge = "https://colab.research.google.com/assets/colab-badge.svg"
        banner = (
            f"[{OTHER[lang]}](../{twin}/{self.names[twin]}.ipynb) · "
            f"[![Open in Colab]({badge})]({colab}/{lang}/{self.names[lang]}.ipynb)"
        )
        title, _, rest = text.partition("\n")
        return f"{title}\n\n{banner}\n\n{rest.strip()}".strip()


def repository() -> str:
    """The project's address; pyproject.toml is the only place that holds it."""
    with open(ROOT / "pyproject.toml", "rb") as file:
        return tomllib.load(file)["project"]["urls"]["Repository"].rstrip("/")


def unpaired(name: str, cells: list) -> list[str]:
    """Markdown cells that lack a language or their twin, one line each."""
    problems, waiting = [], None
    for number, cell in enumerate(cells, 1):
        lang = cell.metadata.get("lang")
        if waiting and (cell.cell_type != "markdown" or lang != "pt"):
            problems.append(f'{name}, cell {waiting}: add its twin, lang="pt", right after it')
            waiting = None
        elif lang == "pt" and not waiting:
            problems.append(f'{name}, cell {number}: add its twin, lang="en", right before it')
        elif cell.cell_type == "markdown" and lang not in LANGUAGES:
            problems.append(f'{name}, cell {number}: mark this Markdown lang="en" or lang="pt"')
        elif cell.cell_type == "code" and lang:
            problems.append(f"{name}, cell {number}: code is for both languages; remove lang")
        else:
            waiting = None
        if lang == "en":
            waiting = number
    if waiting:
        problems.append(f'{name}, cell {waiting}: add its twin, lang="pt", right after it')
    return problems


def _identity(lesson: str, cell, seen: dict[str, int]) -> str:
    digest = hashlib.sha256(f"{cell.cell_type}\n{cell.source}".encode()).hexdigest()[:10]
    seen[digest] = seen.get(digest, 0) + 1
    again = f"-{seen[digest]}" if seen[digest] > 1 else ""
    return f"{lesson[:2]}-{digest}{again}"


def execute(notebook: nbformat.NotebookNode, folder: Path) -> nbformat.NotebookNode:
    """Run every cell in `folder` and clean what came out. Raises `CellExecutionError`."""
    folder.mkdir(parents=True, exist_ok=True)
    where = {"metadata": {"path": str(folder)}}
    NotebookClient(notebook, timeout=600, resources=where, record_timing=False).execute()
    notebook.metadata = nbformat.from_dict(METADATA)
    for cell in notebook.cells:
        if cell.cell_type == "code":
            loads = IGNORED in cell.metadata.get("tags", [])  # libraries say this and that
            cell.outputs = [] if loads else _cleaned(cell.outputs)
    return notebook


def _cleaned(outputs: list) -> list:
    """Streams in one piece, no widgets, no metadata, small pictures."""
    kept: list = []
    for output in outputs:
        if "data" in output:
            output.metadata = {}
            output.data = slim({kind: output.data[kind] for kind in output.data if kind in KEPT})
            if not output.data:
                continue
        joins = output.output_type == "stream" and kept and kept[-1].get("name") == output.name
        if joins:
            kept[-1].text += output.text
        else:
            kept.append(output)
    return kept


def keep_figures(new: nbformat.NotebookNode, stored: nbformat.NotebookNode) -> None:
    """Give cells of `new` the figures that are stored where these look the same."""
    before = {cell.id: cell.outputs for cell in stored.cells if cell.cell_type == "code"}
    for cell in new.cells:
        mine = [one for one in cell.get("outputs", []) if pictures([one])]
        theirs = [one for one in before.get(cell.id, []) if pictures([one])]
        for now, old in zip(mine, theirs, strict=False):
            if difference(pictures([now])[0], pictures([old])[0]) <= TOLERANCE:
                rest = {kind: now.data[kind] for kind in now.data if kind not in KINDS}
                now.data = rest | {kind: old.data[kind] for kind in KINDS if kind in old.data}


def build(lesson: Lesson, lang: str) -> str:
    """Assemble, execute and write one notebook; what was done, in a line."""
    path = lesson.path(lang)
    try:
        notebook = execute(lesson.assemble(lang), path.parent)
    except CellExecutionError as error:
        report = re.sub(r"\x1b\[[0-9;]*m", "", str(error)).strip()
        raise SourceError(f"{lang}/{path.name} is not built. {report}") from error
    with suppress(FileNotFoundError, ValueError, nbformat.ValidationError):  # new, or damaged
        keep_figures(notebook, nbformat.read(path, as_version=4))
    text = nbformat.writes(notebook) + "\n"
    if path.is_file() and path.read_bytes() == text.encode():
        return f"{lang}/{path.name}: no change"
    with atomic(path) as unfinished:
        unfinished.write_text(text, encoding="utf-8")
    return f"{lang}/{path.name}: written, {len(text) / 1e6:.2f} MB"


def lessons(folder: Path, numbers: list[str] = ()) -> list[Lesson]:
    """The lessons of a `notebooks` folder, in order; with `numbers`, those that begin so."""
    sources = sorted((folder / "source").glob("[0-9][0-9]_*.py"))
    wanted = [one for one in sources if not numbers or one.name.startswith(tuple(numbers))]
    if not wanted:
        raise SourceError(f"no lesson in {folder / 'source'} begins with {' or '.join(numbers)}")
    return [Lesson.read(source) for source in wanted]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("numbers", nargs="*", help="lessons, by the start of their names; or all")
    parser.add_argument("--check", action="store_true", help="write nothing, say what is wrong")
    parser.add_argument("--folder", type=Path, default=ROOT / "notebooks", help="the notebooks")
    parser.add_argument("--jobs", type=int, default=2, help="notebooks built at the same time")
    options = parser.parse_args()
    os.environ.pop("VITSIM_LANG", None)  # each notebook speaks the language of its folder
    try:
        chosen = lessons(options.folder, options.numbers)
        if options.check:
            from check_notebooks import all_problems

            problems = [line for lesson in chosen for line in all_problems(lesson)]
            print("\n".join(problems) or f"{len(chosen)} lessons in order")
            return int(bool(problems))
        pool = ThreadPoolExecutor(max(1, options.jobs))
        try:
            for run in [pool.submit(build, one, lang) for one in chosen for lang in LANGUAGES]:
                print(run.result(), flush=True)
        finally:
            pool.shutdown(wait=False, cancel_futures=True)
    except SourceError as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("interrupted; what was written stays", file=sys.stderr, flush=True)
        os._exit(130)  # before the notebooks at work are done: their kernels end with it
    return 0


if __name__ == "__main__":
    sys.exit(main())
