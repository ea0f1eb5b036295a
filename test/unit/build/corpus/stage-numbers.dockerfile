FROM a
RUN 0
FROM b AS Upper-Case.name_1
RUN 1
FROM 0
COPY --from=1 /x /y
COPY --from=upper-case.name_1 /x /z
FROM upper-case.name_1
