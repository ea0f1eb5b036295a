FROM gcc:14 AS build
ARG VERSION=dev
WORKDIR /src
COPY . .
RUN make -j"$(nproc)"
FROM gcc:14
LABEL org.opencontainers.image.version=$VERSION
COPY --from=build /src /app
CMD ["/app/run"]
