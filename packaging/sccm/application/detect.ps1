# Application detection: text is installed (nothing to repair), no output is not installed, anything else is unknown.
$folder = if ($env:ProgramW6432) { $env:ProgramW6432 } else { $env:ProgramFiles }
$program = Join-Path $folder 'dsmcertfix\dsmcertfix.exe'
if (-not (Test-Path -LiteralPath $program -PathType Leaf)) { exit 0 }
& $program detect --format sccm
exit $LASTEXITCODE
