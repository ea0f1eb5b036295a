FROM mysql:8.4
LABEL maintainer="Data Team <data@example.com>" \
      org.opencontainers.image.title="mysql for tests" \
      org.opencontainers.image.vendor='Example, Inc.'
ENV MYSQL_DATABASE=app MYSQL_ALLOW_EMPTY_PASSWORD=yes
ADD --chown=mysql:mysql conf.d/ /etc/mysql/conf.d/
VOLUME ["/var/lib/mysql", "/backup"]
STOPSIGNAL SIGTERM
EXPOSE 3306/tcp 33060
