FROM	x	AS	y
ENV	a	b
COPY	a	b
