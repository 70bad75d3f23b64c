# Configuration item, remediation: repairs what discovery found. Exit code 0: done; anything else: docs/exit-codes.md.
$folder = if ($env:ProgramW6432) { $env:ProgramW6432 } else { $env:ProgramFiles }
$program = Join-Path $folder 'dsmcertfix\dsmcertfix.exe'
if (-not (Test-Path -LiteralPath $program -PathType Leaf)) { exit 10 }
& $program fix --yes --console-logs --format summary
exit $LASTEXITCODE
