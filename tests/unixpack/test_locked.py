"""What is shipped is built from the listed packages, and the list fits pyproject.toml."""

from __future__ import annotations

import re

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from dsmpack import lock
from dsmpack.places import BUILD_REQUIREMENTS, REQUIREMENTS
from dsmpack.wheels import MACHINES, PYTHONS


def _pins(text: str) -> dict[str, str]:
    return dict(re.findall(r"^([a-z0-9-]+)==(\S+) \\$", text, re.MULTILINE))


def test_every_dependency_is_locked_at_a_version_that_fits() -> None:
    pins = _pins(REQUIREMENTS.read_text(encoding="utf-8"))
    wanted = [Requirement(text) for text in lock.dependencies()]
    assert len(wanted) >= 5
    for item in wanted:
        assert item.specifier.contains(pins[canonicalize_name(item.name)]), item


def test_every_build_tool_is_locked_at_a_version_that_fits() -> None:
    pins = _pins(BUILD_REQUIREMENTS.read_text(encoding="utf-8"))
    for item in map(Requirement, lock.BUILD_TOOLS):
        assert item.specifier.contains(pins[canonicalize_name(item.name)]), item


def test_every_locked_package_has_hashes_and_no_index_is_named() -> None:
    for file in (REQUIREMENTS, BUILD_REQUIREMENTS):
        text = file.read_text(encoding="utf-8")
        blocks = re.split(r"\n(?=[a-z])", text)[1:]
        assert len(blocks) == len(_pins(text))
        for block in blocks:
            assert re.fullmatch(r"\S+( \\\n    --hash=sha256:[0-9a-f]{64})+\n?", block), block
        assert "://" not in text


def test_the_one_compiled_for_each_python_is_locked_for_each_machine() -> None:
    text = REQUIREMENTS.read_text(encoding="utf-8")
    (cffi,) = re.findall(r"^cffi==\S+((?: \\\n    --hash=\S+)+)", text, re.MULTILINE)
    assert cffi.count("--hash=") == len(MACHINES) * len(PYTHONS)
