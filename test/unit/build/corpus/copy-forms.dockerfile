FROM x
COPY ["a b", "c d/"]
COPY --link --chmod=0755 a b /c/
COPY --from=0 / /
COPY --from=nginx:1.27 --exclude=*.md --exclude=docs /etc/nginx /n
COPY --parents ./x/a.txt ./y/a.txt /parents/
COPY *.t?t [ab]* /g/
