@echo off
rem What the tests of Lifeboat cannot show without Windows, tried on a real PC in
rem about ten minutes. Run it in a prompt, as administrator or in Windows PE, with
rem lifeboat.exe beside it or in the current folder:
rem
rem   check-on-a-pc.cmd [folder for temporary files]
rem
rem It writes to that folder only, saves a few small files of its own, and prints
rem a block between two lines to paste into an issue. The block names disks and
rem volumes, and nobody's files. Nothing is restored into the running Windows.
setlocal enabledelayedexpansion
set "EXE=%~dp0lifeboat.exe"
if not exist "%EXE%" set "EXE=%CD%\lifeboat.exe"
if not exist "%EXE%" (
  echo lifeboat.exe is neither beside this file nor in the current folder.
  exit /b 1
)
set "ROOM=%~1"
if not defined ROOM set "ROOM=%TEMP%\lifeboat-check"
if exist "%ROOM%\" (
  echo %ROOM% exists already. Remove it, or name another folder.
  exit /b 1
)
md "%ROOM%"
if not exist "%ROOM%\" exit /b 1
set "RESULT=%ROOM%\result.txt"
set "USMT_WORKING_DIR=%ROOM%"
set FAILED=0

>"%RESULT%" echo ---- lifeboat check ----
"%EXE%" version >>"%RESULT%" 2>&1
ver >>"%RESULT%"
>>"%RESULT%" echo processor %PROCESSOR_ARCHITECTURE%
set KIND=Windows PE
reg query HKLM\SYSTEM\CurrentControlSet\Control\MiniNT >nul 2>&1
if errorlevel 1 set KIND=Windows
>>"%RESULT%" echo system %KIND%
for /f "tokens=2 delims=:" %%c in ('chcp') do >>"%RESULT%" echo code page%%c

echo 1 of 7  The disks and volumes of this PC
"%EXE%" disks >"%ROOM%\disks.txt" 2>&1
call :result disks %errorlevel% 0
"%EXE%" machine >"%ROOM%\machine.json" 2>&1
call :result machine %errorlevel% 0
>>"%RESULT%" type "%ROOM%\disks.txt"

echo 2 of 7  The Windows on them
"%EXE%" detect --no-sizes >"%ROOM%\detect.txt" 2>&1
call :result detect %errorlevel% "0 26"

rem A small Windows of its own, with names that are hard.
echo 3 of 7  Building a small PC and saving it
"%EXE%" demo --yes "%ROOM%\pc" >"%ROOM%\demo.txt" 2>&1
call :result demo %errorlevel% 0
set "DISK=%ROOM%\pc\disk"
set "DEEP=%DISK%\Users\anna.keller\Documents"
for /l %%i in (1,1,12) do set "DEEP=!DEEP!\a folder with a long name %%i"
md "\\?\%DEEP%" 2>nul
>"\\?\%DEEP%\deep.txt" echo deep 2>nul
if exist "\\?\%DEEP%\deep.txt" (>>"%RESULT%" echo   long path made) else (>>"%RESULT%" echo   long path not made)
>"%DISK%\Users\anna.keller\Documents\stream.txt" echo main
>"%DISK%\Users\anna.keller\Documents\stream.txt:hidden" echo stream 2>nul

echo 4 of 7  ScanState, checking, extracting
"%EXE%" scanstate "%ROOM%\store" "/offlineWinDir:%DISK%\Windows" /c /o "/l:%ROOM%\scan.log" "/progress:%ROOM%\progress.csv" >"%ROOM%\scan.txt" 2>&1
call :result scanstate %errorlevel% "0 3"
"%EXE%" usmtutils /verify "%ROOM%\store" >"%ROOM%\verify.txt" 2>&1
call :result verify %errorlevel% 0
"%EXE%" usmtutils /extract "%ROOM%\store" "%ROOM%\back" >"%ROOM%\extract.txt" 2>&1
call :result extract %errorlevel% 0
if exist "\\?\!DEEP:%ROOM%\pc\disk=%ROOM%\back\C$!\deep.txt" (>>"%RESULT%" echo   long path came back) else (>>"%RESULT%" echo   long path did not come back)
>nul 2>&1 fc /b "%DISK%\Users\anna.keller\Documents\stream.txt" "%ROOM%\back\C$\Users\anna.keller\Documents\stream.txt"
call :result same-bytes %errorlevel% 0
set LINE=
set /p LINE=<"%ROOM%\back\C$\Users\anna.keller\Documents\stream.txt:hidden" 2>nul
>>"%RESULT%" echo   stream %LINE%

echo 5 of 7  LoadState into an offline copy
xcopy "%DISK%" "%ROOM%\new" /e /h /i /q /y >nul 2>&1
"%EXE%" loadstate "%ROOM%\store" "/offlineWinDir:%ROOM%\new\Windows" /lac /c "/l:%ROOM%\load.log" >"%ROOM%\load.txt" 2>&1
call :result loadstate %errorlevel% "0 3"
reg load HKLM\LifeboatCheck "%ROOM%\new\Windows\System32\config\SOFTWARE" >nul 2>&1
call :result hive-loads %errorlevel% 0
reg unload HKLM\LifeboatCheck >nul 2>&1

echo 6 of 7  LoadState into this Windows, only planned
"%EXE%" loadstate "%ROOM%\store" /lac /c /plan "/l:%ROOM%\plan.log" >"%ROOM%\plan.txt" 2>&1
>>"%RESULT%" echo plan %errorlevel%

echo 7 of 7  What a person has to look at
echo.
echo   a) Start "%EXE%" and press F10 and Esc. Is every line and box drawn well,
echo      do arrows, F-keys and AltGr work, and does the window fill the screen in
echo      Windows PE?
echo   b) While it shows the drives, plug a stick in and take it out. Does the list
echo      follow?
echo   c) Click into the window while it saves the demo. Does the save go on?
echo.
if "%LIFEBOAT_CHECK%"=="quiet" goto end
for %%q in (screen drives click) do (
  set ANSWER=
  set /p ANSWER=%%q [y/n/words]? 
  >>"%RESULT%" echo %%q !ANSWER!
)

:end
>>"%RESULT%" echo failed %FAILED%
>>"%RESULT%" echo ---- end ----
echo.
type "%RESULT%"
echo.
echo Please paste the block above into an issue. If something failed, add the file
echo of its name from %ROOM%; then remove that folder.
exit /b %FAILED%

rem result NAME CODE "EXPECTED CODES"; 9009 is a command that is not there.
:result
if "%2"=="9009" (
  >>"%RESULT%" echo %1 not tried
  exit /b 0
)
set GOOD=no
for %%g in (%~3) do if "%2"=="%%g" set GOOD=yes
if "%GOOD%"=="yes" (
  >>"%RESULT%" echo %1 ok, code %2
) else (
  >>"%RESULT%" echo %1 FAILED, code %2
  set /a FAILED+=1
)
exit /b 0
