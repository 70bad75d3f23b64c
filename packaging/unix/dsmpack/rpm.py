"""The rpm package. It needs nothing but the C library."""

from __future__ import annotations

import shutil
import tempfile
from datetime import datetime, timezone
from pathlib import Path

from dsmpack import onedir, tree
from dsmpack.places import CACHE, NAME, UNIX, epoch, run, version


def build(output: Path, revision: str) -> Path:
    """The package is in `output`."""
    with tempfile.TemporaryDirectory(dir=CACHE) as scratch:
        root = Path(scratch, "root")
        tree.make(root, zsh=f"zsh/site-functions/_{NAME}", licences=f"licenses/{NAME}/LICENSE")
        major, minor = onedir.glibc(root)
        spec = (UNIX / "package/dsmcertfix.spec").read_text(encoding="utf-8")
        for name, value in {
            "VERSION": version(),
            "REVISION": revision,
            "SUMMARY": tree.SUMMARY[0].upper() + tree.SUMMARY[1:],
            "DESCRIPTION": tree.DESCRIPTION,
            "GLIBC": f"{major}.{minor}",
            "URL": tree.homepage(),
            "PACKAGER": tree.MAINTAINER,
            "DAY": datetime.fromtimestamp(epoch(), timezone.utc).strftime("%a %b %d %Y"),
            "PAYLOAD": str(root),
            "MAKE_STATE_DIRECTORY": tree.state_directory_script(),
        }.items():
            spec = spec.replace(f"@{name}@", value)
        written = Path(scratch, "dsmcertfix.spec")
        written.write_text(spec, encoding="utf-8")
        settings = {
            "_topdir": scratch,
            # The same bytes again: no time and no name of the builder's.
            "_buildhost": "reproducible",
            "use_source_date_epoch_as_buildtime": "1",
            "clamp_mtime_to_source_date_epoch": "1",
        }
        defined = [word for item in settings.items() for word in ("--define", " ".join(item))]
        run("rpmbuild", "-bb", "--quiet", "--target", onedir.machine(), *defined, written)
        (made,) = Path(scratch, "RPMS").rglob("*.rpm")
        return Path(shutil.move(made, output / made.name))
