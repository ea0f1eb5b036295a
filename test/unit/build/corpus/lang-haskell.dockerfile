FROM haskell:9 AS build
ARG VERSION=dev
WORKDIR /src
COPY . .
RUN cabal build
FROM haskell:9
LABEL org.opencontainers.image.version=$VERSION
COPY --from=build /src /app
CMD ["/app/run"]
