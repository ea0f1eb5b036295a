FROM alpine:3.20 AS fetch
ARG TERRAFORM_VERSION=1.9.5
ARG TARGETARCH
RUN apk add --no-cache curl unzip gnupg \
 && curl -fsSLO "https://releases.example.com/terraform/${TERRAFORM_VERSION}/terraform_${TERRAFORM_VERSION}_linux_${TARGETARCH}.zip" \
 && curl -fsSL "https://releases.example.com/terraform/${TERRAFORM_VERSION}/SHA256SUMS" | grep "linux_${TARGETARCH}.zip" | sha256sum -c - \
 && unzip -d /usr/local/bin terraform_*.zip
FROM gcr.example.com/distroless/static:nonroot
COPY --from=fetch /usr/local/bin/terraform /terraform
USER 65532:65532
ENTRYPOINT ["/terraform"]
