FROM --platform=linux/amd64 rust:1.80 AS b
RUN rustup target add x86_64-unknown-linux-musl
ADD https://static.example.org/openssl-3.0.14.tar.gz /tmp/
RUN set -eux; cd /tmp; tar xzf openssl-*.tar.gz; \
	case "$(uname -m)" in \
		x86_64) t=linux-x86_64 ;; \
		aarch64) t=linux-aarch64 ;; \
		*) echo >&2 "unknown: $(uname -m)"; exit 1 ;; \
	esac; \
	cd openssl-*/ && ./Configure "$t" && make -j"$(nproc)"
FROM scratch
COPY --from=b --chmod=0755 /src/app /
CMD ["/app"]
