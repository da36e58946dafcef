@echo off
rem Made by "lifeboat media". Windows PE runs this in a prompt that stays when
rem everything below has ended: whatever happens, there is a prompt.
setlocal enabledelayedexpansion
title Lifeboat
set "LIFEBOAT=%~d0\Lifeboat"
set "PATH=%PATH%;%LIFEBOAT%"
echo Starting. This takes about a minute.
wpeinit

if exist "%LIFEBOAT%\drivers" for /r "%LIFEBOAT%\drivers" %%f in (*.inf) do drvload "%%f" >nul

rem Windows PE knows what it was started from; asking a dying disk for the stick
rem could take minutes. Where it does not know, look; the stick may answer late.
set STICK=
wpeutil UpdateBootInfo >nul 2>&1
for /f "tokens=2*" %%a in ('reg query HKLM\SYSTEM\CurrentControlSet\Control /v PEBootRamdiskSourceDrive 2^>nul') do if exist "%%~db\lifeboat\media.txt" set "STICK=%%~db"
for %%n in (1 2 3 4 5) do if not defined STICK (
  if not %%n==1 ping -n 2 127.0.0.1 >nul
  for %%d in (C D E F G H I J K L M N O P Q R S T U V W Y Z) do if not defined STICK if exist "%%d:\lifeboat\media.txt" set "STICK=%%d:"
)

rem Logs and temporary files go to the stick: the memory disk is small. A stick
rem that cannot be written to (an ISO) leaves only the memory disk.
set "ROOM=%TEMP%\lifeboat"
if defined STICK (
  md "%STICK%\lifeboat\temp" 2>nul
  if exist "%STICK%\lifeboat\temp" set "ROOM=%STICK%\lifeboat"
)
md "%ROOM%\logs" 2>nul
md "%ROOM%\temp" 2>nul
set "USMT_WORKING_DIR=%ROOM%\temp"
set "ERRORS=%ROOM%\logs\errors.txt"
cd /d "%ROOM%\logs"

if exist "%LIFEBOAT%\wifi" (
  net start wlansvc >nul 2>&1
  for %%f in ("%LIFEBOAT%\wifi\*.xml") do netsh wlan add profile "filename=%%f"
)
if exist "%LIFEBOAT%\network.cmd" call "%LIFEBOAT%\network.cmd"

:wizard
"%LIFEBOAT%\lifeboat.exe" 2>"%ERRORS%"
set CODE=%errorlevel%
echo.
type "%ERRORS%"
:ask
echo.
echo Lifeboat has ended with return code %CODE%. Logs are in %ROOM%\logs.
echo.
echo   Enter   start it again
echo   P       a prompt; "exit" comes back here
echo   R       restart this computer
echo   S       switch this computer off
echo.
set ANSWER=
set /p ANSWER=What next?
if /i "!ANSWER!"=="p" goto prompt
if /i "!ANSWER!"=="r" goto restart
if /i "!ANSWER!"=="s" goto off
goto wizard
:prompt
cmd
goto ask
:restart
wpeutil reboot
goto ask
:off
wpeutil shutdown
goto ask
