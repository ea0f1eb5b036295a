FROM quay.io/jupyter/base-notebook AS build
ARG VERSION=dev
WORKDIR /src
COPY . .
RUN mamba install -y numpy
FROM quay.io/jupyter/base-notebook
LABEL org.opencontainers.image.version=$VERSION
COPY --from=build /src /app
CMD ["/app/run"]
