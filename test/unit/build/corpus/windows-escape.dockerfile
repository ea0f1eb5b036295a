# escape=`
FROM mcr.microsoft.com/windows/nanoserver
COPY file.txt C:\dest\
RUN dir `
    C:\
