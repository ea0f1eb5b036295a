FROM python:3
RUN python3 <<EOF > /hello
print("Hello")
print("World")
EOF
RUN <<EOF python3
import sys
sys.exit(0)
EOF
RUN <<EOF
#!/usr/bin/env python3
for i in range(3):
    print(i)
EOF
