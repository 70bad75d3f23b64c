# Configuration item, discovery: Compliant or NonCompliant. Without the program: exit code 10, discovery failed.
$folder = if ($env:ProgramW6432) { $env:ProgramW6432 } else { $env:ProgramFiles }
$program = Join-Path $folder 'dsmcertfix\dsmcertfix.exe'
if (-not (Test-Path -LiteralPath $program -PathType Leaf)) { exit 10 }
& $program detect --format sccm-item
exit $LASTEXITCODE
