"""The environment of a program of IBM's: what Windows itself says, nothing that this process inherited.

Whoever started this process made its environment; a PATH or a TEMP from there would lead a program that runs
with our rights to files of theirs.
"""

from __future__ import annotations

import ntpath

from dsmcertfix.system.win32 import machine
from dsmcertfix.system.win32.registry import Registry

_CURRENT = "HKLM\\SOFTWARE\\Microsoft\\Windows\\CurrentVersion"
_MACHINE = "HKLM\\SYSTEM\\CurrentControlSet\\Control\\Session Manager\\Environment"
_CLIENT = ("DSM_DIR", "DSM_LOG")
"""Of the machine's own environment, which is the administrators': the client's services go by these."""

_PROCESSOR = ("PROCESSOR_ARCHITECTURE", "NUMBER_OF_PROCESSORS", "OS")


def clean() -> dict[str, str]:
    """The variables that programs of Windows rely on, of this machine and this user."""
    windows, system = machine.windows_directory(), machine.system_directory()
    told = Registry().values(_CURRENT)
    own = {name.upper(): value for name, value in Registry().values(_MACHINE).items()}
    drive = ntpath.splitdrive(windows)[0]
    profile = machine.profile_directory() or windows
    data = machine.folder("ProgramData") or f"{drive}\\ProgramData"
    local = machine.folder("LocalAppData")
    temporary = ntpath.join(local, "Temp") if local else ntpath.join(windows, "Temp")
    environment = {
        "SystemRoot": windows,
        "windir": windows,
        "SystemDrive": drive,
        "ComSpec": ntpath.join(system, "cmd.exe"),
        "PATH": ";".join((system, windows, ntpath.join(system, "Wbem"))),
        "PATHEXT": ".COM;.EXE;.BAT;.CMD",
        "TEMP": temporary,
        "TMP": temporary,
        "COMPUTERNAME": machine.computer_name(),
        "USERNAME": machine.user_name(),
        "USERPROFILE": profile,
        "HOMEDRIVE": ntpath.splitdrive(profile)[0],
        "HOMEPATH": ntpath.splitdrive(profile)[1],
        "LOCALAPPDATA": local or "",
        "APPDATA": machine.folder("RoamingAppData") or "",
        "PUBLIC": machine.folder("Public") or "",
        "ProgramData": data,
        "ALLUSERSPROFILE": data,
        "ProgramFiles": told.get("ProgramFilesDir", ""),
        "ProgramW6432": told.get("ProgramFilesDir", ""),
        "ProgramFiles(x86)": told.get("ProgramFilesDir (x86)", ""),
        "CommonProgramFiles": told.get("CommonFilesDir", ""),
        "CommonProgramW6432": told.get("CommonFilesDir", ""),
        "CommonProgramFiles(x86)": told.get("CommonFilesDir (x86)", ""),
        **{name: own.get(name, "") for name in (*_PROCESSOR, *_CLIENT)},
    }
    return {name: value for name, value in environment.items() if value}
