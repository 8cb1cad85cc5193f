set "FOLDER=%USERPROFILE%\.bittrader_worker"
if defined BITTRADER_HOME set "FOLDER=%BITTRADER_HOME%\worker"
set "PROGRAM=%FOLDER%\bin\bittrader.cmd"
