# check=skip=all
# Syntax = docker/dockerfile:1.4
# escape = \
# not a directive
# escape=`
FROM alpine
