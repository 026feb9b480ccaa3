"""How Sphinx turns slides/en and slides/pt into reveal.js slides that open without a network."""

import json
from pathlib import Path

from docutils import nodes
from docutils.utils.math.latex2mathml import tex2mathml

HERE = Path(__file__).parent

project = "vitsim"
extensions = ["myst_parser", "sphinx_revealjs"]
exclude_patterns = ["GUIDE*"]
myst_enable_extensions = ["colon_fence", "dollarmath", "substitution"]
# Every figure that a slide states was printed by slides/figures.py.
myst_substitutions = json.loads((HERE / "_figures" / "numbers.json").read_text(encoding="utf-8"))
suppress_warnings = ["myst.header"]
html_math_renderer = "mathml"

revealjs_html_theme = "revealjs-simple"
revealjs_style_theme = "white"
revealjs_static_path = [str(HERE / "_static")]
revealjs_css_files = ["vitsim.css"]
revealjs_script_plugins = [
    {"name": "RevealNotes", "src": "revealjs/plugin/notes/notes.js"},
    {"name": "RevealSearch", "src": "revealjs/plugin/search/search.js"},
]
revealjs_script_conf = {
    "width": 1280,
    "height": 720,
    "margin": 0.03,
    "hash": True,
    "slideNumber": "c/t",
    "transition": "none",
    "navigationMode": "linear",
    "center": False,
    "controls": False,
    "pdfSeparateFragments": False,
}


def _mathml(self, node: nodes.Element, display: str) -> None:
    self.body.append(str(tex2mathml(node.astext(), as_block=display == "block")))
    raise nodes.SkipNode


def setup(app) -> None:
    """Formulas as MathML: browsers draw it by themselves, so no script comes from elsewhere."""
    app.add_html_math_renderer(
        "mathml",
        inline_renderers=(lambda self, node: _mathml(self, node, "inline"), None),
        block_renderers=(lambda self, node: _mathml(self, node, "block"), None),
    )
