"""Prints the bill of materials of a package, in CycloneDX 1.6: what is in it, by packaging/requirements.lock.

    python scripts/sbom.py --version 0.1.0 [--system Windows --machine AMD64] [--python-in-it 3.11.7]

The same package has the same bill: it has no random number, and the time of the build (SOURCE_DATE_EPOCH).
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import ssl
import sys
import uuid
from collections.abc import Iterable
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent))
import locked

NAMESPACE = uuid.UUID("5b1f3c3e-6f0a-5c57-9f0e-0b5a3d3e4f11")


def bill(version: str, packages: Iterable[locked.Locked], interpreter: str | None) -> dict[str, Any]:
    """The bill as JSON-ready data; `interpreter` is the version of the Python in the package, if one is."""
    components = [_package(item) for item in packages]
    if interpreter is not None:
        components += [_of_python("python", interpreter), _of_python("openssl", _openssl())]
    name = "dsmcertfix"
    subject = {
        "type": "application",
        "bom-ref": f"{name}@{version}",
        "name": name,
        "version": version,
        "licenses": [{"license": {"id": "Apache-2.0"}}],
    }
    content = json.dumps([subject, components])
    at = datetime.fromtimestamp(int(os.environ.get("SOURCE_DATE_EPOCH", "0")), timezone.utc)
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": f"urn:uuid:{uuid.uuid5(NAMESPACE, content)}",
        "version": 1,
        "metadata": {"timestamp": at.isoformat().replace("+00:00", "Z"), "component": subject},
        "components": components,
        "dependencies": [
            {"ref": subject["bom-ref"], "dependsOn": sorted(item["bom-ref"] for item in components)},
        ],
    }


def _package(item: locked.Locked) -> dict[str, Any]:
    reference = f"pkg:pypi/{item.name}@{item.version}"
    return {
        "type": "library",
        "bom-ref": reference,
        "name": item.name,
        "version": item.version,
        "purl": reference,
    }


def _of_python(name: str, version: str) -> dict[str, Any]:
    """What the Python that is in the package is, or brings."""
    reference = f"pkg:generic/{name}@{version}"
    return {
        "type": "library",
        "bom-ref": reference,
        "name": name,
        "version": version,
        "purl": reference,
    }


def _openssl() -> str:
    return ssl.OPENSSL_VERSION.split()[1]


def main() -> None:
    """Prints the bill, or writes it to a file."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--version", required=True)
    parser.add_argument("--system", default=platform.system())
    parser.add_argument("--machine", default=platform.machine())
    parser.add_argument(
        "--python-in-it", metavar="VERSION", help="the package has this Python, the one that runs"
    )
    parser.add_argument("--without", action="append", default=[], metavar="NAME", help="it is not in it")
    parser.add_argument("--output", type=Path, metavar="FILE")
    given = parser.parse_args()
    minor = f"{sys.version_info[0]}.{sys.version_info[1]}"
    packages = locked.needed(["program"], locked.target_of(minor, given.system, given.machine))
    packages = [item for item in packages if item.name not in given.without]
    text = json.dumps(bill(given.version, packages, given.python_in_it), indent=1) + "\n"
    if given.output is None:
        print(text, end="")
    else:
        given.output.write_text(text, encoding="utf-8", newline="\n")


if __name__ == "__main__":
    main()
