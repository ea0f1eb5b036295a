FROM x
COPY <<EOF /empty
EOF
