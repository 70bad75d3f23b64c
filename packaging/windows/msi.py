"""Writes what wixl and msibuild need for the MSI: `msi.py FOLDER TARGET [VERSION]`.

The program is in FOLDER, as build.py leaves it; without a VERSION it has the one of the tree.

TARGET then has dsmcertfix.wxs (its files are named from FOLDER), after.sql (a statement for msibuild a line,
with what wixl cannot say) and product.txt. Every GUID comes from the version or from a file's path: the same
version is the same product, wherever it was built. The upgrade code never changes. (Windows Installer knows
no version above 255.255.65535.)

What the package does: the program's files in Program Files, dsmcertfix as a source of the Application event
log, and the state directory in ProgramData, open to SYSTEM and administrators alone. Removal leaves the state
directory when there are backups in it.
"""

from __future__ import annotations

import hashlib
import sys
import uuid
from pathlib import Path
from xml.sax.saxutils import quoteattr

sys.path.insert(0, str(Path(__file__).resolve().parent))
import build

NAMESPACE = uuid.UUID("1f0c9a64-6a0f-4d2b-9d53-1e6d0d1a7c58")
UPGRADE_CODE = "7D3B2C55-9E0B-4C0E-8A7C-52B9C8E4F0A1"
# A program of Windows whose message table has "%1" for every number from 1 to 1000.
MESSAGES = r"%SystemRoot%\System32\EventCreate.exe"
EVENT_LOG = r"SYSTEM\CurrentControlSet\Services\EventLog\Application\dsmcertfix"
# Nothing is inherited from ProgramData, where everybody may make files. SIDs, as names differ by language.
STATE_ACL = "D:P(A;OICI;FA;;;SY)(A;OICI;FA;;;BA)"
AFTERWARDS = (
    # wixl makes every text a plain one; this one's variable is to be expanded.
    f"UPDATE `Registry` SET `Value`='#%{MESSAGES}' WHERE `Name`='EventMessageFile'",
    "CREATE TABLE `MsiLockPermissionsEx` (`MsiLockPermissionsEx` CHAR(72) NOT NULL, "
    "`LockObject` CHAR(72) NOT NULL, `Table` CHAR(32) NOT NULL, `SDDLText` CHAR(0) NOT NULL, "
    "`Condition` CHAR(255) PRIMARY KEY `MsiLockPermissionsEx`)",
    "INSERT INTO `MsiLockPermissionsEx` (`MsiLockPermissionsEx`, `LockObject`, `Table`, `SDDLText`) "
    f"VALUES ('State', 'StateDirectory', 'CreateFolder', '{STATE_ACL}')",
)


def main(folder: Path, target: Path, version: str) -> None:
    """The files for wixl and msibuild are in `target`, which is made. Raises SystemExit without a program."""
    if not (folder / "dsmcertfix.exe").is_file():
        raise SystemExit(f"{folder} has no dsmcertfix.exe: build it first")
    target.mkdir(parents=True, exist_ok=True)
    (target / "dsmcertfix.wxs").write_text(_source(folder.resolve(), version), encoding="utf-8")
    (target / "after.sql").write_text("".join(f"{line}\n" for line in AFTERWARDS), encoding="utf-8")
    code = product_code(version)
    product = {
        "version": version,
        "product-code": f"{{{code}}}",
        "upgrade-code": f"{{{UPGRADE_CODE}}}",
        "uninstall": f"msiexec.exe /x {{{code}}} /qn /norestart",
    }
    lines = "".join(f"{name} {value}\n" for name, value in product.items())
    (target / "product.txt").write_text(lines, encoding="utf-8")


def product_code(version: str) -> str:
    """The product code of that version."""
    return str(uuid.uuid5(NAMESPACE, f"product {version}")).upper()


def _source(folder: Path, version: str) -> str:
    components: list[str] = []
    files = _directory(folder, folder, components)
    components += ["EventSource", "State"]
    number = ".".join(map(str, build.numbers(version)[:3]))
    references = "".join(f'<ComponentRef Id="{name}"/>' for name in components)
    return f"""<?xml version="1.0" encoding="utf-8"?>
<Wix xmlns="http://schemas.microsoft.com/wix/2006/wi">
<Product Id="{product_code(version)}" UpgradeCode="{UPGRADE_CODE}" Name="dsmcertfix" Version="{number}"
  Manufacturer="dsmcertfix" Language="1033">
<Package InstallerVersion="500" Compressed="yes" InstallScope="perMachine" Manufacturer="dsmcertfix"
  Description="Repairs the trust of IBM Storage Protect clients in their servers"/>
<Media Id="1" Cabinet="dsmcertfix.cab" EmbedCab="yes"/>
<MajorUpgrade DowngradeErrorMessage="A newer version of dsmcertfix is installed."/>
<Property Id="ARPNOMODIFY" Value="1"/>
<Property Id="REINSTALLMODE" Value="amus"/>
<Directory Id="TARGETDIR" Name="SourceDir">
<Directory Id="ProgramFiles64Folder"><Directory Id="INSTALLDIR" Name="dsmcertfix">
{files}</Directory></Directory>
<Directory Id="CommonAppDataFolder"><Directory Id="StateDirectory" Name="dsmcertfix">
<Component Id="State" Guid="{_guid("state")}" Win64="yes"><CreateFolder/></Component>
</Directory></Directory>
<Component Id="EventSource" Guid="{_guid("event source")}" Win64="yes">
<RegistryValue Root="HKLM" Key="{EVENT_LOG}" Name="EventMessageFile" Type="string" Value="{MESSAGES}"
  KeyPath="yes"/>
<RegistryValue Root="HKLM" Key="{EVENT_LOG}" Name="TypesSupported" Type="integer" Value="7"/>
</Component>
</Directory>
<Feature Id="Program" Level="1" Title="dsmcertfix">{references}</Feature>
</Product>
</Wix>
"""


def _directory(directory: Path, top: Path, components: list[str]) -> str:
    """The files and directories in `directory` as elements; the ids of their components are added."""
    found = []
    for path in sorted(directory.iterdir()):
        relative = path.relative_to(top).as_posix()
        name = hashlib.sha256(relative.encode()).hexdigest()[:20]
        if path.is_dir():
            inside = _directory(path, top, components)
            found.append(f'<Directory Id="d{name}" Name={quoteattr(path.name)}>\n{inside}</Directory>\n')
            continue
        components.append(f"c{name}")
        found.append(
            f'<Component Id="c{name}" Guid="{_guid(relative)}" Win64="yes">'
            f'<File Id="f{name}" Name={quoteattr(path.name)} Source={quoteattr(relative)} KeyPath="yes"/>'
            "</Component>\n"
        )
    return "".join(found)


def _guid(name: str) -> str:
    return str(uuid.uuid5(NAMESPACE, f"component {name}")).upper()


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), *(sys.argv[3:] or [build.version()]))
