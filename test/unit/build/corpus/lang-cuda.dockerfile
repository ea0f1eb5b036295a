FROM nvidia/cuda:12 AS build
ARG VERSION=dev
WORKDIR /src
COPY . .
RUN nvcc --version
FROM nvidia/cuda:12
LABEL org.opencontainers.image.version=$VERSION
COPY --from=build /src /app
CMD ["/app/run"]
