#!/usr/bin/env docker-build
# syntax=x
FROM alpine
