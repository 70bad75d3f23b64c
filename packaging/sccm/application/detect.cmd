@echo off
rem The twin of detect.ps1 for a command line: text is installed (nothing to repair), no output is not installed.
setlocal
set "program=%ProgramFiles%\dsmcertfix\dsmcertfix.exe"
if defined ProgramW6432 set "program=%ProgramW6432%\dsmcertfix\dsmcertfix.exe"
if not exist "%program%" exit /b 0
"%program%" detect --format sccm
exit /b %errorlevel%
