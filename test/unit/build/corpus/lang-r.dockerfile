FROM r-base:4 AS build
ARG VERSION=dev
WORKDIR /src
COPY . .
RUN Rscript -e 'install.packages("x")'
FROM r-base:4
LABEL org.opencontainers.image.version=$VERSION
COPY --from=build /src /app
CMD ["/app/run"]
