FROM a
RUN echo 1 \ 
 && echo 2 \

 && echo 3
RUN echo \\
RUN echo a\
b\
c
ENTRYPOINT [ \
  "a", \
  "b" \
]
