FROM x
RUN ["a", "b \"c\"", "\\d"]
RUN [ "$x" = y ] && echo yes
RUN ['single']
CMD []
ENTRYPOINT ["x", 1]
