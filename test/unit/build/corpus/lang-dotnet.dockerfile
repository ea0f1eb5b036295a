FROM mcr.microsoft.com/dotnet/sdk:8.0 AS build
ARG VERSION=dev
WORKDIR /src
COPY . .
RUN dotnet publish -c Release
FROM mcr.microsoft.com/dotnet/sdk:8.0
LABEL org.opencontainers.image.version=$VERSION
COPY --from=build /src /app
CMD ["/app/run"]
