FROM x
EXPOSE 80 443/tcp 53/udp 8000-8010
EXPOSE ${PORT:-9000}/sctp
VOLUME ["/data", "/log dir"]
VOLUME /a /b $C
