
# leading


FROM a
   # indented comment
RUN echo a \
# in the middle
 && echo b \
    # indented in the middle
 && echo "# inside quotes" # and after
	# a tab
CMD ["x"]
# at the end