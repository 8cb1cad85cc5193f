@echo off
rem Removes the worker from this computer. The words after it go to `bittrader worker uninstall`.
setlocal
#:include places.bat
if not exist "%PROGRAM%" goto unfinished
call "%PROGRAM%" worker uninstall %*
exit /b %errorlevel%

:remove
for %%f in (envs python bin .setup) do if exist "%FOLDER%\%%f" rmdir /s /q "\\?\%FOLDER%\%%f"
for %%f in (envs python bin .setup) do if exist "%FOLDER%\%%f" goto held
if exist "%FOLDER%\install.lock" del "%FOLDER%\install.lock"
rmdir "%FOLDER%" 2>nul
echo removed what an unfinished installation had left.
exit /b 0

:held
echo something in "%FOLDER%" is still in use: close the windows that show it, and run this again. 1>&2
exit /b 1

:unfinished
if exist "%FOLDER%\envs" goto leftovers
if exist "%FOLDER%\python" goto leftovers
if exist "%FOLDER%\.setup" goto leftovers
echo no worker is installed here (there is no "%PROGRAM%"): nothing to remove.
exit /b 0

:leftovers
for %%w in (%*) do if "%%~w"=="--dry-run" goto dry
for %%w in (%*) do if "%%~w"=="--yes" goto remove
for %%w in (%*) do if "%%~w"=="-y" goto remove
rem No answer, which is also that nobody is there, removes nothing.
set "ANSWER="
set /p "ANSWER=Remove what an unfinished installation left in "%FOLDER%"? [y/N] "
if /i "%ANSWER%"=="y" goto remove
if /i "%ANSWER%"=="yes" goto remove
exit /b 1

:dry
echo would remove what an unfinished installation left in "%FOLDER%": envs, python, bin
exit /b 0
