# syntax = docker/dockerfile:1
FROM golang:1.22-alpine AS build
RUN apk add --no-cache git openssh-client && mkdir -p -m 0700 ~/.ssh && ssh-keyscan git.example.com >> ~/.ssh/known_hosts
ENV GOPRIVATE=git.example.com/*
RUN git config --global url."git@git.example.com:".insteadOf "https://git.example.com/"
WORKDIR /src
COPY go.* .
RUN --mount=type=ssh,id=default,required=true go mod download
COPY . .
RUN go vet ./... && go test ./... -count=1 && go build -o /bin/svc .
