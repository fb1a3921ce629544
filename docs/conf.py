"""Sphinx configuration. The build does not access the network."""

import shutil
import sys
from pathlib import Path

import aeanomaly

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE / "_extensions"))

project = "aeanomaly"
copyright = "The aeanomaly developers, BSD-3-Clause"
release = version = aeanomaly.__version__

extensions = [
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "numpydoc",
    "sphinx_gallery.gen_gallery",
    "mathml",
]
exclude_patterns = ["_build", "**sg_execution_times.rst"]  # times depend on the machine
templates_path = ["_templates"]
default_role = "py:obj"  # `name` in a docstring links to the object, if it is documented
autodoc_typehints = "none"
autosummary_generate = True
toc_object_entries_show_parents = "hide"
numpydoc_show_class_members = False  # `_templates/autosummary/class.rst` lists them

# Examples write files to their own folder, so copies of them are run.
EXAMPLES = HERE / "_build" / "examples"
shutil.rmtree(EXAMPLES, ignore_errors=True)
shutil.copytree(HERE.parent / "examples", EXAMPLES, ignore=shutil.ignore_patterns("*.png", "*.csv", "__pycache__"))

sphinx_gallery_conf = {
    "examples_dirs": "_build/examples",
    "gallery_dirs": "auto_examples",
    "filename_pattern": r"/\d\d_",
    "within_subsection_order": "FileNameSortKey",
    "image_scrapers": ("matplotlib",),
    "capture_repr": (),
    "remove_config_comments": True,
    "thumbnail_size": (400, 280),
    "default_thumb_file": str(HERE / "_static" / "script.svg"),  # for examples without a figure
    "show_memory": False,
    "show_signature": False,
    "abort_on_example_error": False,
}

html_theme = "pydata_sphinx_theme"
html_title = "aeanomaly"
html_static_path = ["_static"]
html_css_files = ["aeanomaly.css"]
html_show_sourcelink = False
html_sidebars = {"*": [], "reference": []}
html_theme_options = {
    "logo": {"text": "aeanomaly"},
    "show_prev_next": False,
    "header_links_before_dropdown": 9,
    "footer_start": ["copyright"],
    "footer_end": [],
}


def only_ours(app, what, name, member, skip, options):
    """Skip methods that are documented by scikit-learn."""
    module = getattr(getattr(member, "fget", member), "__module__", None) or "aeanomaly"
    return skip or not module.startswith("aeanomaly")


def setup(app):
    """Connect the event handlers."""
    app.connect("autodoc-skip-member", only_ours)
