FROM scratch AS s0
RUN echo 0
FROM s0 AS s1
RUN echo 1
FROM s1 AS s2
RUN echo 2
FROM s2 AS s3
RUN echo 3
FROM s3 AS s4
RUN echo 4
FROM s4 AS s5
RUN echo 5
FROM s5 AS s6
RUN echo 6
FROM s6 AS s7
RUN echo 7
FROM s7 AS s8
RUN echo 8
FROM s8 AS s9
RUN echo 9
FROM s9 AS s10
RUN echo 10
FROM s10 AS s11
RUN echo 11
