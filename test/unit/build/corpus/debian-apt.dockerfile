FROM debian:bookworm
SHELL ["/bin/bash", "-o", "pipefail", "-c"]
RUN apt-get update \
 # tools for the build
 && apt-get install -y --no-install-recommends \
      ca-certificates \
      curl \

      git \
 && rm -rf /var/lib/apt/lists/*
