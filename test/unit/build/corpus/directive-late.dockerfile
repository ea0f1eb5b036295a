# a comment first
# escape=`
FROM a
RUN echo \
  x
