FROM localhost:5000/a/b:tag
