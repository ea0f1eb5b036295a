from a as b
run x
copy --from=b c d
cmd ["e"]
entrypoint f
workdir /g
user h
env i=j
label k=l
expose 1
volume /m
stopsignal 9
shell ["/n"]
