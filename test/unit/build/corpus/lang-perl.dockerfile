FROM perl:5 AS build
ARG VERSION=dev
WORKDIR /src
COPY . .
RUN cpanm --installdeps .
FROM perl:5
LABEL org.opencontainers.image.version=$VERSION
COPY --from=build /src /app
CMD ["/app/run"]
