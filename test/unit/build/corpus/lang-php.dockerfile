FROM php:8-apache AS build
ARG VERSION=dev
WORKDIR /src
COPY . .
RUN docker-php-ext-install pdo
FROM php:8-apache
LABEL org.opencontainers.image.version=$VERSION
COPY --from=build /src /app
CMD ["/app/run"]
