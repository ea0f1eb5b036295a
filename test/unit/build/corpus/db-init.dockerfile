FROM postgres:16
COPY <<-'SQL' /docker-entrypoint-initdb.d/10-schema.sql
	CREATE TABLE users (id bigserial PRIMARY KEY, name text NOT NULL DEFAULT '$anonymous');
	INSERT INTO users (name) VALUES ('a'), ('b');
SQL
COPY --chmod=755 <<EOF /docker-entrypoint-initdb.d/20-more.sh
#!/bin/sh
psql -v ON_ERROR_STOP=1 --username "$POSTGRES_USER" -c "SELECT 1"
EOF
HEALTHCHECK --interval=10s --timeout=3s --start-period=20s --retries=5 \
    CMD pg_isready -U postgres || exit 1
