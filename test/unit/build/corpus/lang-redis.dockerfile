FROM redis:7 AS build
ARG VERSION=dev
WORKDIR /src
COPY . .
RUN redis-server --version
FROM redis:7
LABEL org.opencontainers.image.version=$VERSION
COPY --from=build /src /app
CMD ["/app/run"]
