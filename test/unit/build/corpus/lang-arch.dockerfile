FROM archlinux AS build
ARG VERSION=dev
WORKDIR /src
COPY . .
RUN pacman -Syu --noconfirm
FROM archlinux
LABEL org.opencontainers.image.version=$VERSION
COPY --from=build /src /app
CMD ["/app/run"]
