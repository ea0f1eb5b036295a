FROM a
ENV A=1 \
    # comment between
    B="two \
lines" \

    C='three'
ENV D the rest of the line = "as it is"
ENV E=$A$B${C}\$F "G"="h"
