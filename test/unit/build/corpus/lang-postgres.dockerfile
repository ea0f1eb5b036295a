FROM postgres:17 AS build
ARG VERSION=dev
WORKDIR /src
COPY . .
RUN echo "x" >> /docker-entrypoint-initdb.d/x.sql
FROM postgres:17
LABEL org.opencontainers.image.version=$VERSION
COPY --from=build /src /app
CMD ["/app/run"]
