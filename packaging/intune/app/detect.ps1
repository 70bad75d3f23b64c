# Win32 app, detection: exit code 0 with text is detected (nothing to repair). Nothing is ever written to stderr.
$folder = if ($env:ProgramW6432) { $env:ProgramW6432 } else { $env:ProgramFiles }
$program = Join-Path $folder 'dsmcertfix\dsmcertfix.exe'
if (-not (Test-Path -LiteralPath $program -PathType Leaf)) { exit 1 }
& $program detect --format intune
exit $LASTEXITCODE
