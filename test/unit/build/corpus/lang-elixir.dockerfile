FROM elixir:1.17 AS build
ARG VERSION=dev
WORKDIR /src
COPY . .
RUN mix deps.get
FROM elixir:1.17
LABEL org.opencontainers.image.version=$VERSION
COPY --from=build /src /app
CMD ["/app/run"]
