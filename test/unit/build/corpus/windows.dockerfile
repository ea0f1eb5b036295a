# escape=`
FROM mcr.example.com/windows/servercore:ltsc2022
SHELL ["powershell", "-Command", "$ErrorActionPreference = 'Stop';"]
RUN Invoke-WebRequest -Uri https://example.com/x.zip -OutFile C:\x.zip; `
    Expand-Archive C:\x.zip -DestinationPath C:\x; `
    Remove-Item C:\x.zip
WORKDIR C:\x
COPY config.json C:\x\
ENV PATH="C:\x\bin;%PATH%"
CMD ["C:\\x\\run.exe", "--verbose"]
