FROM fedora:41 AS build
ARG VERSION=dev
WORKDIR /src
COPY . .
RUN dnf -y install gcc && dnf clean all
FROM fedora:41
LABEL org.opencontainers.image.version=$VERSION
COPY --from=build /src /app
CMD ["/app/run"]
