FROM nginx:1.27-alpine
RUN rm /etc/nginx/conf.d/default.conf
COPY <<EOF /etc/nginx/templates/default.conf.template
server {
    listen \${PORT};
    location / { proxy_pass http://\${UPSTREAM}; }
}
EOF
ENV PORT=80 UPSTREAM=app:8080
