FROM opensuse/leap AS build
ARG VERSION=dev
WORKDIR /src
COPY . .
RUN zypper -n in vim
FROM opensuse/leap
LABEL org.opencontainers.image.version=$VERSION
COPY --from=build /src /app
CMD ["/app/run"]
