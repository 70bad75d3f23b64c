# Enters return-codes.csv into a deployment type. On the site drive: add-return-codes.ps1 -Application A -DeploymentType D
param([Parameter(Mandatory = $true)][string]$Application, [Parameter(Mandatory = $true)][string]$DeploymentType)
$type = Get-CMDeploymentType -ApplicationName $Application -DeploymentTypeName $DeploymentType
foreach ($row in Import-Csv -LiteralPath (Join-Path $PSScriptRoot 'return-codes.csv')) {
    if ($row.Default -eq 'yes') { continue }
    Add-CMDeploymentTypeReturnCode -InputObject $type -ReturnCode $row.Code -CodeType $row.Type -Name $row.Name -Description $row.Description
}
