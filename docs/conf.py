"""How the documentation is built: `scripts/docs.sh`. Warnings are errors."""

from dsmcertfix import __version__

project = "dsmcertfix"
author = "The dsmcertfix authors"
release = version = __version__
extensions = ["myst_parser"]
html_theme = "furo"
html_title = f"dsmcertfix {__version__}"
exclude_patterns = ["_build"]
myst_heading_anchors = 3
# The pages are read on the shelf too, where links go to files beside docs/.
myst_url_schemes = ["http", "https", "mailto"]
