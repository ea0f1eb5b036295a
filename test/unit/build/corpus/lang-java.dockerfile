FROM eclipse-temurin:21 AS build
ARG VERSION=dev
WORKDIR /src
COPY . .
RUN ./mvnw -B package
FROM eclipse-temurin:21
LABEL org.opencontainers.image.version=$VERSION
COPY --from=build /src /app
CMD ["/app/run"]
