@echo off
rem Says what is right with the worker here and what is not. The words after it go to `bittrader worker verify`.
setlocal
#:include places.bat
if not exist "%PROGRAM%" goto missing
call "%PROGRAM%" worker verify %*
exit /b %errorlevel%

:missing
echo no worker is installed here (there is no "%PROGRAM%"): run  powershell -ExecutionPolicy Bypass -File install.ps1 1>&2
exit /b 2
