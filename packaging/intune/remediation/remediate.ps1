# Remediation: repairs, and prints one line of JSON below 2048 characters. Exit code 0: done.
$folder = if ($env:ProgramW6432) { $env:ProgramW6432 } else { $env:ProgramFiles }
$program = Join-Path $folder 'dsmcertfix\dsmcertfix.exe'
if (-not (Test-Path -LiteralPath $program -PathType Leaf)) { 'dsmcertfix is not installed'; exit 10 }
& $program fix --yes --console-logs --format summary
exit $LASTEXITCODE
