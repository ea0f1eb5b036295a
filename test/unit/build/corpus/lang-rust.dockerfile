FROM rust:1 AS build
ARG VERSION=dev
WORKDIR /src
COPY . .
RUN cargo build --release
FROM rust:1
LABEL org.opencontainers.image.version=$VERSION
COPY --from=build /src /app
CMD ["/app/run"]
