FROM python:3.12
RUN <<EOF
set -eux
pip install --no-cache-dir -r requirements.txt
EOF
RUN <<'PY' python3 -
print("$HOME is not replaced")
PY
COPY <<-"CONF" <<TXT /etc/app/
	[section]
	key = $value
	CONF
Hello, $NAME
TXT
