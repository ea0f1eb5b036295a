FROM alpine:3.20 AS build
ARG VERSION=dev
WORKDIR /src
COPY . .
RUN apk add --no-cache curl=~8 && ln -sf /dev/stdout /var/log/x
FROM alpine:3.20
LABEL org.opencontainers.image.version=$VERSION
COPY --from=build /src /app
CMD ["/app/run"]
