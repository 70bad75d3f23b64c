# Builds dsmcertfix.exe with its folder on a Windows host: build.ps1 [-Target DIR] [-Version 3.14]. Needs that
# Python for x64 in its newest release, and git; build.py refuses a Python whose Windows installers get no fixes any more.
param([string]$Target = (Join-Path $PSScriptRoot '..\..\build\windows'), [string]$Version = '3.14')
$ErrorActionPreference = 'Stop'
$top = (Resolve-Path -LiteralPath (Join-Path $PSScriptRoot '..\..')).Path
$environment = Join-Path $top '.cache\windows-build'
$python = Join-Path $environment 'Scripts\python.exe'

function Invoke-Checked([string]$Program, [string[]]$Arguments) {
    & $Program $Arguments
    if ($LASTEXITCODE -ne 0) { throw "$Program ended with $LASTEXITCODE" }
}

Invoke-Checked 'py' @("-$Version", '-m', 'venv', '--clear', $environment)
$lock = Join-Path $environment 'locked.txt'
Invoke-Checked $python @((Join-Path $top 'scripts\locked.py'), '--output', $lock, 'program', 'pyinstaller', 'setuptools')
Invoke-Checked $python @('-m', 'pip', 'install', '--quiet', '--no-deps', '--require-hashes', '--only-binary=:all:', '-r', $lock)
$env:SOURCE_DATE_EPOCH = Invoke-Checked 'git' @('-C', $top, 'log', '-1', '--format=%ct')
Invoke-Checked $python @((Join-Path $PSScriptRoot 'build.py'), $Target)
