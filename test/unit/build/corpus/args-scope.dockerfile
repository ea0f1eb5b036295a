ARG TAG=latest REGISTRY=docker.io
ARG IMAGE=${REGISTRY}/library/alpine:${TAG}
FROM ${IMAGE} AS one
ARG TAG
ARG TAG=other
RUN echo ${TAG}
FROM ${REGISTRY:-quay.io}/x/y:${TAG:+z}
ARG REGISTRY
LABEL from=$REGISTRY
