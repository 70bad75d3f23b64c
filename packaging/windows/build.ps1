# Builds dsmcertfix.exe with its folder on a Windows host: build.ps1 [-Target DIR]. Needs Python 3.11 for x64 and git.
param([string]$Target = (Join-Path $PSScriptRoot '..\..\build\windows'))
$ErrorActionPreference = 'Stop'
$top = (Resolve-Path -LiteralPath (Join-Path $PSScriptRoot '..\..')).Path
$environment = Join-Path $top '.cache\windows-build'
$python = Join-Path $environment 'Scripts\python.exe'

function Invoke-Checked([string]$Program, [string[]]$Arguments) {
    & $Program $Arguments
    if ($LASTEXITCODE -ne 0) { throw "$Program ended with $LASTEXITCODE" }
}

Invoke-Checked 'py' @('-3.11', '-m', 'venv', '--clear', $environment)
$lock = Join-Path $PSScriptRoot 'build-requirements.txt'
Invoke-Checked $python @('-m', 'pip', 'install', '--quiet', '--no-deps', '--require-hashes', '--only-binary=:all:', '-r', $lock)
$env:SOURCE_DATE_EPOCH = Invoke-Checked 'git' @('-C', $top, 'log', '-1', '--format=%ct')
Invoke-Checked $python @((Join-Path $PSScriptRoot 'build.py'), $Target)
