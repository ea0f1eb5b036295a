FROM alpine
CMD true