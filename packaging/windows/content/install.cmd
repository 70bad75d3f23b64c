@echo off
rem Installs dsmcertfix from the MSI beside this file, then repairs. Options of `fix` may follow.
rem Exit code: of msiexec when the program could not be installed, otherwise of repair.cmd.
rem What msiexec did is told in dsmcertfix-msi.log, in %windir%\CCM\Logs, or without ConfigMgr in %windir%\Logs.
setlocal
set "package="
set "log="
if exist "%SystemRoot%\Logs\" set log=/l*v "%SystemRoot%\Logs\dsmcertfix-msi.log"
if exist "%SystemRoot%\CCM\Logs\" set log=/l*v "%SystemRoot%\CCM\Logs\dsmcertfix-msi.log"
pushd "%~dp0"
for %%F in (dsmcertfix-*-x64.msi) do set "package=%~dp0%%F"
popd
if not defined package exit /b 1619
"%SystemRoot%\System32\msiexec.exe" /i "%package%" /qn /norestart %log% >nul 2>&1 <nul
set installed=%errorlevel%
if not %installed%==0 if not %installed%==3010 exit /b %installed%
call "%~dp0repair.cmd" %*
if not %errorlevel%==0 exit /b %errorlevel%
exit /b %installed%
