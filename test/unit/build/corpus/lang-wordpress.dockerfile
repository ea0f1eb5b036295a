FROM wordpress:6 AS build
ARG VERSION=dev
WORKDIR /src
COPY . .
RUN a2enmod rewrite
FROM wordpress:6
LABEL org.opencontainers.image.version=$VERSION
COPY --from=build /src /app
CMD ["/app/run"]
