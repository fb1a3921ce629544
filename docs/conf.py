"""Sphinx configuration. The build does not access the network.

Two environment variables change the pages of a published build:

- ``AEANOMALY_INTERSPHINX=1`` links names of other packages to their documentation, whose inventories are downloaded;
- ``AEANOMALY_DOCS_URL=https://...`` is the address under which the versions are hosted, and shows the version switcher.
"""

import json
import os
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
    "sphinx.ext.intersphinx",
    "sphinx.ext.viewcode",
    "numpydoc",
    "sphinx_gallery.gen_gallery",
    "changelog",
    "commands",
    "mathml",
    "numbers_in_tables",
]
exclude_patterns = ["_build", "**sg_execution_times.rst"]  # times depend on the machine
templates_path = ["_templates"]
default_role = "py:obj"  # `name` in a docstring links to the object, if it is documented
autodoc_typehints = "none"
autosummary_generate = True
toc_object_entries_show_parents = "hide"
numpydoc_show_class_members = False  # `_templates/autosummary/class.rst` lists them
viewcode_line_numbers = True

intersphinx_mapping = {}
if os.environ.get("AEANOMALY_INTERSPHINX") == "1":
    intersphinx_mapping = {
        "numpy": ("https://numpy.org/doc/stable", None),
        "pandas": ("https://pandas.pydata.org/docs", None),
        "python": ("https://docs.python.org/3", None),
        "sklearn": ("https://scikit-learn.org/stable", None),
        "torch": ("https://docs.pytorch.org/docs/stable", None),
    }

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
    "show_memory": False,
    "show_signature": False,
    "abort_on_example_error": False,
    # Pages of the reference list the examples that use a name, and code of examples links to these pages.
    "backreferences_dir": "reference/generated/backreferences",
    "doc_module": ("aeanomaly",),
    "reference_url": {"aeanomaly": None},
}

html_theme = "pydata_sphinx_theme"
html_title = "aeanomaly"
html_static_path = ["_static"]
html_extra_path = ["_extra"]  # llms.txt
html_css_files = ["aeanomaly.css"]
html_show_sourcelink = False
html_sidebars = {"index": [], "start": [], "accuracy": [], "changelog": []}
html_theme_options = {
    "logo": {"text": "aeanomaly"},
    "show_prev_next": True,
    "header_links_before_dropdown": 7,
    "navigation_depth": 2,
    "footer_start": ["copyright"],
    "footer_end": [],
}

#: Address of the folder that holds one folder of pages for each version, such as ``https://.../dev``.
DOCS_URL = os.environ.get("AEANOMALY_DOCS_URL", "").rstrip("/")
if DOCS_URL:
    html_theme_options |= {
        "switcher": {"json_url": f"{DOCS_URL}/dev/_static/switcher.json", "version_match": "dev"},
        "check_switcher": False,
        "navbar_end": ["version-switcher", "theme-switcher", "navbar-icon-links"],
    }


def write_switcher(app, exception):
    """Complete the addresses in the list of versions, which are relative to the address of the pages."""
    path = Path(app.outdir) / "_static" / "switcher.json"
    if DOCS_URL and exception is None and path.exists():
        versions = json.loads((HERE / "_static" / "switcher.json").read_text(encoding="utf-8"))
        for entry in versions:
            entry["url"] = f"{DOCS_URL}/{entry['url']}"
        path.write_text(json.dumps(versions, indent=2) + "\n", encoding="utf-8")


def only_ours(app, what, name, member, skip, options):
    """Skip methods that are documented by scikit-learn."""
    module = getattr(getattr(member, "fget", member), "__module__", None) or "aeanomaly"
    return skip or not module.startswith("aeanomaly")


def setup(app):
    """Connect the event handlers."""
    app.connect("autodoc-skip-member", only_ours)
    app.connect("build-finished", write_switcher)
