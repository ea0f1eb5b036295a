FROM x
RUN a \
