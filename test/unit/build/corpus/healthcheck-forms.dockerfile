FROM a
HEALTHCHECK CMD curl -f http://localhost/ || exit 1
HEALTHCHECK --interval=5m --timeout=3s CMD ["curl", "-f", "http://localhost/"]
HEALTHCHECK --start-period=1m --start-interval=2s --retries=3 \
  CMD wget -q --spider localhost
HEALTHCHECK NONE
