"""What must hold for every lesson. Each check gives lines that say where and what to do.

`python tools/build_notebooks.py --check` prints them; tests/test_notebooks.py wants none.
Outputs are compared by nbval, and figures beside it: see conftest.py.
"""

import ast
import re
from pathlib import Path
from urllib.parse import unquote, urlsplit

import jupytext
import nbformat
import numpy as np
from build_notebooks import IGNORED, LANGUAGES, Lesson, SourceError, unpaired
from notebook_figures import pictures

CODE_LINES, CODE_CELLS, WORDS, MEGABYTES, EXERCISES = 15, 30, 1200, 2.0, 3
HEADING = 70  # letters: a longer one has swallowed its paragraph
INK = 0.02  # share of a figure that is not its commonest colour; less is blank
BUILD = "run `make notebooks` and commit what it writes"
MACHINE = re.compile(r"0x[0-9a-f]{6,}|/(?:home|root|Users|tmp|var)/|[A-Z]:\\|site-packages")
LINK = re.compile(r"\]\(\s*<?([^)\s>]+)|(?:href|src)=[\"']([^\"']+)")


def all_problems(lesson: Lesson) -> list[str]:
    """Everything that is not in order with one lesson, source and both notebooks."""
    problems = twins(lesson)
    if problems:  # nothing can be assembled
        return problems
    stored = {}
    for lang in LANGUAGES:
        if not lesson.path(lang).is_file():
            problems.append(f"{where(lesson, lang)} is missing: {BUILD}")
            continue
        stored[lang] = nbformat.read(lesson.path(lang), as_version=4)
        problems += [line for check in PER_NOTEBOOK for line in check(lesson, lang, stored[lang])]
    if len(stored) == len(LANGUAGES):
        problems += same_code(lesson, stored)
    return problems


def where(lesson: Lesson, lang: str, cell: int | str | None = None) -> str:
    """How a problem begins: `pt/01_preprocessamento.ipynb, cell 7`."""
    file = f"{lang}/{lesson.path(lang).name}"
    return file if cell is None else f"{file}, cell {cell}"


def _code(notebook) -> list[tuple[int, nbformat.NotebookNode]]:
    return [(n, cell) for n, cell in enumerate(notebook.cells, 1) if cell.cell_type == "code"]


def _tagged(notebook, tag: str) -> list[tuple[int, nbformat.NotebookNode]]:
    return [(n, cell) for n, cell in _code(notebook) if tag in cell.metadata.get("tags", [])]


def _text(cell) -> str:
    """All text that a cell put out."""
    parts = [output.get("text", "") for output in cell.outputs]
    parts += [str(output.get("data", {}).get("text/plain", "")) for output in cell.outputs]
    return "\n".join(parts)


def twins(lesson: Lesson) -> list[str]:
    """Every Markdown cell has its twin in the other language right beside it."""
    return unpaired(lesson.source.name, jupytext.read(lesson.source, fmt="py:percent").cells)


def built_from_source(lesson: Lesson, lang: str, notebook) -> list[str]:
    """The stored notebook says what its source says, cell by cell."""
    try:
        fresh = lesson.assemble(lang).cells
    except SourceError as error:
        return [str(error)]
    if len(fresh) != len(notebook.cells):
        counts = f"{len(notebook.cells)} cells, its source {len(fresh)}"
        return [f"{where(lesson, lang)} has {counts}: {BUILD}"]
    same = ("cell_type", "source", "id", "metadata")
    pairs = enumerate(zip(notebook.cells, fresh, strict=True), 1)
    changed = [n for n, (cell, new) in pairs if any(cell.get(key) != new.get(key) for key in same)]
    cells = ", ".join(map(str, changed))
    wish = f"not as in {lesson.source.name}; edit the source, then {BUILD}"
    return [f"{where(lesson, lang, cells)}: {wish}"] if changed else []


def executed(lesson: Lesson, lang: str, notebook) -> list[str]:
    """Every code cell was run, in order, and nothing failed or warned."""
    problems = []
    for order, (n, cell) in enumerate(_code(notebook), 1):
        place = where(lesson, lang, n)
        if cell.execution_count != order:
            problems.append(f"{place} was not run in order: {BUILD}")
        kinds = {output.output_type for output in cell.outputs}
        if "error" in kinds:
            problems.append(f"{place} stores an error: mend the cell, then {BUILD}")
        if any(output.get("name") == "stderr" for output in cell.outputs):
            problems.append(f"{place} prints to stderr: remove the warning or the progress bar")
    if not any(cell.outputs for _, cell in _code(notebook)):
        problems.append(f"{where(lesson, lang)} stores no output: {BUILD}")
    return problems


def looked_at(lesson: Lesson, lang: str, notebook) -> list[str]:
    """Every code cell shows something; only one that loads a library is exempt from nbval."""
    problems = [
        f"{where(lesson, lang, n)} shows nothing: print or show its result"
        for n, cell in _code(notebook)
        if not cell.outputs and IGNORED not in cell.metadata.get("tags", [])
    ]
    ignored = [n for n, _ in _tagged(notebook, IGNORED)]
    if len(ignored) > 1:
        problems.append(f"{where(lesson, lang, ignored[1])}: one cell may be `{IGNORED}`, not two")
    marked = [n for n, cell in _code(notebook) if "NBVAL_" in cell.source]
    problems += [f"{where(lesson, lang, n)}: remove the mark NBVAL_…" for n in marked]
    return problems


def same_code(lesson: Lesson, stored: dict) -> list[str]:
    """Code cells are the same in both languages, but for the line that names it."""
    first, second = (_code(stored[lang]) for lang in LANGUAGES)
    if len(first) != len(second):
        return [f"{lesson.source.name}: {len(first)} and {len(second)} code cells: {BUILD}"]
    return [
        f"{where(lesson, 'en', n)} and {where(lesson, 'pt', m)} hold different code: {BUILD}"
        for (n, one), (m, other) in zip(first, second, strict=True)
        if one.source.replace("VITSIM_LANG=en", "VITSIM_LANG=pt") != other.source
    ]


def of_the_machine(lesson: Lesson, lang: str, notebook) -> list[str]:
    """No output names a memory address or a folder of the machine that built it."""
    found = [(n, MACHINE.search(_text(cell))) for n, cell in _code(notebook)]
    return [
        f"{where(lesson, lang, n)} prints {hit.group()!r}, which differs elsewhere: print less"
        for n, hit in found
        if hit
    ]


def links(lesson: Lesson, lang: str, notebook) -> list[str]:
    """Relative links and images lead to a file, `#` to a heading; others are well formed."""
    texts = [(n, c.source) for n, c in enumerate(notebook.cells, 1) if c.cell_type == "markdown"]
    titles = [title for _, text in texts for title in re.findall(r"^#+ +(.+)$", text, re.M)]
    anchors = {title.strip().replace(" ", "-") for title in titles}
    folder = lesson.path(lang).parent
    return [
        f"{where(lesson, lang, n)} links to {target!r}, which leads nowhere: mend the link"
        for n, text in texts
        for target in map("".join, LINK.findall(text))
        if not _leads_somewhere(target, folder, anchors)
    ]


def _leads_somewhere(target: str, folder: Path, anchors: set[str]) -> bool:
    parts = urlsplit(target)
    if parts.scheme:
        return parts.scheme in ("http", "https") and "." in parts.netloc
    if not parts.path:
        return unquote(parts.fragment) in anchors
    return (folder / unquote(parts.path)).exists()


def sizes(lesson: Lesson, lang: str, notebook) -> list[str]:
    """Short cells and headings, few cells, few words, a small file."""
    place, problems = where(lesson, lang), []
    for n, cell in _code(notebook):
        lines = sum(bool(re.match(r"\s*[^\s%]", line)) for line in cell.source.splitlines())
        if lines > CODE_LINES:
            problems.append(f"{where(lesson, lang, n)} has {lines} lines: at most {CODE_LINES}")
    for n, cell in enumerate(notebook.cells, 1):
        if cell.cell_type == "markdown" and re.search(rf"^#+ .{{{HEADING},}}", cell.source, re.M):
            problems.append(f"{where(lesson, lang, n)} has a long heading: break its line")
    if len(_code(notebook)) > CODE_CELLS:
        problems.append(f"{place} has {len(_code(notebook))} code cells: at most {CODE_CELLS}")
    if words(notebook) > WORDS:
        problems.append(f"{place} has {words(notebook)} words: at most {WORDS}")
    megabytes = lesson.path(lang).stat().st_size / 1e6
    if megabytes > MEGABYTES:
        problems.append(f"{place} has {megabytes:.1f} MB: at most {MEGABYTES}; show fewer photos")
    return problems


def words(notebook) -> int:
    """Words of prose: not code, numbers, HTML tags, nor the addresses of links."""
    prose = "\n".join(cell.source for cell in notebook.cells if cell.cell_type == "markdown")
    prose = re.sub(r"`[^`]*`|\]\([^)]*\)|<[^>]+>", " ", prose)
    return len(re.findall(r"[^\W\d_][\w'’-]*", prose))


def exercises(lesson: Lesson, lang: str, notebook) -> list[str]:
    """Three exercises at least, each with starter, hint and a folded solution that was right."""
    place, problems = where(lesson, lang), []
    starters, solutions = _tagged(notebook, "exercise"), _tagged(notebook, "solution")
    if len(starters) < EXERCISES or len(starters) != len(solutions):
        counts = f"{len(starters)} cells tagged `exercise` and {len(solutions)} tagged `solution`"
        problems.append(f"{place} has {counts}: at least {EXERCISES}, as many of each")
    for n, cell in starters:
        if "✓" in _text(cell) or not re.search("[…✗] ", _text(cell)):
            wish = "end a starter with a `check` that is not right yet"
            problems.append(f"{where(lesson, lang, n)}: {wish}")
    for (start, _), (n, cell) in zip(starters, solutions, strict=False):
        place = where(lesson, lang, n)
        between = "\n".join(one.source for one in notebook.cells[start : n - 1])
        if "<details>" not in between:
            problems.append(f"{place}: put a folded hint (<details>) between starter and solution")
        folded = cell.metadata.get("jupyter", {})
        folded = folded.get("source_hidden") and folded.get("outputs_hidden")
        if not folded or cell.metadata.get("cellView") != "form":
            marks = 'cellView="form" jupyter={"source_hidden": true, "outputs_hidden": true}'
            problems.append(f"{place}: fold the solution with {marks}")
        if "✓" not in _text(cell) or "✗" in _text(cell):
            problems.append(f"{place}: the solution must run and end with a `check` that says ✓")
    return problems


def without_solutions(lesson: Lesson, lang: str, notebook) -> list[str]:
    """Who leaves the folded solutions alone can go on: no other cell needs a name of theirs."""
    solutions, known, theirs, problems = dict(_tagged(notebook, "solution")), set(), set(), []
    for n, cell in _code(notebook):
        nodes = list(ast.walk(ast.parse(re.sub("(?m)^ *%.*$", "", cell.source))))
        names = [node for node in nodes if isinstance(node, ast.Name)]
        made = {node.name for node in nodes if isinstance(node, ast.FunctionDef | ast.ClassDef)}
        made |= {name.id for name in names if isinstance(name.ctx, ast.Store)}
        made |= {
            one.asname or one.name.split(".")[0] for one in nodes if isinstance(one, ast.alias)
        }
        if n in solutions:
            theirs |= made - known
            continue
        known |= made
        for name in sorted({name.id for name in names} & theirs - known):
            problems.append(
                f"{where(lesson, lang, n)} needs `{name}` of a folded solution: make it"
            )
    return problems


def drawn(lesson: Lesson, lang: str, notebook) -> list[str]:
    """No figure is stored blank."""
    return [
        f"{where(lesson, lang, n)} stores a blank figure: look at it, mend the cell, then {BUILD}"
        for n, cell in _code(notebook)
        for picture in pictures(cell.outputs)
        if _ink(picture) < INK
    ]


def _ink(picture) -> float:
    """The share of pixels that are not, nearly, of the commonest colour."""
    grey = np.asarray(picture.convert("L")).astype(int)
    commonest = np.bincount(grey.ravel()).argmax()
    return float((abs(grey - commonest) > 8).mean())


PER_NOTEBOOK = (
    built_from_source,
    executed,
    looked_at,
    of_the_machine,
    links,
    sizes,
    exercises,
    without_solutions,
    drawn,
)
