FROM debian:12
SHELL ["/bin/bash", "-euo", "pipefail", "-c"]
RUN <<-EOT
	apt-get update
	apt-get install -y curl
	if [[ -n "${DEBUG:-}" ]]; then
		set -x
	fi
EOT
