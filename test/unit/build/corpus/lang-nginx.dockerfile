FROM nginx:1.27 AS build
ARG VERSION=dev
WORKDIR /src
COPY . .
RUN nginx -t
FROM nginx:1.27
LABEL org.opencontainers.image.version=$VERSION
COPY --from=build /src /app
CMD ["/app/run"]
