FROM x
ONBUILD COPY . /app/src
ONBUILD RUN make /app/src
onbuild user 1000
