# Sets this computer up as a worker of a cluster. In this folder:
#     powershell -ExecutionPolicy Bypass -File install.ps1
# or with -Help for its options. Kept to what PowerShell 5.1 understands, which every Windows 10 and 11 has.
#:values
Set-StrictMode -Version 2.0
$ErrorActionPreference = 'Stop'

# What would let other code into the environment, or the environment into another place.
foreach ($name in 'PYTHONPATH', 'PYTHONHOME', 'VIRTUAL_ENV', 'CONDA_PREFIX', 'UV_SYSTEM_PYTHON', 'UV_PROJECT') {
    [Environment]::SetEnvironmentVariable($name, $null, 'Process')
}

$Package = Join-Path $PSScriptRoot 'package'
$Folder = Join-Path $env:USERPROFILE '.bittrader_worker'
if ($env:BITTRADER_HOME) { $Folder = Join-Path $env:BITTRADER_HOME 'worker' }
$Environment = Join-Path $Folder "envs\$PackageId"
$Python = Join-Path $Environment 'Scripts\python.exe'
$Stamp = Join-Path $Environment 'bittrader-installed'
$Pythons = Join-Path $Folder 'python'
$Setup = Join-Path $Folder '.setup'
$Said = Join-Path $Setup 'said'
$Program = Join-Path $Folder 'bin\bittrader.cmd'
$OwnUv = Join-Path $Folder 'bin\uv.exe'
$NeededMegabytes = 2000

$script:Ask = $true
$script:DryRun = $false
$script:Words = New-Object System.Collections.ArrayList
$script:Before = @()
$script:Making = $false
$script:Uv = ''

$Usage = @"
Usage: powershell -ExecutionPolicy Bypass -File install.ps1 [OPTIONS]

Sets this computer up as a worker of a cluster.

  -Yes             ask nothing: take the answers from the options below  (BITTRADER_YES=1)
  -DryRun          say what would be changed, and change nothing         (BITTRADER_DRY_RUN=1)
  -Join CODE       the join code, or a file that holds it                (BITTRADER_JOIN)
  -Firewall        open what the cluster needs, to its network alone     (BITTRADER_FIREWALL=yes)
  -NoFirewall      leave the firewall as it is                           (BITTRADER_FIREWALL=no)
  -StartAtLogin    start by itself when you log in                       (BITTRADER_START_AT_LOGIN=yes)
  -NoStartAtLogin  start by hand alone                                   (BITTRADER_START_AT_LOGIN=no)
  -Cores N         use at most N cores                                   (NUM_CPUS)
  -Json            report for programs
  -Help            print this

The other systems' way of writing them (--dry-run) is understood as well.
Behind a proxy: HTTPS_PROXY. From mirrors: UV_DEFAULT_INDEX for packages, UV_PYTHON_INSTALL_MIRROR for Python,
BITTRADER_UV_URL for the folder with uv's package $UvVersion. BITTRADER_HOME moves all that is made.
"@

function Stop-Script([int]$Code, [string]$Message) {
    [Console]::Error.WriteLine("install.ps1: $Message")
    exit $Code
}

function Test-Yes([string]$Answer) {
    if ('1', 'y', 'yes', 'true' -contains $Answer) { return $true }
    if ('', '0', 'n', 'no', 'false' -contains $Answer) { return $false }
    Stop-Script 2 "what does '$Answer' mean? Say yes or no."
}

function Add-Word([string[]]$More) {
    foreach ($word in $More) { [void]$script:Words.Add($word) }
}

# Checks every option before anything is done, and keeps those that are for bittrader.
function Read-Options([object[]]$Given) {
    $i = 0
    while ($i -lt $Given.Count) {
        $word = [string]$Given[$i]
        $option, $value = $word -split '[=:]', 2
        $name = $option.ToLowerInvariant().Replace('-', '')
        if (-not $word.StartsWith('-')) { $name = '' }
        elseif (($null -ne $value) -and ('join', 'cores' -notcontains $name)) { $name += '=' }
        switch ($name) {
            'help' { Write-Host $Usage; exit 0 }
            'h' { Write-Host $Usage; exit 0 }
            'yes' { $script:Ask = $false; Add-Word '--yes' }
            'y' { $script:Ask = $false; Add-Word '--yes' }
            'dryrun' { $script:DryRun = $true }
            'json' { Add-Word '--json' }
            'firewall' { Add-Word '--firewall' }
            'nofirewall' { Add-Word '--no-firewall' }
            'startatlogin' { Add-Word '--start-at-login' }
            'nostartatlogin' { Add-Word '--no-start-at-login' }
            { 'join', 'cores' -contains $_ } {
                # PowerShell makes two words of -Cores:2 by itself.
                if (($null -eq $value) -or $word.EndsWith(':')) {
                    $i += 1
                    if ($i -ge $Given.Count) { Stop-Script 2 "$option needs a value; -Help lists the options." }
                    $value = [string]$Given[$i]
                }
                Add-Word "--$name", $value
            }
            '' { Stop-Script 2 'a word without an option is not understood (it is not shown: a join code is secret); -Help lists the options.' }
            { 'firewall=', 'nofirewall=' -contains $_ } { Stop-Script 2 'write -Firewall or -NoFirewall, without a value.' }
            { 'startatlogin=', 'nostartatlogin=' -contains $_ } { Stop-Script 2 'write -StartAtLogin or -NoStartAtLogin, without a value.' }
            { 'y=', 'h=', 'yes=', 'dryrun=', 'json=', 'help=' -contains $_ } { Stop-Script 2 "write $option without a value." }
            default { Stop-Script 2 "there is no option $option; -Help lists them." }
        }
        $i += 1
    }
}

# What only looks like a code is not shown: with one wrong character it is a secret still.
function Test-Code([string]$From, [string]$Word) {
    if (-not $Word) { Stop-Script 2 "$From is empty: ``bittrader head invite`` prints a code on the head." }
    $code = $Word
    if (Test-Path -LiteralPath $Word -PathType Leaf) {
        $code = @(Get-Content -LiteralPath $Word -TotalCount 100 | Where-Object { $_ -notmatch '^#' }) -join ' '
    } elseif ($Word -match '^([A-Za-z]:)?[\\/]|^\.{1,2}[\\/]') {
        Stop-Script 2 "$Word is neither a join code nor a file that can be read."
    }
    $code = $code -replace '^\s*bittrader\s+worker\s+join\s+', '' # the line that the head printed, as a whole
    if ($code -match '[^0-9A-Za-z_.\s\u0080-\uFFFF-]') {
        Stop-Script 2 "what $From says is neither a join code nor a file that holds one (it is not shown: a code is secret)."
    }
    $letters = ($code -replace '[^0-9A-Za-z]', '').ToUpperInvariant().Replace('O', '0').Replace('I', '1').Replace('L', '1')
    if (Test-Whole $letters) { return }
    if (59, 66, 72, 78 -contains $letters.Length) { Stop-Script 2 "the join code of $From is damaged: copy it again, all of it." }
    Stop-Script 2 "the join code of $From is not whole, it has $($letters.Length) letters: copy it again, all of it."
}

# Whether the last six letters of a code are those that the others give: src/bittrader/cluster/invite.py tells of it.
function Test-Whole([string]$Letters) {
    $generator = 29, 22, 20, 21, 29, 18
    $left = 0, 0, 0, 0, 0, 1
    foreach ($letter in $Letters.ToCharArray()) {
        $digit = '0123456789ABCDEFGHJKMNPQRSTVWXYZ'.IndexOf($letter)
        if ($digit -lt 0) { return $false }
        $factor = $left[0]
        $left = @($left[1..5]) + $digit
        for ($i = 0; $i -lt 6; $i++) {
            $product = 0
            foreach ($bit in 16, 8, 4, 2, 1) {
                $product = $product * 2
                if ($product -ge 32) { $product = $product -bxor 41 }
                if ($generator[$i] -band $bit) { $product = $product -bxor $factor }
            }
            $left[$i] = $left[$i] -bxor $product
        }
    }
    return (($left -join ' ') -eq '2 9 20 20 18 1')
}

function Test-Asked([string[]]$Names) {
    foreach ($name in $Names) {
        if ($script:Words -contains $name) { return $true }
    }
    return $false
}

# Options that were not given are taken from the variables. The program reads BITTRADER_JOIN itself: the list of
# processes shows words, and a code is secret.
function Read-Variables {
    if ((Test-Yes $env:BITTRADER_YES) -and -not (Test-Asked '--yes')) { $script:Ask = $false; Add-Word '--yes' }
    if (Test-Yes $env:BITTRADER_DRY_RUN) { $script:DryRun = $true }
    if ($env:NUM_CPUS -and -not (Test-Asked '--cores')) { Add-Word '--cores', $env:NUM_CPUS }
    if ($env:BITTRADER_FIREWALL -and -not (Test-Asked '--firewall', '--no-firewall')) {
        if (Test-Yes $env:BITTRADER_FIREWALL) { Add-Word '--firewall' } else { Add-Word '--no-firewall' }
    }
    if ($env:BITTRADER_START_AT_LOGIN -and -not (Test-Asked '--start-at-login', '--no-start-at-login')) {
        if (Test-Yes $env:BITTRADER_START_AT_LOGIN) { Add-Word '--start-at-login' } else { Add-Word '--no-start-at-login' }
    }
}

# Before anything is fetched: the program would refuse them in the end.
function Test-Values {
    for ($i = 0; $i -lt $script:Words.Count - 1; $i++) {
        $value = [string]$script:Words[$i + 1]
        if (($script:Words[$i] -eq '--cores') -and ($value -notmatch '^[1-9][0-9]*$')) { Stop-Script 2 "-Cores $value is no number of cores." }
        if ($script:Words[$i] -eq '--join') { Test-Code '-Join' $value }
    }
    if ($env:BITTRADER_JOIN) { Test-Code 'BITTRADER_JOIN' $env:BITTRADER_JOIN }
}

# Stops where Bittrader cannot run, with the reason; what is less than recommended is only said.
function Test-Machine {
    $system = Get-CimInstance Win32_OperatingSystem
    $processor = @(Get-CimInstance Win32_Processor)[0]
    $memory = [math]::Round($system.TotalVisibleMemorySize / 1048576, 1)
    $cores = [Environment]::ProcessorCount
    $drive = New-Object System.IO.DriveInfo ([IO.Path]::GetPathRoot($Folder))
    $free = [math]::Floor($drive.AvailableFreeSpace / 1048576)
    Write-Host "  This computer  $($system.Caption), $cores cores, $memory GB of memory, $([math]::Floor($free / 1024)) GB of disk free"
    if ($processor.Architecture -eq 12) { Stop-Script 2 'Windows on ARM is not supported: Ray has no packages for it.' }
    if (-not [Environment]::Is64BitOperatingSystem) { Stop-Script 2 'a 32-bit Windows is not supported: Ray has no packages for it.' }
    if ([Environment]::OSVersion.Version.Major -lt 10) { Stop-Script 2 "$($system.Caption) is too old: Windows 10 or 11 is needed." }
    # A tenth less: the firmware keeps a part of the memory for itself.
    if ($memory -lt 0.9 * [int]$LeastGb) { Write-Host "  Note           a worker should have $LeastGb GB of memory: large searches may not fit." }
    if ($cores -lt [int]$LeastCores) { Write-Host "  Note           a worker should have $LeastCores cores: it will be slow." }
    if (-not (Test-Path (Join-Path $env:SystemRoot 'System32\msvcp140.dll'))) {
        Write-Host '  Note           Ray needs the Visual C++ Redistributable (x64), which is not here: https://aka.ms/vs/17/release/vc_redist.x64.exe'
    }
    if (-not (Test-Made) -and ($free -lt $NeededMegabytes)) {
        Stop-Script 1 "there is too little room on $($drive.Name): $free MB are free, and $NeededMegabytes MB are needed. Make room, and start it again."
    }
}

function Test-Package {
    foreach ($pair in @(@($Wheel, $WheelSha256), @('requirements.txt', $RequirementsSha256))) {
        $file = Join-Path $Package $pair[0]
        if (-not (Test-Path -LiteralPath $file)) { Stop-Script 2 "$file is not there: unpack the whole zip, and start the script that lies in it." }
        if ((Get-FileHash -LiteralPath $file -Algorithm SHA256).Hash -ne $pair[1]) { Stop-Script 2 "$file is damaged: unpack the zip again." }
    }
    foreach ($name in @($Inside -split ' ' | Where-Object { $_ })) {
        $needed = Join-Path $Package $name
        if (-not (Test-Path -LiteralPath $needed)) { Stop-Script 2 "$needed is not there: unpack the whole zip, and start the script that lies in it." }
    }
}

function Test-Made {
    if (-not (Test-Path -LiteralPath $Stamp) -or -not (Test-Path -LiteralPath $Python)) { return $false }
    return ([IO.File]::ReadAllText($Stamp).Trim() -eq $PackageId)
}

# Whether the program that is installed is the one of our environment.
function Test-InUse {
    if (-not (Test-Path -LiteralPath $Program)) { return $false }
    return [IO.File]::ReadAllText($Program).Contains("envs\$PackageId\")
}

# What we may make in the folder, the innermost last.
function Get-Entries {
    $found = @()
    foreach ($place in $Folder, (Join-Path $Folder 'envs'), (Join-Path $Folder 'bin'), $OwnUv, $Pythons) {
        if (Test-Path -LiteralPath $place) { $found += $place }
    }
    foreach ($place in (Join-Path $Folder 'envs'), $Pythons) {
        if (Test-Path -LiteralPath $place) { $found += @(Get-ChildItem -LiteralPath $place -Force | ForEach-Object { $_.FullName }) }
    }
    return $found
}

function Remove-Tree([string]$Path) {
    # Paths in an environment can be too long for Remove-Item; cmd's rmdir knows the long form.
    if (Test-Path -LiteralPath $Path -PathType Container) {
        & $env:ComSpec /d /c "rmdir /s /q `"\\?\$Path`""
    } elseif (Test-Path -LiteralPath $Path) {
        Remove-Item -LiteralPath $Path -Force
    }
}

# Removes what this run made; what was there before stays, and so does what is in use.
function Undo-All {
    $script:Making = $false
    Remove-Tree $Setup
    if (Test-InUse) { return }
    $made = @(Get-Entries | Where-Object { $script:Before -notcontains $_ })
    [array]::Reverse($made)
    foreach ($entry in $made) {
        if (($entry -eq $Folder) -or ($entry -eq (Join-Path $Folder 'bin'))) {
            if (@(Get-ChildItem -LiteralPath $entry -Force).Count -eq 0) { Remove-Item -LiteralPath $entry -Force }
        } else {
            Remove-Tree $entry
        }
    }
}

# Takes the folder for this run alone, and remembers what was there before it.
function Start-Making {
    $script:Before = @(Get-Entries)
    [void](New-Item -ItemType Directory -Force -Path $Folder)
    $mark = Join-Path $Setup 'pid'
    if (Test-Path -LiteralPath $mark) {
        $other = Get-CimInstance Win32_Process -Filter "ProcessId = $([int][IO.File]::ReadAllText($mark))"
        if ($other -and ([string]$other.CommandLine).Contains('install.ps1')) {
            Stop-Script 1 "it is being installed already (process $($other.ProcessId)): wait for that."
        }
    }
    Remove-Tree $Setup
    [void](New-Item -ItemType Directory -Path $Setup)
    [IO.File]::WriteAllText($mark, "$PID")
    $script:Making = $true
}

function Format-Argument([string]$Word) {
    if ($Word -match '[\s"]') { return '"' + $Word.Replace('"', '\"') + '"' }
    return $Word
}

# Runs uv with its words kept in a file. (PowerShell 5.1 takes a native program's standard error for its own.)
function Invoke-Uv([string[]]$Given) {
    $line = (@('--directory', $Folder) + $Given | ForEach-Object { Format-Argument $_ }) -join ' '
    $env:UV_PYTHON_INSTALL_DIR = $Pythons
    if (-not $env:UV_CACHE_DIR) { $env:UV_CACHE_DIR = Join-Path $Setup 'cache' }
    $done = Start-Process -FilePath $script:Uv -ArgumentList $line -NoNewWindow -Wait -PassThru -RedirectStandardOutput $Said -RedirectStandardError "$Said.err"
    return $done.ExitCode
}

# Our line for what uv said; with its last lines when we do not know it.
function Get-Cause {
    $text = [IO.File]::ReadAllText($Said) + [IO.File]::ReadAllText("$Said.err")
    if ($text -match '(?i)not enough space|os error 112|no space left') { return "the disk is full: make room ($NeededMegabytes MB are needed) and start it again." }
    if ($text -match '(?i)hash mismatch|do not match the hashes') { return 'a download is not what it should be. Start it again; if it stays so, do not trust that mirror.' }
    if ($text -match '(?i)certificate') { return "a server's certificate is not trusted here: set SSL_CERT_FILE to your network's." }
    if ($text -match '(?i)dns error|unreachable|refused|timed out|error sending request|request failed|network') { return 'what is missing cannot be downloaded: check the network (behind a proxy, set HTTPS_PROXY) and start it again.' }
    $last = @($text.Trim() -split "`r?`n")
    return "it failed, and said:`n" + ($last[-5..-1] -join "`n")
}

function Invoke-Step([string]$What, [string[]]$Given) {
    if ((Invoke-Uv $Given) -ne 0) { Stop-Script 1 "${What}: $(Get-Cause)" }
}

# Finds a uv that is new enough for the pinned Python: kept by us, or on the PATH.
function Find-Uv {
    $candidates = @($OwnUv) + @(Get-Command uv.exe -CommandType Application -ErrorAction SilentlyContinue | ForEach-Object { $_.Path })
    foreach ($candidate in $candidates) {
        if (-not (Test-Path -LiteralPath $candidate)) { continue }
        $answer = [string](& $candidate --version)
        if ($answer -notmatch '^uv (\d+\.\d+\.\d+)') { continue }
        if ([version]$Matches[1] -ge [version]$UvVersion) { $script:Uv = $candidate; return }
    }
}

# A package of uv, checked before anything of it is used; nothing is left of one that is truncated or wrong.
function Get-Uv {
    $system, $file, $sha256 = $UvFiles -split ' '
    $archive = Join-Path $Setup $file
    $inside = Join-Path $Package "uv\$file"
    Write-Host "Taking uv $UvVersion ..."
    if ($env:BITTRADER_UV_URL) {
        Save-Url "$env:BITTRADER_UV_URL/$file" $archive
    } elseif (Test-Path -LiteralPath $inside) {
        Copy-Item -LiteralPath $inside -Destination $archive
    } else {
        Stop-Script 2 "$inside is not there: unpack the whole zip, or name the folder that has it in BITTRADER_UV_URL."
    }
    if ((Get-FileHash -LiteralPath $archive -Algorithm SHA256).Hash -ne $sha256) {
        Stop-Script 1 "what was fetched as uv is not uv $UvVersion (its SHA-256 differs): nothing of it was used. Start it again; if it stays so, do not trust that mirror or proxy."
    }
    [void](New-Item -ItemType Directory -Force -Path (Join-Path $Folder 'bin'))
    Add-Type -AssemblyName System.IO.Compression.FileSystem
    $zip = [IO.Compression.ZipFile]::OpenRead($archive)
    try {
        [IO.Compression.ZipFileExtensions]::ExtractToFile($zip.GetEntry("uv-$UvVersion.data/scripts/uv.exe"), $OwnUv, $true)
    } finally {
        $zip.Dispose()
    }
    $script:Uv = $OwnUv
}

function Save-Url([string]$Url, [string]$Path) {
    [Net.ServicePointManager]::SecurityProtocol = [Net.ServicePointManager]::SecurityProtocol -bor [Net.SecurityProtocolType]::Tls12
    $client = New-Object Net.WebClient
    if ($env:HTTPS_PROXY) { $client.Proxy = New-Object Net.WebProxy($env:HTTPS_PROXY) }
    if ($client.Proxy) { $client.Proxy.Credentials = [Net.CredentialCache]::DefaultCredentials }
    try {
        $client.DownloadFile($Url, $Path)
    } catch {
        Stop-Script 1 "uv cannot be fetched: $($_.Exception.GetBaseException().Message) Check the network (behind a proxy, set HTTPS_PROXY) and start it again."
    } finally {
        $client.Dispose()
    }
}

# The pinned Python, or nothing.
function Find-Python {
    if ((Invoke-Uv '--no-python-downloads', 'python', 'find', '--system', '--no-project', $PythonVersion) -ne 0) { return '' }
    return @([IO.File]::ReadAllText($Said).Trim() -split "`r?`n")[-1]
}

function Get-Python {
    $found = Find-Python
    if ($found) { return $found }
    Write-Host "Fetching Python $PythonVersion ..."
    $inside = Join-Path $Package 'python'
    if (Test-Path -LiteralPath $inside) { $env:UV_PYTHON_INSTALL_MIRROR = ([Uri]$inside).AbsoluteUri }
    Invoke-Step "Python $PythonVersion cannot be fetched" 'python', 'install', '--no-bin', '--no-registry', $PythonVersion
    return Find-Python
}

function New-Environment([string]$Base) {
    Write-Host 'Making the environment ...'
    Remove-Tree $Environment
    Invoke-Step 'the environment cannot be made' 'venv', '--no-project', '--python', $Base, $Environment
    $source = @()
    $wheels = Join-Path $Package 'wheels'
    if (Test-Path -LiteralPath $wheels) { $source = @('--no-index', '--find-links', $wheels) }
    Write-Host 'Installing the packages (some minutes the first time) ...'
    $install = @('pip', 'install', '--python', $Python, '--compile-bytecode')
    Invoke-Step 'the packages cannot be installed' ($install + '--only-binary', ':all:', '--require-hashes' + $source + '--requirement', (Join-Path $Package 'requirements.txt'))
    Invoke-Step 'Bittrader cannot be installed' ($install + '--no-index', '--no-deps', (Join-Path $Package $Wheel))
    [IO.File]::WriteAllText($Stamp, "$PackageId`n")
}

function Write-Plan {
    Write-Host ''
    Write-Host 'What will be done:'
    if (Test-Made) {
        Write-Host "  - use the environment that is there: $Environment"
    } else {
        if ($script:Uv) { Write-Host "  - use uv: $script:Uv" } else { Write-Host "  - take uv $UvVersion, check its SHA-256, and keep it in $Folder\bin" }
        Write-Host "  - use Python $PythonVersion if it is here; else have uv fetch it into $Pythons"
        Write-Host "  - make an environment in $Environment (about 1.3 GB), each package checked by its SHA-256"
    }
    Write-Host '  - run `bittrader worker install`, which lists what it changes in this computer before it does'
    Write-Host ''
}

# What the program would list, for a dry run before there is one. Its plan has the contents of the files as well.
function Write-Changes {
    if (Test-Path (Join-Path $Folder 'receipt.json')) {
        Write-Host '`bittrader worker install` would then keep what was chosen at the first installation, and start it from there'
        Write-Host ''
        return
    }
    $login = ', which starts when you log in if you agree'
    if ((Test-Asked '--start-at-login') -or -not $script:Ask) { $login = ', which starts when you log in' }
    if (Test-Asked '--no-start-at-login') { $login = '' }
    $firewall = "open this node's ports to the VPN or the local network alone in the firewall of Windows, if you agree"
    if (-not $script:Ask) { $firewall = 'leave the firewall as it is' }
    if (Test-Asked '--firewall') { $firewall = "open this node's ports to the VPN or the local network alone in the firewall of Windows" }
    if (Test-Asked '--no-firewall') { $firewall = 'leave the firewall as it is' }
    Write-Host '`bittrader worker install` would then'
    Write-Host "  - write $Program"
    Write-Host "  - write $Folder\task.xml, and start the scheduled task Bittrader worker$login"
    Write-Host "  - $firewall"
    Write-Host "  - keep all else in $Folder`: settings, secrets, logs, and the list of these changes"
    Write-Host ''
}

function Install-All {
    if (-not (Test-Made)) {
        if (-not $script:Uv) { Get-Uv }
        $base = Get-Python
        if (-not $base) { Stop-Script 1 "Python $PythonVersion was fetched, but is not found: $(Get-Cause)" }
        New-Environment $base
    }
    & $Python -m bittrader worker install --environment $Environment @($script:Words)
    return
}

Read-Options $args
Read-Variables
Test-Values
Write-Host "Bittrader $PackageVersion`: sets this computer up as a worker of a cluster."
Write-Host ''
Test-Package
Test-Machine
Find-Uv
Write-Plan
if ($script:DryRun) {
    if (Test-Made) {
        & $Python -m bittrader worker install --environment $Environment --dry-run @($script:Words)
        exit $LASTEXITCODE
    }
    Write-Changes
    Write-Host 'Nothing was changed: this was a dry run.'
    exit 0
}
# Before anything is fetched: without it the program would refuse in the end.
if (-not $script:Ask -and -not (Test-Asked '--join') -and -not $env:BITTRADER_JOIN -and -not (Test-Path -LiteralPath (Join-Path $Folder 'meeting.json'))) {
    Stop-Script 2 'this computer has joined no cluster: add -Join CODE, which `bittrader head invite` prints on the head.'
}
if ($script:Ask) {
    if ([Console]::IsInputRedirected) { Stop-Script 2 'there is no terminal to ask on: add -Yes, and the answers as options (-Help lists them).' }
    if ((Read-Host 'Go on? [Y/n]') -notmatch '^(|y|yes)$') { Stop-Script 1 'nothing was changed.' }
}
Start-Making
$code = 1
try {
    Install-All
    $code = $LASTEXITCODE
} finally {
    # Also after Ctrl-C and after `exit`.
    if (Test-InUse) {
        Remove-Tree $Setup
    } elseif (Test-Made) {
        Remove-Tree $Setup
        $remove = '.\uninstall.bat'
        if (Test-Path -LiteralPath $Program) { $remove = "cmd /c rmdir /s /q `"$Environment`"" }
        [Console]::Error.WriteLine('install.ps1: not installed. For the next try, which downloads nothing then, this is kept (1.3 GB):')
        [Console]::Error.WriteLine("    $Environment")
        [Console]::Error.WriteLine("To remove it:  $remove")
    } else {
        Undo-All
        [Console]::Error.WriteLine('install.ps1: not installed; what it had begun was taken back.')
    }
}
exit $code
