"""A release: what is built of a tag and of any other commit, in a clone of this repository."""

from __future__ import annotations

import hashlib
import os
import re
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest
from tests.shown import shown_only_if

from dsmpack.places import TOP, version

LIMIT_S = 900.0
URL = "https://example.org/somebody/dsmcertfix"
WITH_GIT = shown_only_if(
    subprocess.run(["git", "-C", str(TOP), "rev-parse", "HEAD"], capture_output=True, check=False).returncode
    == 0,
    "a release: this tree is no repository of ours",
)


def git(tree: Path, *words: str) -> str:
    who = ("-c", "user.name=a", "-c", "user.email=a@example.org")
    done = subprocess.run(["git", "-C", str(tree), *who, *words], capture_output=True, text=True, check=True)
    return done.stdout.strip()


def release(tree: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(tree / "scripts/release.sh"), *words],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=LIMIT_S,
        check=False,
    )


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """This commit in a repository of its own, without tags, with the environments of this tree."""
    tree = tmp_path / "clone"
    git(TOP, "clone", "--quiet", "--no-tags", "--local", str(TOP), str(tree))
    (TOP / ".cache").mkdir(exist_ok=True)
    (tree / ".cache").symlink_to(TOP / ".cache")
    return tree


@WITH_GIT
def test_a_release_is_refused_before_anything_is_built(clone: Path, tmp_path: Path) -> None:
    output = tmp_path / "out"
    wrong = [
        (("--only", "nothing"), "there is no part nothing"),
        (("--url", "http://example.org"), "begins with https://"),
        (("--url", "https://example.org/|x"), "character"),
        (("no-such-commit",), "there is no commit"),
        (("--output", str(tmp_path)), "is there already"),
        (("--nonsense",), "there is no option"),
    ]
    for words, said in wrong:
        done = release(clone, "--output", str(output), *words)
        assert done.returncode == 1 and said in done.stderr, done.stderr
    git(clone, "tag", f"v{version()}")
    done = release(clone, "--output", str(output))
    assert done.returncode == 1 and "needs --url" in done.stderr
    git(clone, "tag", "v99.0.0")
    done = release(clone, "--output", str(output), "--url", URL)
    assert done.returncode == 1 and "the source says" in done.stderr
    assert not output.exists()


@WITH_GIT
@pytest.mark.slow
def test_a_tag_gives_its_version_and_any_other_commit_says_that_it_is_none(
    clone: Path, tmp_path: Path
) -> None:
    git(clone, "tag", f"v{version()}")
    tagged = tmp_path / "tagged"
    done = release(clone, "--only", "wheel", "--url", URL, "--output", str(tagged))
    assert done.returncode == 0, done.stderr
    assert metadata(tagged)["Version"] == version()
    assert f"Project-URL: Homepage, {URL}\n" in text_of_metadata(tagged)
    require_source(tagged, clone)
    links = re.findall(r"\]\(([^)]+)\)", text_of_metadata(tagged))
    assert links and all(link.startswith("https://") for link in links)
    assert f"{URL}/raw/{git(clone, 'rev-parse', 'HEAD')}/docs/pictures/guide-80.svg" in links
    git(clone, "commit", "--allow-empty", "--quiet", "-m", "more")
    other = tmp_path / "other"
    done = release(clone, "--only", "wheel", "--output", str(other))
    assert done.returncode == 0, done.stderr
    assert re.fullmatch(rf"{re.escape(version())}\+g[0-9a-f]{{7,}}", metadata(other)["Version"])
    for directory in (tagged, other):
        lines = (directory / "SHA256SUMS").read_text(encoding="utf-8").splitlines()
        sums = {line[66:]: line[:64] for line in lines}
        assert set(sums) == {path.name for path in directory.iterdir()} - {"SHA256SUMS"}
        for name, digest in sums.items():
            assert hashlib.sha256((directory / name).read_bytes()).hexdigest() == digest
        assert {name.rpartition(".")[2] for name in sums} == {"whl", "gz", "json", "md"}


def require_source(directory: Path, clone: Path) -> None:
    """The source archive holds every file of the repository, and its tests run."""
    (archive,) = directory.glob("*.tar.gz")
    unpacked = directory.parent / "source"
    unpacked.mkdir()
    with tarfile.open(archive) as opened:
        opened.extractall(unpacked, filter="data")
    (top,) = unpacked.iterdir()
    lacking = [name for name in git(clone, "ls-files").splitlines() if not (top / name).exists()]
    assert lacking == []
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "tests/planning", "tests/ibm/test_certificate_file.py"],
        cwd=top,
        env={**os.environ, "PYTHONPATH": f"{top / 'src'}:{top / 'tests/bench/src'}"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=LIMIT_S,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-2000:]


def text_of_metadata(directory: Path) -> str:
    (wheel,) = directory.glob("*.whl")
    with zipfile.ZipFile(wheel) as opened:
        (name,) = (name for name in opened.namelist() if name.endswith(".dist-info/METADATA"))
        return opened.read(name).decode("utf-8")


def metadata(directory: Path) -> dict[str, str]:
    lines = text_of_metadata(directory).partition("\n\n")[0].splitlines()
    parts = (line.partition(": ") for line in lines)
    return {name: value for name, _, value in parts}
