FROM golang:1.23 AS src
WORKDIR /src
COPY . .
FROM src AS lint
COPY --from=golangci/golangci-lint:v1.60 /usr/bin/golangci-lint /usr/bin/
RUN golangci-lint run --timeout 5m ./...
FROM src AS test
RUN --mount=type=tmpfs,target=/tmp go test -race -coverprofile=/cover.out ./...
FROM scratch AS coverage
COPY --from=test /cover.out /
FROM src AS final
RUN go install ./...
