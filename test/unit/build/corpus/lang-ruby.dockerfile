FROM ruby:3.3 AS build
ARG VERSION=dev
WORKDIR /src
COPY . .
RUN bundle install
FROM ruby:3.3
LABEL org.opencontainers.image.version=$VERSION
COPY --from=build /src /app
CMD ["/app/run"]
