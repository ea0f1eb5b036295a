FROM x
ONBUILD COPY <<E /e
text
E
