FROM oven/bun:1 AS build
ARG VERSION=dev
WORKDIR /src
COPY . .
RUN bun install --frozen-lockfile
FROM oven/bun:1
LABEL org.opencontainers.image.version=$VERSION
COPY --from=build /src /app
CMD ["/app/run"]
