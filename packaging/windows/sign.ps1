# Signs with signtool what is not signed yet: sign.ps1 -Thumbprint HEX -Path build\windows\dsmcertfix, later -Path the MSI.
param(
    [Parameter(Mandatory = $true)][string]$Thumbprint,
    [Parameter(Mandatory = $true)][string[]]$Path,
    [string]$Timestamp = 'http://timestamp.digicert.com'
)
$ErrorActionPreference = 'Stop'
$kinds = '.exe', '.dll', '.pyd', '.msi'
$files = Get-ChildItem -LiteralPath $Path -Recurse -File | Where-Object { $kinds -contains $_.Extension }
$unsigned = @($files | Where-Object { (Get-AuthenticodeSignature -LiteralPath $_.FullName).Status -eq 'NotSigned' })
foreach ($file in $unsigned) {
    & signtool.exe sign /sha1 $Thumbprint /fd SHA256 /tr $Timestamp /td SHA256 /d dsmcertfix $file.FullName
    if ($LASTEXITCODE -ne 0) { throw "signtool ended with $LASTEXITCODE for $($file.FullName)" }
    & signtool.exe verify /pa /q $file.FullName
    if ($LASTEXITCODE -ne 0) { throw "the signature of $($file.FullName) does not hold" }
}
"signed: $($unsigned.Count) of $(@($files).Count) files"
