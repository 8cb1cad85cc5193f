# Runs the worker in this terminal until Ctrl-C. The words after it go to `bittrader worker start`:
#     powershell -ExecutionPolicy Bypass -File worker_daemon.ps1
Set-StrictMode -Version 2.0
$Folder = Join-Path $env:USERPROFILE '.bittrader_worker'
if ($env:BITTRADER_HOME) { $Folder = Join-Path $env:BITTRADER_HOME 'worker' }
$Program = Join-Path $Folder 'bin\bittrader.cmd'
if (-not (Test-Path -LiteralPath $Program)) {
    [Console]::Error.WriteLine("no worker is installed here (there is no $Program): run  powershell -ExecutionPolicy Bypass -File install.ps1")
    exit 2
}
& $Program worker start @args
exit $LASTEXITCODE
