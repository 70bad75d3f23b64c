# Configuration item, remediation: repairs what discovery found. Exit code 0: done; anything else: docs/exit-codes.md.
# Fill in the SHA-256 of each server's new certificate, as 'HEX' or 'SERVER=HEX'; with none, exit code 2.
$expect = @()
$folder = if ($env:ProgramW6432) { $env:ProgramW6432 } else { $env:ProgramFiles }
$program = Join-Path $folder 'dsmcertfix\dsmcertfix.exe'
if (-not (Test-Path -LiteralPath $program -PathType Leaf)) { exit 10 }
$pins = @($expect | ForEach-Object { '--expect-sha256', $_ })
& $program fix --yes $pins --console-logs --format summary
exit $LASTEXITCODE
