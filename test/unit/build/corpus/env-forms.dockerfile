FROM a
ENV A=1 B="two words" C=three\ words D='$A'
ENV OLD the rest of the line
ENV E=${A:-x}-${B:+y} \
    F=2
LABEL com.example.v="1.0" description="a \
b"
LABEL multi.label1="value1" multi.label2="value2"
