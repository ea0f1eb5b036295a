FROM composer:2 AS vendor
COPY composer.json composer.lock /app/
RUN composer install --ignore-platform-reqs --no-interaction --no-plugins --no-scripts --prefer-dist
FROM php:8.3-fpm-alpine
ARG user=www
ARG uid=1000
RUN apk add --no-cache $PHPIZE_DEPS \
    # image libraries
    libpng-dev libjpeg-turbo-dev \
    # and the rest
    && docker-php-ext-install pdo_mysql bcmath gd
RUN adduser -D -u $uid -G www-data $user
WORKDIR /var/www
COPY --from=vendor /app/vendor/ vendor/
COPY --chown=$user:www-data . .
USER $user
