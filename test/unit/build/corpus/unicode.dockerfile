FROM x
LABEL ü="ö ä" emoji=🐟
RUN echo "日本語"
