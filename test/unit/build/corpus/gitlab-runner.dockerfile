FROM ubuntu:24.04
LABEL maintainer="ops"
RUN --mount=type=secret,id=netrc,dst=/root/.netrc set -o pipefail; curl --netrc https://ci.example.com/x | tar -xzf - -C /opt
RUN echo "runner ALL=(ALL) NOPASSWD: ALL" > /etc/sudoers.d/runner \
  ; chmod 0440 /etc/sudoers.d/runner
USER runner:docker
ENV PATH=$PATH:/opt/runner/bin LANG=C.UTF-8 TZ="Europe/Berlin"
ENTRYPOINT ["/usr/bin/dumb-init", "--", "/entrypoint.sh"]
CMD ["run", "--user=runner", "--working-directory=/home/runner"]
