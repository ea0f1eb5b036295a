FROM busybox
COPY <<a.txt <<b.txt <<"c.txt" /files/
first $HOME
a.txt
second
b.txt
third $HOME
c.txt
RUN cat /files/* <<ONE && cat <<TWO
from one
ONE
from two
TWO
