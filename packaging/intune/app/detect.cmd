@echo off
rem The twin of detect.ps1 for a command line: exit code 0 with text is detected (nothing to repair).
setlocal
set "program=%ProgramFiles%\dsmcertfix\dsmcertfix.exe"
if defined ProgramW6432 set "program=%ProgramW6432%\dsmcertfix\dsmcertfix.exe"
if not exist "%program%" exit /b 1
"%program%" detect --format intune
exit /b %errorlevel%
