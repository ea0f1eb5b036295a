FROM ubuntu:24.04 AS build
ARG VERSION=dev
WORKDIR /src
COPY . .
RUN DEBIAN_FRONTEND=noninteractive apt-get install -y tzdata
FROM ubuntu:24.04
LABEL org.opencontainers.image.version=$VERSION
COPY --from=build /src /app
CMD ["/app/run"]
