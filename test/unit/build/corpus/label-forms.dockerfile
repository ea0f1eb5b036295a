FROM a
LABEL "com.example.vendor"="ACME Incorporated"
LABEL version="1.0" description="This text illustrates \
that label-values can span multiple lines."
LABEL single word
LABEL a.b.c= empty="" url=https://example.com/?q=1&r=2#frag
