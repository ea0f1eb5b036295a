FROM x
RUN echo "a \
b" 'c # not a comment'
RUN echo a#b # shell comment
RUN echo \\
RUN x="<<EOF" cat <<<here
RUN cat <<A && cat <<B
1
A
2
B
