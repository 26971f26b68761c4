"""The documentation's site: `make docs` builds it, and any warning is an error."""

from __future__ import annotations

import re
import tomllib
from dataclasses import is_dataclass
from pathlib import Path

from docutils import nodes
from latex2mathml.converter import convert
from sphinx.application import Sphinx
from sphinx.writers.html5 import HTML5Translator

import mincache
from mincache.problem.quantity import Typed, quantities

project = "mincache"
author = "the mincache contributors"
copyright = f"2026, {author}"
release = version = mincache.__version__

URLS = tomllib.loads((Path(__file__).parents[1] / "pyproject.toml").read_text())["project"]["urls"]
ADDRESS = URLS["Homepage"]
"""Where the repository is; `<ADDRESS>` on a page becomes this."""

extensions = [
    "myst_nb",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "sphinx.ext.viewcode",
    "sphinx_copybutton",
]
html_theme = "furo"
html_title = f"mincache {version}"
html_theme_options = {"source_view_link": f"{ADDRESS}/blob/main/docs/{{filename}}"}
html_context = {"address": ADDRESS}
templates_path = ["templates"]
html_static_path = ["static"]
html_css_files = ["notebook.css"]
copybutton_prompt_text = r">>> |\.\.\. "  # of the examples in docstrings
copybutton_prompt_is_regexp = True
exclude_patterns = ["_build"]

# The tutorial is run whenever the site is built; an error in it is an error of the build.
nb_execution_mode = "force"
nb_execution_raise_on_error = True
nb_execution_timeout = 300

myst_enable_extensions = ["dollarmath"]
html_math_renderer = "mathml"
myst_heading_anchors = 3  # so that [text](page.md#heading) is checked

autodoc_member_order = "bysource"
autodoc_typehints = "description"
autodoc_typehints_description_target = "documented_params"
autodoc_class_signature = "separated"
napoleon_use_ivar = True

# One "object" in code is one backtick; Sphinx wants a role, and plain code is what is meant.
default_role = "code"

_LINK_OUT = re.compile(r"\[([^\]]+)\]\(\.\./(?!docs/)[^)]+\)")


def _name_sources(app: Sphinx, page: str, source: list[str]) -> None:
    """Fill in the address; turn links to files that the site does not hold into their names."""
    source[0] = _LINK_OUT.sub(r"\1", source[0].replace("<ADDRESS>", ADDRESS))


def _list_quantities(
    app: Sphinx, what: str, name: str, thing: object, options: object, lines: list[str]
) -> None:
    """Say of each quantity of a class what its annotation says: unit, shape, range and meaning."""
    if not (isinstance(thing, type) and issubclass(thing, Typed) and is_dataclass(thing)):
        return
    described = {line.split()[1].rstrip(":") for line in lines if line.startswith(":ivar ")}
    for field, meaning in quantities(thing).items():
        if field not in described:
            unit = "" if meaning.unit == "1" else f" in {meaning.unit}"
            allowed = f"; {meaning.range_text()}" if meaning.range_text() else ""
            shape = f"{meaning.brackets()}, " if meaning.shape else ""
            lines.append(f":ivar {field}: {shape}{meaning.about}{unit}{allowed}")


def _inline_math(writer: HTML5Translator, node: nodes.math) -> None:
    writer.body.append(convert(node.astext()))
    raise nodes.SkipNode


def _block_math(writer: HTML5Translator, node: nodes.math_block) -> None:
    writer.body.append(f'<div style="padding: 0.8em 0">{convert(node.astext(), display="block")}</div>')
    raise nodes.SkipNode


def setup(app: Sphinx) -> None:
    """Register what stands above; formulas become MathML, which a browser shows without a network."""
    app.add_html_math_renderer("mathml", (_inline_math, None), (_block_math, None))
    app.connect("source-read", _name_sources)
    app.connect("autodoc-process-docstring", _list_quantities, priority=900)  # after Google style is read
