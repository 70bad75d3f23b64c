@echo off
rem Repairs with the installed dsmcertfix. Options of `fix` follow: --expect-sha256 HEX, the server's new certificate
rem (SERVER=HEX for one server, any number of times), or --trust-on-first-use. Without either of them: exit code 2.
rem Exit code: 0 done, 1618 busy (come back later), 1605 not installed, others as in return-codes.csv.
setlocal
set "program=%ProgramFiles%\dsmcertfix\dsmcertfix.exe"
if defined ProgramW6432 set "program=%ProgramW6432%\dsmcertfix\dsmcertfix.exe"
if not exist "%program%" exit /b 1605
"%program%" fix --yes --exit-profile configmgr --console-logs %*
exit /b %errorlevel%
