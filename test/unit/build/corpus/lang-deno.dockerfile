FROM denoland/deno:2 AS build
ARG VERSION=dev
WORKDIR /src
COPY . .
RUN deno cache main.ts
FROM denoland/deno:2
LABEL org.opencontainers.image.version=$VERSION
COPY --from=build /src /app
CMD ["/app/run"]
