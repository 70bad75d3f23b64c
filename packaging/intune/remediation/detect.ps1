# Remediation, detection: exit code 1, and no other, starts remediate.ps1.
$folder = if ($env:ProgramW6432) { $env:ProgramW6432 } else { $env:ProgramFiles }
$program = Join-Path $folder 'dsmcertfix\dsmcertfix.exe'
if (-not (Test-Path -LiteralPath $program -PathType Leaf)) { 'dsmcertfix is not installed'; exit 10 }
& $program detect --format intune
exit $LASTEXITCODE
