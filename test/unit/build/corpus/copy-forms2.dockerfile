FROM a
COPY --parents --exclude=**/*.test.js ./src/./lib/*.js /dest/
COPY --from=0 --link --chmod=u=rwX,go=rX /a /b
COPY --from=registry.example.com:5000/team/image@sha256:0123456789012345678901234567890123456789012345678901234567890123 /x /y
COPY ["a b", "c d/", "/e f/"]
COPY arr[[]0].txt /mydir/
COPY hom?.txt ho*.txt /mydir/
COPY --chown=55:mygroup files* /somedir/
COPY "quoted file" /dest/
