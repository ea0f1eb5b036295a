# escape=\
# check=skip=all
FROM a:b
RUN echo one \
  two
