"""Sphinx's configuration: MyST Markdown; a warning is an error in `make check`."""

import sys
from importlib.metadata import version as distribution_version
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

project = "HopsLab"
author = "HopsLab contributors"
copyright = "HopsLab contributors, Apache License 2.0"  # noqa: A001 - Sphinx's name
release = version = distribution_version("hopslab")

extensions = ["myst_nb", "rest_reference"]
source_suffix = {".md": "myst-nb", ".rst": "restructuredtext"}
exclude_patterns = ["_build", "jupyter_execute"]
myst_enable_extensions = ["colon_fence", "deflist"]
myst_heading_anchors = 3
nb_execution_mode = "cache"
nb_execution_raise_on_error = True
nb_execution_timeout = 300

html_theme = "furo"
html_title = "HopsLab"
html_copy_source = False
