"""The scripts for ConfigMgr and Intune, held against the consoles' rules as far as Linux can.

The rules are in docs/facts/packaging.md, sections 1.1 to 1.10; what `detect` answers is in tests/monitoring.
"""

from __future__ import annotations

import csv
import re
from pathlib import Path

import pytest
import tree_sitter
import tree_sitter_pwsh
from tests.shown import not_shown
from tests.windows_package.places import PACKAGING

from dsmcertfix.cli.formats import ChangeFormat, DetectFormat, Profile
from dsmcertfix.report.catalogue.exits import EXITS
from dsmcertfix.report.render.consoles import profiled
from dsmcertfix.report.render.summary import LIMIT

POWERSHELL = sorted(PACKAGING.rglob("*.ps1"))
BATCH = sorted(PACKAGING.rglob("*.cmd"))
CONSOLE = [file for file in POWERSHELL if "windows" not in file.parts and file.name != "add-return-codes.ps1"]
FINDING = (
    "$folder = if ($env:ProgramW6432) { $env:ProgramW6432 } else { $env:ProgramFiles }\n"
    "$program = Join-Path $folder 'dsmcertfix\\dsmcertfix.exe'\n"
)
FINDING_IN_CMD = (
    'set "program=%ProgramFiles%\\dsmcertfix\\dsmcertfix.exe"\n'
    'if defined ProgramW6432 set "program=%ProgramW6432%\\dsmcertfix\\dsmcertfix.exe"\n'
)
NO_BOM_LIMIT = 32 * 1024


def names(files: list[Path]) -> list[str]:
    return [file.relative_to(PACKAGING).as_posix() for file in files]


def text(file: Path) -> str:
    return file.read_text(encoding="ascii").replace("\r\n", "\n")


def parsed(source: str) -> tree_sitter.Node:
    language = tree_sitter.Language(tree_sitter_pwsh.language())
    return tree_sitter.Parser(language).parse(source.encode()).root_node


def of_kind(node: tree_sitter.Node, kind: str) -> list[tree_sitter.Node]:
    below = [found for child in node.children for found in of_kind(child, kind)]
    return [node, *below] if node.type == kind else below


def test_there_are_scripts_for_every_place_of_both_consoles() -> None:
    assert names(CONSOLE) == [
        "intune/app/detect.ps1",
        "intune/remediation/detect.ps1",
        "intune/remediation/remediate.ps1",
        "sccm/application/detect.ps1",
        "sccm/configuration-item/discover.ps1",
        "sccm/configuration-item/remediate.ps1",
        "sccm/run-script/run.ps1",
    ]
    assert names(BATCH) == [
        "intune/app/detect.cmd",
        "sccm/application/detect.cmd",
        "windows/content/install.cmd",
        "windows/content/repair.cmd",
    ]


@pytest.mark.parametrize("file", POWERSHELL, ids=names(POWERSHELL))
class TestPowerShell:
    def test_it_parses(self, file: Path) -> None:
        assert not parsed(text(file)).has_error

    def test_every_damage_is_noticed(self, file: Path) -> None:
        """The parser is worth its name: with one bracket less, a script does not parse."""
        source = text(file)
        places = [at for at, found in enumerate(source) if found in "{}()" and not in_text(source, at)]
        assert places
        assert all(parsed(source[:at] + source[at + 1 :]).has_error for at in places)

    def test_what_the_parser_lets_pass_is_not_there(self, file: Path) -> None:
        root = parsed(text(file))
        operators = {
            child.type for found in of_kind(root, "comparison_expression") for child in found.children
        }
        assert "==" not in text(file)
        assert "!=" not in operators
        assert not of_kind(root, "try_statement"), "a try without a catch parses, too"

    def test_it_is_ascii_with_windows_line_ends_and_small(self, file: Path) -> None:
        """So a byte order mark is neither needed (Intune's Win32 apps) nor there (signed remediations)."""
        content = file.read_bytes()
        assert content.isascii()
        assert content.count(b"\n") == content.count(b"\r\n") > 0
        assert len(content) < NO_BOM_LIMIT


@pytest.mark.parametrize("file", CONSOLE, ids=names(CONSOLE))
class TestConsoleScripts:
    def test_it_finds_the_program_calls_it_and_passes_its_answer_on(self, file: Path) -> None:
        lines = text(file).splitlines()
        assert lines[0].startswith("# ")
        assert FINDING in text(file)
        assert len(lines) <= 10
        assert lines[-2].startswith("& $program ")
        assert lines[-1] == "exit $LASTEXITCODE"
        missing = r"^if \(-not \(Test-Path -LiteralPath \$program -PathType Leaf\)\) \{.*exit \d+ \}$"
        assert re.search(missing, text(file), re.MULTILINE)

    def test_it_writes_nothing_to_standard_error_itself(self, file: Path) -> None:
        assert not re.search(r"Write-Error|throw|\[Console\]::Error|2>", text(file))

    def test_the_options_that_it_gives_are_the_programs(self, file: Path) -> None:
        formats = {
            "detect": [item.value for item in DetectFormat],
            "fix": [item.value for item in ChangeFormat],
        }
        for command, named in re.findall(r"& \$program (detect|fix).*--format ([\w-]+)", text(file)):
            assert named in formats[command]


@pytest.mark.parametrize("file", BATCH, ids=names(BATCH))
def test_a_batch_file_has_windows_line_ends_and_no_variable_of_the_callers(file: Path) -> None:
    content = file.read_bytes()
    assert content.count(b"\n") == content.count(b"\r\n") > 0
    assert content.isascii()
    assert "\nsetlocal\n" in text(file)
    if file.name != "install.cmd":
        assert FINDING_IN_CMD in text(file)


def test_the_twins_answer_as_their_scripts_do() -> None:
    for folder in ("sccm/application", "intune/app"):
        script, twin = (text(PACKAGING / folder / name) for name in ("detect.ps1", "detect.cmd"))
        called = re.search(r"& \$program (.*)", script)
        missing = re.search(r"-PathType Leaf\)\) \{ exit (\d+) \}", script)
        assert called
        assert missing
        assert f'"%program%" {called[1]}\nexit /b %errorlevel%\n' in twin
        assert f'if not exist "%program%" exit /b {missing[1]}\n' in twin


def test_without_the_program_each_console_takes_the_machine_for_what_it_is() -> None:
    """Not installed for an application (1.1, 1.10), a failed discovery (1.5), nothing to remediate (1.10)."""
    codes = {
        name: re.findall(r"exit (\d+)", text(file))[0]
        for name, file in zip(names(CONSOLE), CONSOLE, strict=True)
        if "remediate" not in name
    }
    assert codes == {
        "intune/app/detect.ps1": "1",
        "intune/remediation/detect.ps1": "10",
        "sccm/application/detect.ps1": "0",
        "sccm/configuration-item/discover.ps1": "10",
        "sccm/run-script/run.ps1": "10",
    }


def test_a_run_script_stays_below_4_kb_even_with_every_character_escaped() -> None:
    """ConfigMgr keeps 4 KB of what it made into JSON once more (1.4)."""
    quotes = 2
    assert 2 * LIMIT + quotes <= 4096


def test_the_run_script_lets_no_text_through_that_is_not_a_fingerprint() -> None:
    """Values are put into the script by the console: 1.4 warns of what else could stand in them."""
    (pattern,) = re.findall(r"ValidatePattern\('([^']+)'\)", text(PACKAGING / "sccm/run-script/run.ps1"))
    assert re.match(pattern, "")
    assert re.match(pattern, "0f" * 32)
    for other in ("0f" * 31, "0f" * 32 + " --yes", "'; exit", "xy" * 32):
        assert not re.match(pattern, other)


class TestReturnCodes:
    def rows(self) -> dict[int, dict[str, str]]:
        content = (PACKAGING / "sccm/application/return-codes.csv").read_text(encoding="utf-8")
        return {int(row["Code"]): row for row in csv.DictReader(content.splitlines())}

    def test_every_code_that_fix_can_end_in_has_its_class(self) -> None:
        rows, only_detect = self.rows(), 3
        for code in EXITS:
            if code != only_detect:
                kind = {0: "Success", 11: "FastRetry"}.get(code, "Failure")
                assert rows[profiled(code, None, Profile.configmgr.value)]["Type"] == kind
        assert {row["Type"] for row in rows.values()} <= {
            *("Success", "Failure", "FastRetry", "SoftReboot", "HardReboot")
        }

    def test_the_codes_that_configmgr_knows_have_the_classes_that_it_gives_them(self) -> None:
        defaults = {code: row["Type"] for code, row in self.rows().items() if row["Default"] == "yes"}
        assert defaults == {0: "Success", 1618: "FastRetry", 1641: "HardReboot", 3010: "SoftReboot"}

    def test_every_code_of_the_batch_files_is_there(self) -> None:
        used = {
            int(code)
            for file in BATCH
            if "content" in file.parts
            for code in re.findall(r"exit /b (\d+)", text(file))
        }
        assert used == {1605, 1619}
        of_installer = {1603, 1618, 1625, 1641, 3010}
        assert used | of_installer <= set(self.rows())


def test_what_powershell_does_with_the_scripts() -> None:
    not_shown("no package index has PowerShell: the scripts are parsed, and their twins run under Wine")


def in_text(source: str, at: int) -> bool:
    """Whether that place is in a comment or inside quotes, where a character less changes no structure."""
    line = source[source.rfind("\n", 0, at) + 1 : at]
    return line.lstrip().startswith("#") or any(line.count(quote) % 2 for quote in "'\"")


class TestGuide:
    """docs/deploy-windows.md says what is in the files."""

    GUIDE = (PACKAGING.parent / "docs" / "deploy-windows.md").read_text(encoding="utf-8")

    def test_every_file_that_it_names_is_there(self) -> None:
        named = set(re.findall(r"packaging[/\\][\w./\\-]+\.(?:ps1|sh|txt|cmd|csv)", self.GUIDE))
        assert len(named) > 10
        assert [name for name in named if not (PACKAGING.parent / name.replace("\\", "/")).exists()] == []

    def test_the_pattern_for_the_run_scripts_parameter_is_the_scripts(self) -> None:
        (pattern,) = re.findall(r"ValidatePattern\('([^']+)'\)", text(PACKAGING / "sccm/run-script/run.ps1"))
        assert f"Regex `{pattern}`" in self.GUIDE

    def test_every_option_that_it_names_is_one_of_the_programs(self) -> None:
        import typer

        from dsmcertfix.cli import whole

        options = {
            name
            for command in typer.main.get_command(whole()).commands.values()  # type: ignore[attr-defined]
            for parameter in command.params
            for name in parameter.opts
        }
        named = set(re.findall(r"(?<![\w-])--[a-z][\w-]+", self.GUIDE))
        assert named - options == set()
